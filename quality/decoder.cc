#include "quality/decoder.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace callbot::quality {
namespace {

struct Known {
  AVCodecID id;
  int sample_rate;  // 0: pictures
};
const Known* known(const std::string& codec) {
  static const std::map<std::string, Known> all = {
      {"vp8", {AV_CODEC_ID_VP8, 0}},          {"vp9", {AV_CODEC_ID_VP9, 0}},
      {"h264", {AV_CODEC_ID_H264, 0}},        {"h265", {AV_CODEC_ID_HEVC, 0}},
      {"opus", {AV_CODEC_ID_OPUS, 48000}},    {"pcmu", {AV_CODEC_ID_PCM_MULAW, 8000}},
      {"pcma", {AV_CODEC_ID_PCM_ALAW, 8000}}, {"g722", {AV_CODEC_ID_ADPCM_G722, 16000}}};
  const auto found = all.find(codec);
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::open(const std::string& codec, int clock_rate,
                                               int channels) {
  const Known* row = known(codec);
  const AVCodec* found = row == nullptr ? nullptr : avcodec_find_decoder(row->id);
  if (found == nullptr) return fail(Code::kUnsupported, "no decoder for " + codec);
  auto decoder = std::make_unique<Decoder>();
  decoder->context_.reset(avcodec_alloc_context3(found));
  AVCodecContext* context = decoder->context_.get();
  context->thread_count = 1;  // there are as many decoders as tracks
  context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  context->pkt_timebase = {1, clock_rate};
  if (row->sample_rate != 0) {
    context->sample_rate = row->sample_rate;
    av_channel_layout_default(&context->ch_layout, codec == "opus" ? 2 : std::max(channels, 1));
  }
  if (avcodec_open2(context, found, nullptr) < 0)
    return fail(Code::kUnsupported, "the decoder for " + codec + " does not open");
  decoder->packet_.reset(av_packet_alloc());
  decoder->frame_.reset(av_frame_alloc());
  return decoder;
}

bool Decoder::decode(std::span<const uint8_t> bytes, int64_t number, const Each& each) {
  // FFmpeg reads beyond the end: it gets a copy with room there.
  if (av_new_packet(packet_.get(), static_cast<int>(bytes.size())) < 0) return false;
  std::memcpy(packet_->data, bytes.data(), bytes.size());
  packet_->pts = packet_->dts = number;
  bool good = avcodec_send_packet(context_.get(), packet_.get()) >= 0;
  av_packet_unref(packet_.get());
  for (;;) {
    const int result = avcodec_receive_frame(context_.get(), frame_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return good;
    if (result < 0) return false;
    each(*frame_, frame_->pts == AV_NOPTS_VALUE ? number : frame_->pts);
    av_frame_unref(frame_.get());
  }
}

}  // namespace callbot::quality
