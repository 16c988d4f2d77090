#include "bot/scenario_bundle.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "recordings/export.h"
#include "recordings/lane_view.h"
#include "recordings/manifest.h"
#include "recordings/picture_at.h"
#include "recordings/recording_folder.h"
#include "scenarios/bundle.h"

namespace callbot::bot {
namespace {

using scenarios::FileFact;
using scenarios::TimeWindow;

constexpr int kPictureWidth = 480, kPictureHeight = 360;  // fit into it
constexpr int64_t kSettled = 1'000'000'000;       // a run ends a little after what was received
constexpr int64_t kOfTheMoment = 10'000'000'000;  // twice as long as from picture to picture

// "12.3s": since the run began.
std::string run_time(const scenarios::Evidence& e, int64_t at_ns) {
  return fmt::format("{:.1f}s", std::max(0.0, e.seconds(at_ns)));
}

// RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

class Bundle {
 public:
  Bundle(fs::path folder, const scenarios::RunRecord& run)
      : folder_(std::move(folder)), run_(run) {}

  Result<std::vector<FileFact>> make(const std::vector<KeptMedia>& media, bool everything) {
    files_.push_back({.path = folder_, .kind = "bundle", .text = "what was kept of the run"});
    if (everything) {
      const fs::path received = folder_ / "received";
      if (auto made = make_folder(received); !made) return tl::unexpected(made.error());
      const TimeWindow whole{run_.evidence.began_ns, run_.evidence.ended_ns + kSettled};
      for (const KeptMedia& one : media) {
        if (one.pictures.empty())
          cut(one, whole, received);
        else
          copy_pictures(one, whole, whole.to_ns, "", received);
      }
    }
    for (const scenarios::Moment& moment : scenarios::moments_of(run_.judged, run_.evidence)) {
      if (auto kept = keep(moment, media); !kept) return tl::unexpected(kept.error());
    }
    return std::move(files_);
  }

 private:
  Result<> keep(const scenarios::Moment& moment, const std::vector<KeptMedia>& media) {
    const fs::path folder =
        folder_ / fmt::format("{}-{}", run_time(run_.evidence, moment.span.from_ns),
                              run_time(run_.evidence, moment.span.to_ns));
    if (auto made = make_folder(folder); !made) return made;
    scenarios::RunRecord part{run_.judged, {}, scenarios::within(run_.evidence, moment.span)};
    part.summary = scenarios::summary_of(part.evidence);
    if (auto wrote = keep(folder / "run.json", "stats",
                          scenarios::run_json(std::vector{part}).dump(true), moment);
        !wrote)
      return wrote;
    std::string what;
    for (const std::string& name : moment.cases) what += printable(name, 400) + "\n";
    if (auto wrote = keep(folder / "events.txt", "log",
                          what + "\n" + scenarios::log_text(part.evidence), moment);
        !wrote)
      return wrote;
    for (const KeptMedia& one : media) {
      const auto& who = moment.actors;
      if (!who.empty() && std::find(who.begin(), who.end(), one.actor) == who.end()) continue;
      if (!one.pictures.empty()) {
        copy_pictures(one, moment.span, moment.at_ns, moment.cases.front(), folder);
        continue;
      }
      cut(one, moment.span, folder);
      take_pictures(one, moment, folder);
      if (auto wrote = list_headers(one, moment, folder); !wrote) return wrote;
    }
    return {};
  }

  // What came in, packet by packet.
  Result<> list_headers(const KeptMedia& media, const scenarios::Moment& moment,
                        const fs::path& folder) {
    if (!media.headers) return {};
    const auto arrivals = media.headers->between(moment.span.from_ns, moment.span.to_ns);
    if (arrivals.empty()) return {};
    std::string csv = "time_s,from,stream,ssrc,payload_type,sequence,rtp_time,marker,bytes\n";
    for (const pipelines::RtpArrival& one : arrivals) {
      const auto known = media.streams.find(one.ssrc);
      const KeptMedia::Stream whose =
          known == media.streams.end() ? KeptMedia::Stream{} : known->second;
      csv += fmt::format("{:.6f},{},{},{},{},{},{},{},{}\n", run_.evidence.seconds(one.at_ns),
                         csv_field(whose.from), whose.name, one.ssrc, one.payload_type,
                         one.sequence, one.rtp_time, one.marker ? 1 : 0, one.bytes);
    }
    const fs::path path = folder / fmt::format("{}-rtp-headers-at-{}.csv", safe_name(media.actor),
                                               run_time(run_.evidence, arrivals.front().at_ns));
    return keep(path, "headers", csv, moment);
  }

  Result<> keep(const fs::path& path, const char* kind, const std::string& text,
                const scenarios::Moment& moment) {
    if (auto wrote = write_atomically(path, text); !wrote) return wrote;
    files_.push_back({.path = path, .kind = kind, .span = moment.span, .bytes = text.size()});
    return {};
  }

  // Another time in the call has nothing of it.
  void cut(const KeptMedia& media, const TimeWindow& span, const fs::path& folder) {
    const recordings::TimeSpan part{std::max<int64_t>(span.from_ns - media.began_ns, 0),
                                    span.to_ns - media.began_ns};
    if (part.to_ns <= 0) return;
    const Log log(media.actor);
    const auto cut_out = [&](const recordings::ExportedFile& file) {
      const int64_t from_ns = media.began_ns + file.from_ns;
      const fs::path path =
          folder / fmt::format("{}-from-{}-at-{}{}", safe_name(media.actor), safe_name(file.name),
                               run_time(run_.evidence, from_ns), file.path.extension().string());
      std::error_code error;
      fs::rename(file.path, path, error);
      if (error) return log.error("{}: {}", path.string(), error.message());
      files_.push_back({.path = path,
                        .kind = "media",
                        .actor = media.actor,
                        .from = file.name,
                        .span = {from_ns, from_ns + file.duration_ns},
                        .bytes = file.bytes});
    };
    const auto done = recordings::export_recording(
        {.folder = media.folder, .to = "mkv", .out = folder, .part = part}, {}, cut_out);
    if (!done && done.error().code != Code::kUnmeasured && done.error().code != Code::kUsage)
      log.error("its media is not in {}: {}", folder.string(), done.error().message);
  }

  // What the page looked like then; the report shows the picture nearest to `at_ns`.
  void copy_pictures(const KeptMedia& media, const TimeWindow& span, int64_t at_ns,
                     const std::string& of, const fs::path& folder) {
    const auto apart = [at_ns](auto& one) { return std::abs(one.first - at_ns); };
    const auto nearest = std::min_element(media.pictures.begin(), media.pictures.end(),
                                          [&](auto& a, auto& b) { return apart(a) < apart(b); });
    for (const auto& [taken_ns, picture] : media.pictures) {
      const bool is_nearest = taken_ns == nearest->first && apart(*nearest) <= kOfTheMoment;
      if (!is_nearest && (taken_ns < span.from_ns || taken_ns > span.to_ns)) continue;
      const fs::path path = folder / fmt::format("{}-page-at-{}.jpg", safe_name(media.actor),
                                                 run_time(run_.evidence, taken_ns));
      std::error_code error;
      fs::copy_file(picture, path, fs::copy_options::overwrite_existing, error);
      if (error) return Log(media.actor).error("{}: {}", path.string(), error.message());
      files_.push_back({.path = path,
                        .kind = is_nearest && !of.empty() ? "picture" : "page",
                        .actor = media.actor,
                        .span = {taken_ns, taken_ns},
                        .bytes = fs::file_size(path, error),
                        .text = of});
    }
  }

  // What it saw of everybody when it failed.
  void take_pictures(const KeptMedia& media, const scenarios::Moment& moment,
                     const fs::path& folder) {
    const int64_t time_ns = moment.at_ns - media.began_ns;
    const auto loaded = recordings::load(media.folder);
    if (!loaded || time_ns < 0 || time_ns > loaded->manifest.duration_ns() + kSettled) return;
    for (const auto& p : recordings::Timeline(loaded->manifest).participants) {
      for (const auto& view : recordings::views_of(p)) {
        const auto jpeg = recordings::picture_at(media.folder, view.video, time_ns, kPictureWidth,
                                                 kPictureHeight);
        if (!jpeg || !*jpeg) continue;
        const fs::path path = folder / fmt::format("{}-sees-{}{}-at-{}.jpg", safe_name(media.actor),
                                                   safe_name(p.name), view.suffix,
                                                   run_time(run_.evidence, moment.at_ns));
        if (const auto wrote = write_atomically(path, (*jpeg)->bytes); !wrote) {
          Log(media.actor).error("{}", wrote.error().message);
          return;
        }
        files_.push_back({.path = path,
                          .kind = "picture",
                          .actor = media.actor,
                          .from = p.name,
                          .span = {moment.at_ns, moment.at_ns},
                          .bytes = (*jpeg)->bytes.size(),
                          .text = moment.cases.front()});
      }
    }
  }

  const fs::path folder_;
  const scenarios::RunRecord& run_;
  std::vector<FileFact> files_;
};

}  // namespace

Result<std::vector<FileFact>> make_bundle(const fs::path& out, const scenarios::RunRecord& run,
                                          const std::vector<KeptMedia>& media, bool everything) {
  const scenarios::Evidence& e = run.evidence;
  const fs::path folder = out / fmt::format("{}-{}-run-{}", safe_name(e.scenario),
                                            recordings::compact_time(e.began_wall_ns), e.run);
  if (auto made = make_folder(folder); !made) return tl::unexpected(made.error());
  auto files = Bundle(folder, run).make(media, everything);
  drop_media(media);
  return files;
}

void drop_media(const std::vector<KeptMedia>& media) {
  for (const KeptMedia& one : media) {
    std::error_code error;
    fs::remove_all(one.folder, error);
    if (error) Log(one.actor).error("{}: {}", one.folder.string(), error.message());
    fs::remove(one.folder.parent_path(), error);  // where it was the last one
  }
}

}  // namespace callbot::bot
