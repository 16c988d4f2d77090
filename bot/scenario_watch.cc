#include "bot/scenario_watch.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "bot/scenario_sending.h"
#include "pipelines/live_renditions.h"
#include "pipelines/pattern_sound.h"

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

quality::Verify level_of(scenarios::Verify verify) {
  return quality::verify_level(scenarios::name_of(verify)).value_or(quality::Verify::kNone);
}

// The pattern is made again from its seed.
bool play(uint64_t seed, uint16_t source, int64_t first, std::span<float> samples) {
  std::vector<int16_t> sent(samples.size());
  pipelines::PatternSound(seed, source).render(first, sent);
  std::transform(sent.begin(), sent.end(), samples.begin(),
                 [](int16_t s) { return static_cast<float>(s) / 32768.0F; });
  return true;
}

}  // namespace

std::string stream_of(const TrackInfo& track) {
  if (!track.source.empty()) return track.source;
  return track.kind == MediaKind::kAudio ? "microphone" : "camera";
}

std::optional<PatternLook> look_of(const scenarios::Media& media, const KnownSender& sender) {
  const scenarios::Video& video = media.video;
  if (video.source != "pattern") return std::nullopt;
  PatternLook look;
  look.picture = {sender.seed, sender.number, sender.shown, video.width, video.height, video.fps};
  look.sound = media.audio.source == "pattern";
  return look;
}

namespace {

bool is_rendition(quality::PaintedSize size, quality::PaintedSize best) {
  constexpr int kAnyRate = 100'000'000;  // bit/s: so much that it has all renditions
  const auto all = pipelines::usual_renditions({best.width, best.height, kAnyRate},
                                               kNarrowestPicture, kLowestPicture);
  return size == best || std::any_of(all.begin(), all.end(), [&](const pipelines::Rendition& r) {
           return size == quality::PaintedSize{r.width, r.height};
         });
}

// Of one who measures: painting takes megabytes, and is made when it is needed first.
class Painter {
 public:
  Painter(uint16_t source, std::shared_ptr<const PatternLooks> looks)
      : source_(source), looks_(std::move(looks)) {}

  // Whose path takes less is sent a smaller picture, drawn as such.
  std::optional<quality::PaintedSize> size(uint16_t source, uint32_t counter,
                                           quality::PaintedSize received) const {
    const auto look = source == source_ ? looks_->at(counter) : std::nullopt;
    if (!look) return std::nullopt;
    const quality::PaintedSize best{look->picture.width, look->picture.height};
    return is_rendition(received, best) ? received : best;
  }
  bool paint(uint16_t source, uint32_t counter, const PictureView& to) {
    auto look = source == source_ ? looks_->at(counter) : std::nullopt;
    if (!look || !is_rendition({to.width, to.height}, {look->picture.width, look->picture.height}))
      return false;
    look->picture.width = to.width;
    look->picture.height = to.height;
    if (!picture_ || look->picture != painted_) {
      auto made = pipelines::PatternPicture::create(look->picture);
      if (!made) return false;
      picture_ = std::move(*made);
      painted_ = look->picture;
    }
    picture_->draw(counter, look->chirps(counter), to);
    return true;
  }

 private:
  const uint16_t source_;
  const std::shared_ptr<const PatternLooks> looks_;
  std::unique_ptr<pipelines::PatternPicture> picture_;
  pipelines::PictureConfig painted_;
};

}  // namespace

quality::Member member_of(const KnownSender& sender) {
  quality::Member member;
  member.joined_ns = sender.joined_ns;
  member.bare_screen = sender.bare_screen;
  if (sender.screen_fps > 0)
    member.screen = quality::Sender{.source = static_cast<uint16_t>(sender.number | kScreenMarks),
                                    .fps = sender.screen_fps};
  if (sender.media == nullptr) return member;
  const scenarios::Video& video = sender.media->video;
  const auto look = look_of(*sender.media, sender);
  if (!look && sender.media->audio.source != "pattern") return member;
  member.sender.source = sender.number;
  member.sender.round = sender.round;
  // A browser starts its camera and its microphone each by itself: no frame says when a chirp was.
  if (sender.round > 0) return member;
  member.sender.fps = video.fps;
  member.sender.sound_ahead_ns = quality::kOpusLookahead_ns;
  if (!look) return member;
  auto looks = sender.looks;
  if (!looks) {
    auto always = std::make_shared<PatternLooks>();
    always->begin(look);
    looks = std::move(always);
  }
  auto painter = std::make_shared<Painter>(look->picture.source, std::move(looks));
  member.painting = {
      .width = video.width,
      .height = video.height,
      .size = [painter](auto... frame) { return painter->size(frame...); },
      .paint = [painter](uint16_t source, uint32_t counter,
                         const PictureView& to) { return painter->paint(source, counter, to); }};
  return member;
}

quality::WatchConfig ScenarioWatch::watch_config(Loop& loop, const ScenarioMeasuring& measuring) {
  const scenarios::Actor& actor = *config_.who->actor;
  quality::WatchConfig config;
  config.actor = config_.who->name;
  config.verify = level_of(actor.verify);
  config.latency_ns = std::llround(actor.playout_latency.value_or(0) * kSecond);
  config.window_ns = std::llround(actor.verify_window * kSecond);
  config.joined_ns = config_.joined_ns;
  config.log = measuring.all;
  config.rotation = measuring.rotation;
  config.vmaf = measuring.vmaf;
  config.sent = [seed = config_.seed, elsewhere = config_.seeds_elsewhere](
                    uint16_t source, int64_t first, std::span<float> samples) {
    const auto other = elsewhere.find(source);
    return play(other == elsewhere.end() ? seed + source : other->second, source, first, samples);
  };
  config.needs_key_frame = [&loop, ask = config_.needs_key_frame](TrackId track) {
    loop.post([ask, track] { ask(track); });
  };
  return config;
}

ScenarioWatch::ScenarioWatch(Loop& loop, const Log& log, ScenarioMeasuring& measuring,
                             Config config)
    : config_(std::move(config)), watch_(watch_config(loop, measuring)) {
  recorder_ = std::make_unique<pipelines::Recorder>(
      loop, log, measuring.pool, quality::make_watcher(watch_),
      pipelines::Recorder::Events{.failed = {}, .needs_key_frame = config_.needs_key_frame});
}

void ScenarioWatch::expect(const std::string& name, const KnownSender& sender) {
  watch_.expect(name, member_of(sender));
}

void ScenarioWatch::muted(const std::string& name, MediaKind media, bool muted, int64_t at_ns) {
  watch_.muted(name, media, muted, at_ns);
}

void ScenarioWatch::stopped(const std::string& name, const std::string& stream, bool stops) {
  stops ? watch_.stopped(name, stream, monotonic_ns()) : watch_.begins_again(name, stream);
}

std::vector<Series> ScenarioWatch::take() {
  auto all = watch_.take();
  // Frames come from the first key frame on: who has the track knows of its first packet.
  std::erase_if(all, [](const Series& s) { return s.metric == "join.first_rtp"; });
  // Who does not decode does not look for what is decoded: that is no lack.
  if (config_.who->actor->verify == scenarios::Verify::kHeaders)
    std::erase_if(all, [](const Series& s) { return s.state == Measured::kUnmeasured; });
  return all;
}

void ScenarioWatch::finish() {
  if (std::exchange(finishing_, true)) return;
  recorder_->drain(alive_.guard([this](const Result<>&) { finished_ = true; }));
}

void ScenarioWatch::add_track(const TrackInfo& track) {
  TrackInfo named = track;
  named.participant = named.name = config_.name_of(track.name);
  named.source = config_.stream_of ? config_.stream_of(track) : stream_of(track);
  recorder_->add_track(named);
}

void ScenarioWatch::changes(const TrackInfo& track) {
  remove_track(track.id);
  add_track(track);
}

}  // namespace callbot::bot
