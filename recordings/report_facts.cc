#include "recordings/report_facts.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "recordings/av.h"

namespace callbot::recordings {
namespace {

// So that the page of hundreds of members, or of a day, stays small: of all together.
constexpr size_t kPictures = 360;
constexpr size_t kMostPictures = 12;  // a person
constexpr size_t kWaveColumns = 48'000;
constexpr size_t kMostWaveColumns = 1000, kLeastWaveColumns = 120;
constexpr size_t kRateColumns = 24'000;
constexpr size_t kMostRateColumns = 240, kLeastRateColumns = 30;

size_t shared(size_t all, size_t people, size_t least, size_t most) {
  return std::clamp(all / std::max<size_t>(people, 1), least, most);
}

// There, but said to be off.
std::vector<TimeSpan> said_off(const Participant& p, MediaKind media, int64_t end_ns) {
  std::vector<TimeSpan> out;
  for (const Said& s : p.said) {
    if (s.media == media && !s.on) out.push_back({s.from_ns, s.to_ns.value_or(end_ns), s.source});
  }
  return out;
}

int64_t length_of(const fs::path& path) {
  const auto input = open_media(path);
  if (!input || !*input || (*input)->duration == AV_NOPTS_VALUE) return 0;
  return av_rescale((*input)->duration, 1'000'000'000, AV_TIME_BASE);
}

// An export plays everywhere and can be searched; one of the whole recording begins with it.
std::optional<PlayedFile> exported(const fs::path& folder, const TimelineParticipant& p,
                                   const std::string& base, int64_t recording_ns) {
  for (const char* ending : {".webm", ".mp4"}) {
    const std::string name = "exports/" + base + ending;
    std::error_code missing;
    if (!fs::is_regular_file(folder / name, missing)) continue;
    const int64_t length = length_of(folder / name);
    if (length <= 0) continue;
    const TimeSpan own = p.whole();
    const bool whole =
        std::abs(length - recording_ns) < std::abs(length - (own.to_ns - own.from_ns));
    const int64_t from = whole ? 0 : own.from_ns;
    return PlayedFile{name, from, from + length};
  }
  return std::nullopt;
}

std::vector<PlayedFile> played(const fs::path& folder, const TimelineParticipant& p,
                               const std::string& base, int64_t recording_ns) {
  if (auto file = exported(folder, p, base, recording_ns)) return {*file};
  std::vector<PlayedFile> files;
  std::set<std::string> seen;
  for (const TimelineLane* lane : {&p.video, &p.audio}) {
    for (const TimelinePiece& piece : lane->pieces) {
      std::error_code missing;
      if (is_sealed(piece.file)) continue;  // no browser plays that
      if (!seen.insert(piece.file).second || !fs::exists(folder / piece.file, missing)) continue;
      files.push_back({piece.file, piece.offset_ns, piece.offset_ns + piece.duration_ns});
    }
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const auto& a, const auto& b) { return a.from_ns < b.from_ns; });
  return files;
}

// As recordings/export names them: of two members of one name the later one gets a number.
std::string base_name(const TimelineParticipant& p, std::set<std::string>& taken) {
  const std::string name = safe_name(p.name.empty() ? p.id : p.name);
  std::string free = name;
  for (int n = 2; !taken.insert(free).second; ++n) free = name + "-" + std::to_string(n);
  return free;
}

Result<> judge(ReportFacts& facts, const VerifyConfig& config, bool anew,
               const ReportProgress& progress) {
  if (!anew) facts.verdict = saved_verdict(facts.folder);
  if (facts.verdict) return {};
  auto verdict = verify(facts.folder, config,
                        [&](double share) { return !progress || progress("judging  ", share); });
  if (verdict) {
    facts.verdict = std::move(*verdict);
    return {};
  }
  if (verdict.error().code != Code::kUnmeasured) return tl::unexpected(verdict.error());
  facts.no_verdict = verdict.error().message;
  return {};
}

class Gathering {
 public:
  Gathering(ReportFacts& facts, const ReportProgress& progress)
      : facts_(facts), progress_(progress) {
    for (const TimelineParticipant& p : facts.timeline.participants) count_ += shown(p) ? 1 : 0;
  }

  // A recorder that sent nothing is no row of its own.
  static bool shown(const TimelineParticipant& p) {
    return !p.recorder || !p.video.pieces.empty() || !p.audio.pieces.empty();
  }

  Result<> run() {
    std::set<std::string> names;
    for (const TimelineParticipant& p : facts_.timeline.participants) {
      const std::string base = base_name(p, names);
      if (!shown(p)) continue;
      if (auto done = person(p, base); !done) return done;
    }
    return {};
  }

 private:
  Result<> person(const TimelineParticipant& p, const std::string& base) {
    const int64_t end = facts_.timeline.duration_ns;
    ReportPerson out{.who = p};
    for (const Participant& said : facts_.recording.manifest.participants) {
      if (said.id != p.id) continue;
      out.muted = said_off(said, MediaKind::kAudio, end);
      out.camera_off = said_off(said, MediaKind::kVideo, end);
      for (const Span& s : said.spoke) out.spoke.push_back({s.from_ns, s.to_ns.value_or(end)});
    }
    for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio}) {
      const auto harm = harm_of(facts_.recording, p.id, kind, facts_.seconds());
      out.losses.insert(out.losses.end(), harm.losses.begin(), harm.losses.end());
    }
    auto sheet = make_contact_sheet(facts_.folder, p.video.pieces,
                                    {.pictures = shared(kPictures, count_, 1, kMostPictures),
                                     .columns = rate_columns(),
                                     .duration_ns = end},
                                    [&](double share) { return tell(share * 0.7); });
    if (!sheet) return tl::unexpected(sheet.error());
    auto sound = make_sound_shape(
        facts_.folder, p.audio.pieces,
        {.columns = wave_columns(count_), .rate_columns = rate_columns(), .duration_ns = end},
        [&](double share) { return tell(0.7 + share * 0.3); });
    if (!sound) return tl::unexpected(sound.error());
    out.sheet = std::move(*sheet);
    out.sound = std::move(*sound);
    if (out.spoke.empty()) out.spoke = out.sound.loud;
    out.video = !p.video.pieces.empty();
    out.files = played(facts_.folder, p, base, end);
    facts_.people.push_back(std::move(out));
    return {};
  }

  size_t rate_columns() const {
    return shared(kRateColumns, count_, kLeastRateColumns, kMostRateColumns);
  }
  bool tell(double share) {
    if (!progress_) return true;
    const auto done = static_cast<double>(facts_.people.size()) + std::clamp(share, 0.0, 1.0);
    return progress_("drawing  ", done / static_cast<double>(std::max<size_t>(count_, 1)));
  }

  ReportFacts& facts_;
  const ReportProgress& progress_;
  size_t count_ = 0;
};

}  // namespace

size_t wave_columns(size_t people) {
  return shared(kWaveColumns, people, kLeastWaveColumns, kMostWaveColumns);
}

Result<ReportFacts> gather_report(const fs::path& folder, const VerifyConfig& config,
                                  bool judge_anew, const ReportProgress& progress) {
  auto recording = load(folder);
  if (!recording) return tl::unexpected(recording.error());
  if (auto keys = check_keys(folder, recording->manifest); !keys)
    return tl::unexpected(keys.error());
  Timeline timeline(recording->manifest);
  ReportFacts facts{
      .folder = folder, .recording = std::move(*recording), .timeline = std::move(timeline)};
  if (auto judged = judge(facts, config, judge_anew, progress); !judged)
    return tl::unexpected(judged.error());
  if (auto gathered = Gathering(facts, progress).run(); !gathered)
    return tl::unexpected(gathered.error());
  return facts;
}

}  // namespace callbot::recordings
