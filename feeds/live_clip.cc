#include "feeds/live_clip.h"

#include <algorithm>
#include <cmath>

#include "base/picture_limits.h"

namespace callbot::feeds {
namespace {

constexpr AVRational kTick{1, 90'000};
constexpr int kLiveBitrate = 1'500'000;

}  // namespace

Result<std::unique_ptr<LiveClip>> LiveClip::create(std::unique_ptr<InputFile> file,
                                                   const FeedWish& wish) {
  MediaFacts facts = glance(*file);
  if (!wish.video) facts.video.reset();
  if (!wish.audio) facts.audio.reset();
  std::unique_ptr<LiveClip> clip(new LiveClip(std::move(file), std::move(facts)));
  clip->encoders_ =
      ClipWriter::live([self = clip.get()](size_t stream, const AVPacket& packet, AVRational base) {
        self->encoded(stream, packet, base);
      });
  if (clip->facts_.video)
    if (auto added = clip->add_video(wish); !added) return tl::unexpected(added.error());
  if (clip->facts_.audio)
    if (auto added = clip->add_audio(); !added) return tl::unexpected(added.error());
  if (clip->streams_.empty())
    return fail(Code::kBadInput, clip->file_->name() + ": has nothing that is to be sent");
  return clip;
}

Result<> LiveClip::add_video(const FeedWish& wish) {
  const TrackFacts& video = *facts_.video;
  VideoSettings to;
  to.codec = wish.codec.value_or("vp8");
  to.width = wish.width.value_or(std::min(video.width / 2 * 2, kLargest));
  to.height = wish.height.value_or(std::min(video.height / 2 * 2, kLargest));
  to.fps = wish.fps.value_or(std::clamp(static_cast<int>(std::lround(video.fps)), 1, kMostFps));
  to.bitrate = wish.bitrate.value_or(kLiveBitrate);
  to.tick = kTick;
  if (auto added = encoders_->add(to); !added) return tl::unexpected(added.error());
  auto decoder = PictureDecoder::create(
      *file_->format().streams[video.index], to.width, to.height,
      [this](const AVFrame& frame, int64_t time_ns) { return picture(frame, time_ns); });
  if (!decoder) return tl::unexpected(std::move(decoder.error()).in(file_->name()));
  pictures_ = std::move(*decoder);
  streams_.push_back({.kind = MediaKind::kVideo,
                      .codec = to.codec,
                      .width = to.width,
                      .height = to.height,
                      .fps = to.fps});
  return {};
}

Result<> LiveClip::add_audio() {
  const int channels = std::min(facts_.audio->channels, 2);
  auto added = encoders_->add(AudioSettings{.channels = channels, .bitrate = 40'000 * channels});
  if (!added) return tl::unexpected(added.error());
  streams_.push_back({.kind = MediaKind::kAudio, .codec = "opus", .channels = channels});
  return {};
}

void LiveClip::request_key_frame(size_t) { key_wanted_ = true; }

Result<> LiveClip::picture(const AVFrame& frame, int64_t time_ns) {
  const int64_t tick = av_rescale_q(time_ns - *begin_ns_, kNanoseconds, kTick);
  if (tick <= last_tick_) return {};
  last_tick_ = tick;
  if (key_wanted_.exchange(false)) encoders_->request_key_frame(0);
  return encoders_->picture(0, frame, tick);
}

void LiveClip::encoded(size_t stream, const AVPacket& packet, AVRational base) {
  ready_.push_back(
      {.stream = stream,
       .bytes = {packet.data, packet.data + packet.size},
       .time_ns = in_ns(packet.pts, base),
       .key = (packet.flags & AV_PKT_FLAG_KEY) != 0 || streams_[stream].kind == MediaKind::kAudio});
}

Result<> LiveClip::take(const AVPacket& packet) {
  const bool video = facts_.video && packet.stream_index == facts_.video->index;
  const bool audio = facts_.audio && packet.stream_index == facts_.audio->index;
  if (!video && !audio) return {};
  const AVStream& stream = *file_->format().streams[packet.stream_index];
  const int64_t time = time_of(packet);
  if (!begin_ns_) begin_ns_ = time == AV_NOPTS_VALUE ? 0 : in_ns(time, stream.time_base);
  if (video) return pictures_->decode(&packet);
  if (!sound_) {
    const size_t at = streams_.size() - 1;
    auto decoder = SoundDecoder::create(
        stream, 48000, streams_[at].channels, *begin_ns_,
        [this, at](std::span<const int16_t> samples) { return encoders_->samples(at, samples); });
    if (!decoder) return tl::unexpected(std::move(decoder.error()).in(file_->name()));
    sound_ = std::move(*decoder);
  }
  return sound_->decode(&packet);
}

Result<std::optional<ClipFrame>> LiveClip::next() {
  while (ready_.empty()) {
    if (ended_) return std::nullopt;
    auto more = file_->read(*packet_);
    if (!more) return tl::unexpected(more.error());
    if (*more) {
      if (auto taken = take(*packet_); !taken) return tl::unexpected(taken.error());
      continue;
    }
    ended_ = true;
    for (auto flushed : {pictures_ ? pictures_->decode(nullptr) : Result<>(),
                         sound_ ? sound_->decode(nullptr) : Result<>(), encoders_->finish()})
      if (!flushed) return tl::unexpected(flushed.error());
  }
  std::optional<ClipFrame> frame(std::move(ready_.front()));
  ready_.pop_front();
  return frame;
}

}  // namespace callbot::feeds
