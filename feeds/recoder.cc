#include "feeds/recoder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/picture_limits.h"

namespace callbot::feeds {
namespace {

constexpr AVRational kTick{1, 90'000};
// Longer than any run of frames: key frames are made when they are asked for.
constexpr int64_t kNoKeyDistance_ns = 3'600'000'000'000;

// Old names of 8-bit 4:2:0 that say the range once more.
void rename_format(AVFrame& picture) {
  if (picture.format != AV_PIX_FMT_YUVJ420P) return;
  picture.format = AV_PIX_FMT_YUV420P;
  picture.color_range = AVCOL_RANGE_JPEG;
}

Colours colours_of(const AVFrame& picture) {
  return {picture.color_range == AVCOL_RANGE_JPEG ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG,
          picture.colorspace, picture.color_primaries, picture.color_trc};
}

}  // namespace

Result<std::unique_ptr<Recoder>> Recoder::create(const std::string& codec, int fps) {
  take_av_log();
  std::unique_ptr<Recoder> made(new Recoder(codec, std::clamp(fps, 1, kMostFps)));
  const AVCodecDescriptor* known = avcodec_descriptor_get_by_name(codec.c_str());
  const AVCodec* found = known != nullptr ? avcodec_find_decoder(known->id) : nullptr;
  if (found == nullptr)
    return fail(Code::kUnsupported, fmt::format("FFmpeg has no decoder for {} here", codec));
  made->decoder_.reset(avcodec_alloc_context3(found));
  made->decoder_->thread_count = 1;
  made->decoder_->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (const int got = avcodec_open2(made->decoder_.get(), found, nullptr); got < 0)
    return tl::unexpected(av_failure(Code::kUnsupported, found->name, got));
  return made;
}

Result<bool> Recoder::decode(std::span<const uint8_t> frame) {
  if (frame.empty() || av_new_packet(packet_.get(), static_cast<int>(frame.size())) < 0)
    return fail(Code::kBadInput, fmt::format("a frame of {} of {} bytes", codec_, frame.size()));
  std::memcpy(packet_->data, frame.data(), frame.size());
  const int sent = avcodec_send_packet(decoder_.get(), packet_.get());
  av_packet_unref(packet_.get());
  if (sent < 0) return tl::unexpected(av_failure(Code::kBadInput, "decoding " + codec_, sent));
  bool shown = false;
  for (;;) {
    const int got = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (got == AVERROR(EAGAIN)) return shown;
    if (got < 0) return tl::unexpected(av_failure(Code::kBadInput, "decoding " + codec_, got));
    rename_format(*decoded_);
    if (decoded_->format != AV_PIX_FMT_YUV420P)
      return fail(Code::kUnsupported, codec_ + ": pictures that are not 8-bit 4:2:0");
    std::swap(picture_, decoded_);
    shown = true;
  }
}

bool Recoder::fits() const {
  return encoder_ != nullptr && picture_->width == width_ && picture_->height == height_;
}

Result<> Recoder::open(int bitrate) {
  if (picture_->width <= 0) return fail(Code::kBadInput, codec_ + ": no picture was decoded");
  bitrate_ = std::clamp(bitrate, kLeastBitrate, kMostBitrate);
  width_ = picture_->width;
  height_ = picture_->height;
  last_tick_ = -1;
  encoder_ = ClipWriter::live([this](size_t, const AVPacket& packet, AVRational) {
    made_.bytes.insert(made_.bytes.end(), packet.data, packet.data + packet.size);
    made_.key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  });
  auto added = encoder_->add(VideoSettings{.codec = codec_,
                                           .width = width_,
                                           .height = height_,
                                           .fps = fps_,
                                           .tick = kTick,
                                           .bitrate = bitrate_,
                                           .key_distance_ns = kNoKeyDistance_ns,
                                           .colours = colours_of(*picture_)});
  if (added) return {};
  encoder_.reset();
  return tl::unexpected(added.error());
}

Result<ClipFrame> Recoder::encode(int64_t time_ns, bool key) {
  if (!fits())
    if (auto again = open(bitrate_); !again) return tl::unexpected(again.error());
  if (last_tick_ < 0) begin_ns_ = time_ns;
  if (key) encoder_->request_key_frame(0);
  last_tick_ = std::max(av_rescale_q(time_ns - begin_ns_, kNanoseconds, kTick), last_tick_ + 1);
  made_ = {.time_ns = time_ns};
  if (auto done = encoder_->picture(0, *picture_, last_tick_); !done)
    return tl::unexpected(done.error());
  return std::move(made_);
}

}  // namespace callbot::feeds
