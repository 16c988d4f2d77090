#include "recordings/encoders.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace callbot::recordings {
namespace {

// Quality constant, rate as it comes. libvpx at its real-time speed is five times as fast as at
// "good" and looks the same at this quality; no lag: it would bring hidden frames.
struct Row {
  const char* codec;
  const char* encoder;
  const char* options;
  int bits_a_channel = 0;                       // bit/s, audio
  AVSampleFormat samples = AV_SAMPLE_FMT_NONE;  // audio: the best of those it takes
};
constexpr Row kRows[] = {
    {"h264", "libx264", "preset=veryfast:crf=21"},
    {"vp9", "libvpx-vp9", "deadline=realtime:cpu-used=7:row-mt=1:crf=31:lag-in-frames=0"},
    {"opus", "libopus", "", 48000, AV_SAMPLE_FMT_FLT},
    {"aac", "aac", "", 80000, AV_SAMPLE_FMT_FLTP},
    {"mp3", "libmp3lame", "", 80000, AV_SAMPLE_FMT_FLTP},
    {"pcm", "pcm_s16le", "", 0, AV_SAMPLE_FMT_S16},
};

struct Begun {
  AvCodecContext context;
  const Row* row;
};

Result<Begun> begin(const std::string& codec) {
  for (const Row& row : kRows) {
    if (codec != row.codec) continue;
    const AVCodec* encoder = avcodec_find_encoder_by_name(row.encoder);
    if (encoder == nullptr)
      return fail(Code::kUnsupported, fmt::format("this FFmpeg has no encoder {}", row.encoder));
    return Begun{AvCodecContext(avcodec_alloc_context3(encoder)), &row};
  }
  return fail(Code::kUnsupported, "nothing here encodes " + codec);
}

Result<AvCodecContext> open(Begun begun) {
  AVDictionary* options = nullptr;
  av_dict_parse_string(&options, begun.row->options, "=", ":", 0);
  const int opened = avcodec_open2(begun.context.get(), nullptr, &options);
  av_dict_free(&options);
  if (opened < 0) return tl::unexpected(av_failure(Code::kUnsupported, begun.row->encoder, opened));
  return std::move(begun.context);
}

}  // namespace

Result<AvCodecContext> open_encoder(const PictureEncoding& e) {
  auto begun = begin(e.codec);
  if (!begun) return tl::unexpected(begun.error());
  AVCodecContext& c = *begun->context;
  c.width = e.width;
  c.height = e.height;
  c.pix_fmt = AV_PIX_FMT_YUV420P;
  c.time_base = e.time_base;
  c.framerate = {e.fps, 1};
  c.max_b_frames = 0;
  c.thread_count = e.threads;
  if (e.rec601) {
    c.color_range = AVCOL_RANGE_MPEG;
    c.color_primaries = AVCOL_PRI_SMPTE170M;
    c.color_trc = AVCOL_TRC_SMPTE170M;
    c.colorspace = AVCOL_SPC_SMPTE170M;
  }
  if (e.global_header) c.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  return open(std::move(*begun));
}

Result<AvCodecContext> open_encoder(const SoundEncoding& e) {
  auto begun = begin(e.codec);
  if (!begun) return tl::unexpected(begun.error());
  AVCodecContext& c = *begun->context;
  c.sample_rate = e.rate;
  c.time_base = {1, e.rate};
  av_channel_layout_default(&c.ch_layout, e.channels);
  c.sample_fmt = begun->row->samples;
  c.bit_rate = static_cast<int64_t>(begun->row->bits_a_channel) * e.channels;
  if (e.global_header) c.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  return open(std::move(*begun));
}

AvFrame sound_frame(const AVCodecContext& encoder, const float* samples, int count, int64_t pts) {
  AvFrame frame(av_frame_alloc());
  frame->nb_samples = count;
  frame->format = encoder.sample_fmt;
  frame->sample_rate = encoder.sample_rate;
  av_channel_layout_copy(&frame->ch_layout, &encoder.ch_layout);
  frame->pts = pts;
  if (av_frame_get_buffer(frame.get(), 0) < 0) return {};
  const int channels = encoder.ch_layout.nb_channels;
  for (int i = 0; i < count * channels; ++i) {
    const float value = std::clamp(samples[i], -1.0F, 1.0F);
    if (encoder.sample_fmt == AV_SAMPLE_FMT_FLTP)
      reinterpret_cast<float*>(frame->extended_data[i % channels])[i / channels] = value;
    else if (encoder.sample_fmt == AV_SAMPLE_FMT_FLT)
      reinterpret_cast<float*>(frame->data[0])[i] = value;
    else
      reinterpret_cast<int16_t*>(frame->data[0])[i] =
          static_cast<int16_t>(std::lrint(value * 32767.0F));
  }
  return frame;
}

}  // namespace callbot::recordings
