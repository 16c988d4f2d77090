#include "recordings/compose.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/files.h"
#include "recordings/chapters.h"
#include "recordings/composer.h"
#include "recordings/cuts.h"
#include "recordings/lane_reader.h"
#include "recordings/plan_bounds.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::filesystem::path path_of(const ComposeConfig& c) {
  if (!c.out.empty()) return c.out;
  return c.folder / "exports" / (std::string("composed-") + name_of(c.layout) + ".mp4");
}

Result<const ExportFormat*> format_of(const std::filesystem::path& path, ComposeLayout layout) {
  std::string name = path.extension().string();
  if (!name.empty()) name.erase(0, 1);
  const ExportFormat* format = export_format(name);
  std::string fitting;
  for (const ExportFormat& f : export_formats()) {
    if (layout == ComposeLayout::kAudio || f.video_codec != nullptr)
      fitting += (fitting.empty() ? "." : ", .") + std::string(f.name);
  }
  if (format == nullptr || (layout != ComposeLayout::kAudio && format->video_codec == nullptr))
    return fail(Code::kUsage, fmt::format("{}: layout {}: expected a name that ends in one of {}",
                                          path.string(), name_of(layout), fitting));
  return format;
}

bool anybody(const Timeline& t) {
  return t.duration_ns > 0 && std::any_of(t.participants.begin(), t.participants.end(),
                                          [](const auto& p) { return !p.recorder; });
}

std::vector<SpeechSpan> speech_in(const Manifest& m, int64_t end_ns) {
  std::vector<SpeechSpan> all;
  for (const Participant& p : m.participants) {
    for (const Span& s : p.spoke) all.push_back({p.id, s.from_ns, s.to_ns.value_or(end_ns)});
  }
  return all;
}

std::vector<int64_t> frames_of(const std::vector<Chapter>& chapters, int fps) {
  std::vector<int64_t> frames;
  frames.reserve(chapters.size());
  for (const Chapter& c : chapters) frames.push_back((c.from_ns * fps + kSecond - 1) / kSecond);
  return frames;
}

int64_t kept_frames(const ComposePlan& plan) {
  int64_t kept = 0;
  for (int64_t n = 0; n < plan.frames; ++n)
    kept += is_cut(plan.cuts, n * kSecond / plan.config.fps) ? 0 : 1;
  return kept;
}

Result<> check_room(const Composed& result, const ExportFormat& format) {
  if (format.audio_codec != std::string_view("pcm")) return {};
  const auto out = result.path.has_parent_path() ? result.path.parent_path() : fs::path(".");
  return check_space(out, pcm_bytes(result.duration_ns, Mixer::kFormat.channels));
}

// A lane says what it could not read only once it was read to its end.
void add_unreadable(const ComposeConfig& config, const Timeline& timeline,
                    std::vector<std::string>& notes) {
  for (const TimelineParticipant& p : timeline.participants) {
    std::vector<TimelinePiece> pieces = p.audio.pieces;
    if (config.layout != ComposeLayout::kAudio)
      pieces.insert(pieces.end(), p.video.pieces.begin(), p.video.pieces.end());
    for (std::string& note : cannot_open(config.folder, pieces)) {
      if (std::find(notes.begin(), notes.end(), note) == notes.end())
        notes.push_back(std::move(note));
    }
  }
}

class Progress {
 public:
  Progress(const ComposeProgress& tell, int64_t duration_ns)
      : tell_(tell), duration_ns_(std::max<int64_t>(duration_ns, 1)) {}
  // False: stop.
  bool at(int64_t time_ns) {
    share_ =
        std::clamp(static_cast<double>(time_ns) / static_cast<double>(duration_ns_), share_, 1.0);
    return !stopped() && (!tell_ || !(stopped_ = !tell_(share_)));
  }
  bool again() { return at(0); }
  bool stopped() const { return stopped_; }

 private:
  const ComposeProgress& tell_;
  int64_t duration_ns_;
  double share_ = 0;
  bool stopped_ = false;
};

Result<> copy(Composer& composer, ExportFile& file, Progress& progress) {
  constexpr AVRational kNs = {1, kSecond};
  for (;;) {
    size_t track = 0;
    auto packet = composer.next(track);
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) return {};
    const int64_t now = av_rescale_q((*packet)->dts, composer.tracks()[track]->time_base(), kNs);
    if (auto wrote = file.write(track, std::move(*packet)); !wrote) return wrote;
    if (!progress.at(now)) return fail(Code::kInterrupted, "composing was stopped");
  }
}

}  // namespace

Result<Composed> compose(const ComposeConfig& config, const ComposeProgress& tell) {
  Composed result{.path = path_of(config)};
  const auto format = format_of(result.path, config.layout);
  if (!format) return tl::unexpected(format.error());
  auto loaded = load(config.folder);
  if (!loaded) return tl::unexpected(loaded.error());
  if (auto keys = check_keys(config.folder, loaded->manifest); !keys)
    return tl::unexpected(keys.error());
  const Timeline timeline(loaded->manifest);
  if (!anybody(timeline))
    return fail(Code::kUnmeasured,
                fmt::format("{}: there is nobody to be seen or heard", config.folder.string()));
  if (auto sane = check_length(config.folder, loaded->manifest, timeline.duration_ns); !sane)
    return tl::unexpected(sane.error());
  if (config.out.empty()) {
    if (auto made = make_folder(result.path.parent_path()); !made)
      return tl::unexpected(made.error());
  }
  ComposePlan plan{.config = config, .timeline = &timeline};
  plan.speech = speech_in(loaded->manifest, timeline.duration_ns);
  plan.cuts = cuts_of(loaded->manifest, timeline.duration_ns);
  const auto chapters = chapters_of(timeline, marks_of(loaded->manifest), plan.cuts);
  plan.frames = (timeline.duration_ns * config.fps + kSecond - 1) / kSecond;
  plan.audio_codec = (*format)->audio_codec;
  if (config.layout != ComposeLayout::kAudio) plan.video_codec = (*format)->video_codec;
  plan.key_frames = frames_of(chapters, config.fps);
  const int64_t kept = kept_frames(plan);
  if (kept == 0) return fail(Code::kUnmeasured, config.folder.string() + ": all of it is cut out");
  result.frames = plan.video_codec.empty() ? 0 : kept;
  result.duration_ns = kept * kSecond / config.fps;
  result.chapters = chapters.size();
  if (auto fits = check_room(result, **format); !fits) return tl::unexpected(fits.error());
  auto composer = Composer::begin(std::move(plan));
  if (!composer) return tl::unexpected(composer.error());

  Progress progress(tell, result.duration_ns);
  auto file = ExportFile::create({.path = result.path,
                                  .format = *format,
                                  .title = printable(loaded->manifest.facts.room),
                                  .start_wall_ns = timeline.started_wall_ns,
                                  .chapters = chapters,
                                  .stopped = [&] { return !progress.again(); }},
                                 (*composer)->tracks());
  if (!file) return tl::unexpected(file.error());
  if (auto copied = copy(**composer, **file, progress); !copied)
    return tl::unexpected(copied.error());
  auto bytes = (*file)->finish();
  if (!bytes) return tl::unexpected(bytes.error());
  result.bytes = *bytes;
  result.notes = (*composer)->notes();
  add_unreadable(config, timeline, result.notes);
  return result;
}

}  // namespace callbot::recordings
