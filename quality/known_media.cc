#include "quality/known_media.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/audio_mark.h"
#include "quality/av.h"

namespace callbot::quality {
namespace {

constexpr int kVideoClock = 90000;
constexpr int kPacketSamples = kMarkSampleRate / 50;
constexpr int kG711Rate = 8000;
constexpr double kToneHz = 300;
constexpr const char* kVpxQuantiser = "20";  // kKnownQuantiser

Result<AvCodecContext> encoder_of(const char* name) {
  const AVCodec* codec = avcodec_find_encoder_by_name(name);
  if (codec == nullptr)
    return fail(Code::kUnsupported, std::string("FFmpeg has no encoder ") + name);
  AvCodecContext context(avcodec_alloc_context3(codec));
  context->thread_count = 1;
  return context;
}

// What comes out for this frame (null: for all of them) is added to `out`.
Result<> encode(AVCodecContext& context, const AVFrame* frame, std::vector<KnownFrame>& out) {
  if (avcodec_send_frame(&context, frame) < 0)
    return fail(Code::kInternal, std::string(context.codec->name) + " takes no frame");
  const AvPacket packet(av_packet_alloc());
  while (avcodec_receive_packet(&context, packet.get()) >= 0) {
    const auto bytes =
        std::make_shared<const std::vector<uint8_t>>(packet->data, packet->data + packet->size);
    KnownFrame known;
    known.frame.bytes = *bytes;
    known.frame.owner = bytes;
    known.frame.key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    out.push_back(std::move(known));
    av_packet_unref(packet.get());
  }
  return {};
}

Result<AvCodecContext> picture_encoder(int width, int height) {
  auto made = encoder_of("libvpx");
  if (!made) return made;
  AVCodecContext& context = **made;
  context.width = width;
  context.height = height;
  context.pix_fmt = AV_PIX_FMT_YUV420P;
  context.time_base = {1, kKnownFps};
  context.bit_rate = 2'000'000;
  AVDictionary* options = nullptr;
  for (const auto& [key, value] : {std::pair{"deadline", "realtime"},
                                   {"cpu-used", "-8"},
                                   {"lag-in-frames", "0"},
                                   {"qmin", kVpxQuantiser},
                                   {"qmax", kVpxQuantiser}})
    av_dict_set(&options, key, value, 0);
  const int opened = avcodec_open2(&context, nullptr, &options);
  av_dict_free(&options);
  if (opened < 0) return fail(Code::kUnsupported, "libvpx does not open");
  return made;
}

Result<AvCodecContext> sound_encoder(bool g711) {
  auto made = encoder_of(g711 ? "pcm_alaw" : "libopus");
  if (!made) return made;
  AVCodecContext& context = **made;
  context.sample_rate = g711 ? kG711Rate : kMarkSampleRate;
  context.sample_fmt = g711 ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_FLT;
  context.time_base = {1, context.sample_rate};
  context.bit_rate = 64000;
  av_channel_layout_default(&context.ch_layout, 1);
  if (avcodec_open2(&context, nullptr, nullptr) < 0)
    return fail(Code::kUnsupported, std::string(context.codec->name) + " does not open");
  return made;
}

// Of samples at 48 kHz; what G.711 cannot hold is not filtered out, and not there.
AvFrame sound_frame(const AVCodecContext& encoder, std::span<const float> samples) {
  AvFrame frame(av_frame_alloc());
  const int step = kMarkSampleRate / encoder.sample_rate;
  frame->nb_samples = static_cast<int>(samples.size()) / step;
  frame->format = encoder.sample_fmt;
  frame->sample_rate = encoder.sample_rate;
  av_channel_layout_default(&frame->ch_layout, 1);
  if (av_frame_get_buffer(frame.get(), 0) < 0) return nullptr;
  for (int i = 0; i < frame->nb_samples; ++i) {
    const float value =
        std::clamp(samples[static_cast<size_t>(i) * static_cast<size_t>(step)], -1.0F, 1.0F);
    if (encoder.sample_fmt == AV_SAMPLE_FMT_FLT)
      reinterpret_cast<float*>(frame->data[0])[i] = value;
    else
      reinterpret_cast<int16_t*>(frame->data[0])[i] = static_cast<int16_t>(value * 32767);
  }
  return frame;
}

VideoMark usual_mark(int n, uint16_t source) {
  return {static_cast<uint32_t>(n), source, n % kKnownFps == 0 ? kMarkChirp : uint8_t{0}};
}

TrackInfo track(TrackId id, MediaKind kind, const char* codec, int clock_rate) {
  const bool sound = kind == MediaKind::kAudio;
  return {.id = id,
          .kind = kind,
          .codec = codec,
          .clock_rate = clock_rate,
          .channels = sound ? 1 : 0,
          .participant = "alice",
          .name = "alice",
          .source = sound ? "microphone" : "camera",
          .mid = sound ? "1" : "0",
          .ssrc = static_cast<uint32_t>(id)};
}

}  // namespace

void paint_known(const PictureView& view, int n) {
  for (int y = 0; y < view.height; ++y)
    for (int x = 0; x < view.width; ++x)
      view.luma[static_cast<size_t>(y) * view.luma_stride + static_cast<size_t>(x)] =
          static_cast<uint8_t>(40 + (x + y * 2 + n * 3) % 150);
  for (int y = 0; y < (view.height + 1) / 2; ++y) {
    const size_t line = static_cast<size_t>(y) * view.chroma_stride;
    std::fill_n(view.cb + line, (view.width + 1) / 2, uint8_t{110});
    std::fill_n(view.cr + line, (view.width + 1) / 2, uint8_t{140});
  }
}

Result<std::vector<KnownFrame>> known_pictures(const KnownPictures& wanted) {
  auto encoder = picture_encoder(wanted.width, wanted.height);
  if (!encoder) return tl::unexpected(encoder.error());
  std::vector<KnownFrame> out;
  for (int n = 0; n < wanted.frames; ++n) {
    const AvFrame frame(av_frame_alloc());
    frame->width = wanted.width;
    frame->height = wanted.height;
    frame->format = AV_PIX_FMT_YUV420P;
    frame->pts = n;
    frame->pict_type = AV_PICTURE_TYPE_I;
    if (av_frame_get_buffer(frame.get(), 0) < 0) return fail(Code::kInternal, "no memory");
    const PictureView view{frame->data[0], static_cast<size_t>(frame->linesize[0]), frame->data[1],
                           frame->data[2], static_cast<size_t>(frame->linesize[1]), wanted.width,
                           wanted.height};
    paint_known(view, n);
    const auto mark = wanted.mark ? wanted.mark(n) : usual_mark(n, wanted.source);
    if (mark) write_video_mark(view, *mark);
    if (auto done = encode(**encoder, frame.get(), out); !done) return tl::unexpected(done.error());
  }
  if (auto done = encode(**encoder, nullptr, out); !done) return tl::unexpected(done.error());
  for (size_t n = 0; n < out.size(); ++n) {
    out[n].captured = static_cast<double>(n) / kKnownFps;
    out[n].frame.rtp_time = static_cast<int64_t>(n) * (kVideoClock / kKnownFps);
  }
  return out;
}

void play_known(std::span<float> samples, int64_t first) {
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(kKnownTone *
                                    std::sin(2 * std::numbers::pi * kToneHz / kMarkSampleRate *
                                             static_cast<double>(first + static_cast<int64_t>(i))));
  const int64_t end = first + static_cast<int64_t>(samples.size());
  std::vector<float> chirp(kChirpSamples);
  for (int64_t n = std::max<int64_t>((first - kChirpSamples) / kChirpPeriodSamples, 0);
       n * kChirpPeriodSamples < end; ++n) {
    std::fill(chirp.begin(), chirp.end(), 0.0F);
    add_chirp(chirp, static_cast<uint64_t>(n));
    const int64_t begin = n * kChirpPeriodSamples;
    for (int64_t at = std::max(begin, first); at < std::min(begin + kChirpSamples, end); ++at)
      samples[static_cast<size_t>(at - first)] += chirp[static_cast<size_t>(at - begin)];
  }
}

Result<std::vector<KnownFrame>> known_sound(const KnownSound& wanted) {
  auto encoder = sound_encoder(wanted.g711);
  if (!encoder) return tl::unexpected(encoder.error());
  std::vector<float> samples(static_cast<size_t>(wanted.seconds) * kMarkSampleRate);
  play_known(samples, 0);
  std::vector<KnownFrame> out;
  for (size_t at = 0; at < samples.size(); at += kPacketSamples) {
    const auto packet = std::span(samples).subspan(at, kPacketSamples);
    if (wanted.change) wanted.change(packet, static_cast<double>(at) / kMarkSampleRate);
    const AvFrame frame = sound_frame(**encoder, packet);
    if (!frame) return fail(Code::kInternal, "no memory");
    frame->pts = static_cast<int64_t>(out.size()) * frame->nb_samples;
    if (auto done = encode(**encoder, frame.get(), out); !done) return tl::unexpected(done.error());
  }
  // What the encoder still holds is its look-ahead beyond the end.
  for (size_t n = 0; n < out.size(); ++n) {
    out[n].captured = static_cast<double>(n) * kPacketSamples / kMarkSampleRate;
    out[n].frame.rtp_time = static_cast<int64_t>(n) * (*encoder)->sample_rate / 50;
    out[n].frame.key = true;
  }
  return out;
}

TrackInfo known_picture_track() { return track(1, MediaKind::kVideo, "vp8", kVideoClock); }
TrackInfo known_sound_track(bool g711) {
  return g711 ? track(2, MediaKind::kAudio, "pcma", kG711Rate)
              : track(2, MediaKind::kAudio, "opus", kMarkSampleRate);
}

}  // namespace callbot::quality
