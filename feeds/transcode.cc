#include "feeds/transcode.h"

#include <fmt/core.h>

#include <algorithm>

#include "feeds/media_decoder.h"
#include "feeds/prepare.h"

namespace callbot::feeds {
namespace {

constexpr AVRational kTick{1, 90'000};  // of the picture's times, as in RTP

class Job {
 public:
  Job(InputFile& file, const MediaFacts& facts, const TranscodeTarget& target)
      : file_(file), facts_(facts), target_(target) {}

  Result<> prepare(const fs::path& out) {
    auto writer = ClipWriter::create(out, "nut");
    if (!writer) return tl::unexpected(writer.error());
    writer_ = std::move(*writer);
    if (target_.copy_video || target_.video)
      if (auto added = add_video(); !added) return added;
    if (target_.copy_audio || target_.audio)
      if (auto added = add_audio(); !added) return added;
    return writer_->begin();
  }

  Result<> take(const AVPacket& packet) {
    if (facts_.video && packet.stream_index == facts_.video->index) {
      if (pictures_) return pictures_->decode(&packet);
      if (target_.copy_video) return copy(video_, packet);
    }
    if (facts_.audio && packet.stream_index == facts_.audio->index) {
      if (sound_) return sound_->decode(&packet);
      if (target_.copy_audio) return copy(audio_, packet);
    }
    return {};
  }

  Result<> finish() {
    for (auto ended : {pictures_ ? pictures_->decode(nullptr) : Result<>(),
                       sound_ ? sound_->decode(nullptr) : Result<>()})
      if (!ended) return ended;
    if (pictures_ && taken_ == 0)
      return fail(Code::kBadInput, file_.name() + ": none of its pictures can be decoded");
    if (facts_.video && facts_.video->still && pictures_)
      if (auto shown = show_still(); !shown) return shown;
    return writer_->finish();
  }

 private:
  Result<> add_video() {
    const AVStream& stream = stream_of(*facts_.video);
    if (target_.copy_video) return keep(writer_->add_copy(stream), video_);
    const VideoTarget& to = *target_.video;
    auto added =
        keep(writer_->add(VideoSettings{to.codec, to.width, to.height, to.fps, kTick, to.bitrate}),
             video_);
    if (!added) return added;
    auto decoder = PictureDecoder::create(
        stream, to.width, to.height,
        [this](const AVFrame& picture, int64_t time_ns) { return encode(picture, time_ns); });
    if (!decoder) return tl::unexpected(std::move(decoder.error()).in(file_.name()));
    pictures_ = std::move(*decoder);
    return {};
  }

  Result<> add_audio() {
    const AVStream& stream = stream_of(*facts_.audio);
    if (target_.copy_audio) return keep(writer_->add_copy(stream), audio_);
    if (auto added = keep(writer_->add(*target_.audio), audio_); !added) return added;
    auto decoder = SoundDecoder::create(
        stream, 48000, target_.audio->channels, facts_.begin_ns,
        [this](std::span<const int16_t> samples) { return writer_->samples(audio_, samples); });
    if (!decoder) return tl::unexpected(std::move(decoder.error()).in(file_.name()));
    sound_ = std::move(*decoder);
    return {};
  }

  const AVStream& stream_of(const TrackFacts& track) const {
    return *file_.format().streams[track.index];
  }
  static Result<> keep(Result<size_t> made, size_t& as) {
    if (!made) return tl::unexpected(made.error());
    as = *made;
    return {};
  }
  Result<> copy(size_t to, const AVPacket& packet) {
    const AVRational base = file_.format().streams[packet.stream_index]->time_base;
    return writer_->packet(to, packet, base, -facts_.begin_ns);
  }

  Result<> encode(const AVFrame& picture, int64_t time_ns) {
    if (facts_.video->still) {
      still_.reset(av_frame_clone(&picture));
      ++taken_;
      return {};
    }
    const int64_t time = av_rescale_q(time_ns - facts_.begin_ns, kNanoseconds, kTick);
    if (taken_ > 0 && time <= last_) return {};
    if (target_.video->fewer && taken_ > 0 && time < next_) return {};
    const int64_t step = kTick.den / target_.video->fps;
    next_ = std::max(taken_ > 0 ? next_ + step : time + step, time + step / 2) - step / 100;
    last_ = time;
    ++taken_;
    return writer_->picture(video_, picture, time);
  }

  Result<> show_still() {
    const int fps = target_.video->fps;
    for (int64_t n = 0; n < kStill_ns / 1'000'000'000 * fps; ++n)
      if (auto shown = writer_->picture(video_, *still_, n * kTick.den / fps); !shown) return shown;
    return {};
  }

  InputFile& file_;
  const MediaFacts& facts_;
  const TranscodeTarget& target_;
  std::unique_ptr<ClipWriter> writer_;
  std::unique_ptr<PictureDecoder> pictures_;
  std::unique_ptr<SoundDecoder> sound_;
  size_t video_ = 0, audio_ = 0;
  uint64_t taken_ = 0;
  int64_t last_ = 0, next_ = 0;
  AvFrame still_;
};

}  // namespace

Result<> transcode(InputFile& file, const MediaFacts& facts, const TranscodeTarget& target,
                   const fs::path& out, const Progress& progress) {
  if (auto again = file.rewind(); !again) return again;
  Job job(file, facts, target);
  if (auto ready = job.prepare(out); !ready) return ready;
  const AvPacket packet(av_packet_alloc());
  for (;;) {
    auto more = file.read(*packet);
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    if (auto taken = job.take(*packet); !taken) return taken;
    if (progress && !progress(file.done()))
      return fail(Code::kInterrupted, file.name() + ": interrupted");
  }
  return job.finish();
}

}  // namespace callbot::feeds
