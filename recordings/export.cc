#include "recordings/export.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/chapters.h"
#include "recordings/cuts.h"
#include "recordings/export_file.h"
#include "recordings/lane_reader.h"
#include "recordings/plan_bounds.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};
constexpr int kPacketsBetweenProgress = 16;

// One file to be made.
struct Job {
  const TimelineParticipant* participant;
  ParticipantView view;
  fs::path path;
  int64_t from_ns, to_ns;      // its time 0 and end, from the recording's start
  std::vector<TimeSpan> cuts;  // in order, without overlap
  TimeSpan span;               // less what is cut out until then
};

int64_t length(const TimeSpan& span) { return std::max<int64_t>(span.to_ns - span.from_ns, 0); }

std::set<std::string> codecs_of(const std::vector<TimelinePiece>& pieces) {
  std::set<std::string> codecs;
  for (const TimelinePiece& p : pieces) codecs.insert(p.codec);
  return codecs;
}

// All sizes that were seen in the files of these pieces.
std::set<std::pair<int, int>> sizes_of(const Manifest& m,
                                       const std::vector<TimelinePiece>& pieces) {
  std::set<std::pair<int, int>> sizes;
  for (const TimelinePiece& p : pieces) {
    for (const Track& t : m.tracks) {
      if (t.media != MediaKind::kVideo) continue;
      for (const Size& s : t.sizes) {
        if (s.file == p.file && (t.id == p.track || t.source == p.source))
          sizes.insert({static_cast<int>(s.width), static_cast<int>(s.height)});
      }
    }
  }
  return sizes;
}

// Markers, and who came when between them, on the clock of this file; none without a marker.
std::vector<Chapter> chapters_for(const Manifest& m, const Timeline& timeline, const Job& job) {
  if (m.markers.empty()) return {};
  std::vector<Chapter> out;
  for (Chapter& c : chapters_of(timeline, marks_of(m), job.cuts)) {
    c.from_ns = std::max(c.from_ns, job.span.from_ns) - job.span.from_ns;
    c.to_ns = std::min(c.to_ns, job.span.to_ns) - job.span.from_ns;
    if (c.to_ns > c.from_ns) out.push_back(std::move(c));
  }
  return out;
}

class Exporter {
 public:
  Exporter(const ExportConfig& config, const ExportFormat& format, const Manifest& manifest,
           const ExportProgress& progress)
      : config_(config),
        format_(format),
        manifest_(manifest),
        timeline_(manifest),
        progress_(progress) {}

  Result<std::vector<ExportedFile>> run(const ExportDone& done, const ExportLost& lost) {
    auto jobs = plan();
    if (!jobs) return tl::unexpected(jobs.error());
    if (auto fits = check(*jobs); !fits) return tl::unexpected(fits.error());
    for (const Job& job : *jobs) all_ns_ += length(job.span);
    std::vector<ExportedFile> files;
    for (const Job& job : *jobs) {
      auto file = make(job);
      if (!file) return tl::unexpected(std::move(file.error()).in(job.participant->name));
      before_ns_ += length(job.span);
      if (file->tracks.empty()) {
        for (const std::string& note : file->notes) {
          if (lost) lost(job.participant->name, note);
        }
        continue;
      }
      if (done) done(*file);
      files.push_back(std::move(*file));
    }
    if (files.empty())
      return fail(Code::kUnmeasured, fmt::format("{}: there is nothing that can be exported to {}",
                                                 config_.folder.string(), format_.name));
    return files;
  }

 private:
  Result<std::vector<Job>> plan() {
    const fs::path out = config_.out.empty() ? config_.folder / "exports" : config_.out;
    if (auto made = make_folder(out); !made) return tl::unexpected(made.error());
    if (const auto& part = config_.part;
        part && (part->from_ns >= timeline_.duration_ns || part->from_ns >= part->to_ns))
      return fail(Code::kUsage, fmt::format("--from, --until: expected a part of the recording, "
                                            "which is {} long",
                                            clock_text(timeline_.duration_ns)));
    std::set<std::string> names;
    bool known = config_.participant.empty();
    std::vector<Job> jobs;
    for (const TimelineParticipant& p : timeline_.participants) {
      const std::string base = free_name(safe_name(p.name.empty() ? p.id : p.name), names);
      const std::string& wanted = config_.participant;
      if (!wanted.empty() && wanted != p.id && wanted != p.name) continue;
      known = true;
      for (ParticipantView& view : views_of(p)) {
        if (format_.video_codec == nullptr && !view.suffix.empty()) continue;
        const fs::path path = out / (base + view.suffix + part_name() + "." + format_.name);
        if (auto job = plan(p, std::move(view), path)) jobs.push_back(std::move(*job));
      }
    }
    if (!known)
      return fail(Code::kUsage, fmt::format("--participant \"{}\": expected one of {}",
                                            config_.participant, people()));
    return jobs;
  }

  // None: this part of the recording is before or after it.
  std::optional<Job> plan(const TimelineParticipant& p, ParticipantView view,
                          const fs::path& path) {
    TimeSpan uncut = config_.whole ? TimeSpan{0, timeline_.duration_ns} : p.whole();
    auto cuts = cuts_of(manifest_, timeline_.duration_ns, config_.whole ? "" : p.id);
    if (config_.part) {
      const bool video = format_.video_codec != nullptr && !view.video.empty();
      const int64_t wanted = config_.part->from_ns;
      const int64_t from = video ? key_frame_time(config_.folder, view.video, wanted) : wanted;
      uncut.from_ns = std::max(uncut.from_ns, from);
      uncut.to_ns = std::min(uncut.to_ns, config_.part->to_ns);
      if (uncut.from_ns >= uncut.to_ns) return std::nullopt;
      cuts = with_cut(std::move(cuts), {0, uncut.from_ns});
      cuts = with_cut(std::move(cuts), {uncut.to_ns, std::numeric_limits<int64_t>::max()});
    }
    const TimeSpan span{without_cuts(cuts, uncut.from_ns), without_cuts(cuts, uncut.to_ns)};
    return Job{&p, std::move(view), path, uncut.from_ns, uncut.to_ns, std::move(cuts), span};
  }

  // "-90s-100s", so that no file of another part is replaced; "-90s" is to the end.
  std::string part_name() const {
    if (!config_.part) return "";
    std::string name;
    for (const int64_t ns : {config_.part->from_ns, config_.part->to_ns}) {
      if (ns >= timeline_.duration_ns) continue;
      const int64_t ms = ns / 1'000'000;
      name += fmt::format("-{:g}s", static_cast<double>(ms) / 1e3);
    }
    return name;
  }

  Result<> check(const std::vector<Job>& jobs) const {
    int64_t bytes = 0;
    for (const Job& job : jobs) {
      if (auto sane = check_length(config_.folder, manifest_, job.to_ns); !sane) return sane;
      if (format_.audio_codec == std::string_view("pcm") && !job.view.audio.empty())
        bytes += pcm_bytes(length(job.span), channels_of(job.view.audio));
    }
    return jobs.empty() ? Result<>() : check_space(jobs.front().path.parent_path(), bytes);
  }

  std::string people() const {
    std::string names;
    for (const TimelineParticipant& p : timeline_.participants)
      names += (names.empty() ? "\"" : ", \"") + printable(p.name.empty() ? p.id : p.name) + "\"";
    return names.empty() ? "nobody" : names;
  }

  // Two members of one name: the later one gets a number, whoever is exported.
  static std::string free_name(const std::string& name, std::set<std::string>& taken) {
    std::string free = name;
    for (int n = 2; !taken.insert(free).second; ++n) free = fmt::format("{}-{}", name, n);
    return free;
  }

  // Without tracks: there is nothing in it, and no file.
  Result<ExportedFile> make(const Job& job) {
    ExportedFile file{.path = job.path,
                      .participant = job.participant->id,
                      .name = job.participant->name,
                      .from_ns = job.from_ns};
    std::vector<std::unique_ptr<ExportTrack>> tracks;
    for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio}) {
      auto track = make_track(job, kind, file);
      if (!track) return tl::unexpected(track.error());
      if (*track) tracks.push_back(std::move(*track));
    }
    file.notes = cannot_open(config_.folder, job.view.video);
    add_notes(cannot_open(config_.folder, job.view.audio), file);
    if (tracks.empty()) return file;
    auto out = ExportFile::create({.path = job.path,
                                   .format = &format_,
                                   .title = printable(job.participant->name),
                                   .start_wall_ns = timeline_.started_wall_ns + job.from_ns,
                                   .chapters = chapters_for(manifest_, timeline_, job),
                                   .stopped = [this] { return !tell(now_ns_); }},
                                  tracks);
    if (!out) return tl::unexpected(out.error());
    auto end = copy(job, tracks, **out);
    if (!end) return tl::unexpected(end.error());
    auto bytes = (*out)->finish();
    if (!bytes) return tl::unexpected(bytes.error());
    file.bytes = *bytes;
    file.duration_ns = *end;
    for (const auto& track : tracks) add_notes(track->notes(), file);
    return file;
  }

  static void add_notes(std::vector<std::string> notes, ExportedFile& file) {
    for (std::string& note : notes) {
      if (std::find(file.notes.begin(), file.notes.end(), note) == file.notes.end())
        file.notes.push_back(std::move(note));
    }
  }

  bool is_copied(const std::set<std::string>& codecs) const {
    return codecs.size() == 1 && format_.takes(*codecs.begin());
  }

  bool has_opus(const ParticipantView& view) const {
    const auto codecs = codecs_of(view.audio);
    return !codecs.empty() &&
           (is_copied(codecs) ? *codecs.begin() : format_.audio_codec) == std::string("opus");
  }

  // Null: not in this container, or nothing there.
  Result<std::unique_ptr<ExportTrack>> make_track(const Job& job, MediaKind kind,
                                                  ExportedFile& file) {
    const bool video = kind == MediaKind::kVideo;
    const auto& pieces = video ? job.view.video : job.view.audio;
    const char* target = format_.becomes(kind);
    if (pieces.empty() || target == nullptr) return nullptr;
    const auto codecs = codecs_of(pieces);
    const bool copied = is_copied(codecs);
    TrackPlan plan{.folder = config_.folder,
                   .pieces = pieces,
                   .cuts = job.cuts,
                   .from_ns = job.span.from_ns,
                   .to_ns = job.span.to_ns,
                   .codec = copied ? *codecs.begin() : target,
                   .pre_skip = format_.pre_skip,
                   .threads = config_.threads};
    if (video && !format_.pre_skip && has_opus(job.view)) plan.from_ns -= kOpusPreSkipNs;
    const auto sizes = sizes_of(manifest_, pieces);
    plan.changes = pieces.size() > 1 || sizes.size() > 1;
    for (const auto& [width, height] : sizes) {
      plan.width = std::max(plan.width, width);
      plan.height = std::max(plan.height, height);
    }
    auto track = copied ? (video ? copy_video(plan) : copy_audio(plan))
                        : (video ? encode_video(plan) : encode_audio(plan));
    if (!track || !*track) return track;
    std::string from;
    for (const std::string& codec : codecs) from += (from.empty() ? "" : "+") + codec;
    file.tracks.push_back(copied ? fmt::format("{} {} copied", name_of(kind), from)
                                 : fmt::format("{} {} -> {}", name_of(kind), from, target));
    return track;
  }

  // All packets of all tracks in the order of their dts; gives where the last one ends.
  Result<int64_t> copy(const Job& job, const std::vector<std::unique_ptr<ExportTrack>>& tracks,
                       ExportFile& out) {
    std::vector<AvPacket> heads(tracks.size());
    const auto ns = [&](size_t i, int64_t ticks) {
      return av_rescale_q(ticks, tracks[i]->time_base(), kNs);
    };
    const auto refill = [&](size_t i) -> Result<> {
      auto packet = tracks[i]->next();
      if (!packet) return tl::unexpected(packet.error());
      heads[i] = std::move(*packet);
      return {};
    };
    for (size_t i = 0; i < tracks.size(); ++i) {
      if (auto filled = refill(i); !filled) return tl::unexpected(filled.error());
    }
    int64_t end = 0;
    for (int n = 0;; ++n) {
      size_t first = tracks.size();
      for (size_t i = 0; i < tracks.size(); ++i) {
        if (heads[i] &&
            (first == tracks.size() || ns(i, heads[i]->dts) < ns(first, heads[first]->dts)))
          first = i;
      }
      if (first == tracks.size()) return end;
      const int64_t now = ns(first, heads[first]->dts);
      end = std::max(end, ns(first, heads[first]->pts + heads[first]->duration));
      if (auto wrote = out.write(first, std::move(heads[first])); !wrote)
        return tl::unexpected(wrote.error());
      if (n % kPacketsBetweenProgress == 0 && !tell(std::clamp<int64_t>(now, 0, length(job.span))))
        return fail(Code::kInterrupted, job.path.string() + ": stopped");
      if (auto filled = refill(first); !filled) return tl::unexpected(filled.error());
    }
  }

  bool tell(int64_t now_ns) {
    now_ns_ = now_ns;
    if (!progress_ || stopped_) return !stopped_;
    const double all = static_cast<double>(std::max<int64_t>(all_ns_, 1));
    stopped_ = !progress_(std::min(1.0, static_cast<double>(before_ns_ + now_ns) / all));
    return !stopped_;
  }

  const ExportConfig& config_;
  const ExportFormat& format_;
  const Manifest& manifest_;
  Timeline timeline_;
  const ExportProgress& progress_;
  int64_t all_ns_ = 0, before_ns_ = 0;  // of all jobs' lengths
  int64_t now_ns_ = 0;                  // in this job
  bool stopped_ = false;
};

}  // namespace

Result<std::vector<ExportedFile>> export_recording(const ExportConfig& config,
                                                   const ExportProgress& progress,
                                                   const ExportDone& done, const ExportLost& lost) {
  const ExportFormat* format = export_format(config.to);
  if (format == nullptr)
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected one of {}", config.to, export_format_names()));
  auto loaded = load(config.folder);
  if (!loaded) return tl::unexpected(loaded.error());
  if (auto keys = check_keys(config.folder, loaded->manifest); !keys)
    return tl::unexpected(keys.error());
  return Exporter(config, *format, loaded->manifest, progress).run(done, lost);
}

}  // namespace callbot::recordings
