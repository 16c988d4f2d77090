#include "tests/support/marked_media.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <numbers>
#include <utility>

#include "base/audio_mark.h"
#include "recordings/av.h"

namespace callbot::test {
namespace {

using namespace recordings;

void must(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "marked media: " << what << "\n";
  std::abort();
}

struct Coding {
  const char* encoder;
  int clock_rate;
  int sample_rate;
};
const Coding& coding_of(const std::string& codec) {
  static const std::map<std::string, Coding> codings = {
      {"vp8", {"libvpx", 90000, 0}},       {"vp9", {"libvpx-vp9", 90000, 0}},
      {"h264", {"libx264", 90000, 0}},     {"h265", {"libx265", 90000, 0}},
      {"opus", {"libopus", 48000, 48000}}, {"pcmu", {"pcm_mulaw", 8000, 8000}},
      {"pcma", {"pcm_alaw", 8000, 8000}},  {"g722", {"g722", 8000, 16000}}};
  return codings.at(codec);
}

AvCodecContext encoder(const std::string& codec) {
  const AVCodec* found = avcodec_find_encoder_by_name(coding_of(codec).encoder);
  must(found != nullptr, codec.c_str());
  AvCodecContext context(avcodec_alloc_context3(found));
  context->thread_count = 1;
  return context;
}

void encode(AVCodecContext* context, const AVFrame* frame, EncodedFrames& out, int64_t ns_each,
            int clock_rate) {
  must(avcodec_send_frame(context, frame) >= 0, "the encoder takes no frame");
  AvPacket packet(av_packet_alloc());
  while (avcodec_receive_packet(context, packet.get()) >= 0) {
    EncodedFrame f;
    f.bytes.assign(packet->data, packet->data + packet->size);
    f.key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    f.time_ns = packet->pts * ns_each;
    f.rtp_time = f.time_ns * clock_rate / 1'000'000'000;
    out.push_back(std::move(f));
    av_packet_unref(packet.get());
  }
}

void paint_usual(const PictureView& p, int n) {
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x)
      p.luma[static_cast<size_t>(y) * p.luma_stride + x] =
          static_cast<uint8_t>(40 + (x + y * 2 + n * 3) % 150);
  }
  for (int y = 0; y < (p.height + 1) / 2; ++y) {
    std::fill_n(p.cb + static_cast<size_t>(y) * p.chroma_stride, (p.width + 1) / 2,
                static_cast<uint8_t>(100 + n % 50));
    std::fill_n(p.cr + static_cast<size_t>(y) * p.chroma_stride, (p.width + 1) / 2,
                static_cast<uint8_t>(140));
  }
}

void set_video_options(AVCodecContext* c, const VideoRecipe& r) {
  c->width = r.width;
  c->height = r.height;
  c->pix_fmt = AV_PIX_FMT_YUV420P;
  c->time_base = {1, r.fps};
  c->framerate = {r.fps, 1};
  c->gop_size = r.key_every;
  c->max_b_frames = 0;
  c->bit_rate = 600'000;
  if (r.codec == "vp8" || r.codec == "vp9") {
    av_opt_set(c->priv_data, "deadline", "realtime", 0);
    // Below 0 VP8 does not choose its speed by the time it took: the same bytes on any machine.
    av_opt_set(c->priv_data, "cpu-used", r.codec == "vp8" ? "-8" : "8", 0);
    av_opt_set(c->priv_data, "lag-in-frames", "0", 0);
    av_opt_set(c->priv_data, "auto-alt-ref", "0", 0);
    av_opt_set(c->priv_data, "error-resilient", "1", 0);
  } else {
    av_opt_set(c->priv_data, "preset", "ultrafast", 0);
    av_opt_set(c->priv_data, "tune", "zerolatency", 0);
    if (r.codec == "h265") av_opt_set(c->priv_data, "x265-params", "log-level=none:pools=none", 0);
  }
}

}  // namespace

EncodedFrames make_video(const VideoRecipe& r) {
  take_av_log();
  auto context = encoder(r.codec);
  set_video_options(context.get(), r);
  must(avcodec_open2(context.get(), nullptr, nullptr) >= 0, "the video encoder does not open");
  AvFrame frame(av_frame_alloc());
  frame->width = r.width;
  frame->height = r.height;
  frame->format = AV_PIX_FMT_YUV420P;
  EncodedFrames out;
  for (int n = 0; n < r.frames; ++n) {
    av_buffer_unref(&frame->buf[0]);
    must(av_frame_get_buffer(frame.get(), 0) >= 0, "no memory");
    const PictureView view{frame->data[0], static_cast<size_t>(frame->linesize[0]), frame->data[1],
                           frame->data[2], static_cast<size_t>(frame->linesize[1]), r.width,
                           r.height};
    paint_usual(view, n);
    if (r.paint) r.paint(view, n);
    const uint32_t counter = r.first_counter + static_cast<uint32_t>(n);
    const VideoMark usual{counter & 0xFFFFFF, r.source,
                          static_cast<uint8_t>(counter % static_cast<uint32_t>(r.fps) == 0)};
    const std::optional<VideoMark> mark = r.mark ? r.mark(n) : usual;
    if (r.marked && mark) write_video_mark(view, *mark);
    frame->pts = n;
    encode(context.get(), frame.get(), out, 1'000'000'000 / r.fps, 90000);
  }
  encode(context.get(), nullptr, out, 1'000'000'000 / r.fps, 90000);
  return out;
}

namespace {

std::vector<float> sound(const AudioRecipe& r) {
  const auto count = static_cast<size_t>(r.seconds * kMarkSampleRate);
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i)
    samples[i] = static_cast<float>(
        r.tone * std::sin(2 * std::numbers::pi * 300 * static_cast<double>(i) / kMarkSampleRate));
  uint64_t number = r.first_chirp;
  for (size_t at = 0; r.marked && at < count; at += kChirpPeriodSamples, ++number) {
    const size_t size = std::min<size_t>(kChirpSamples, count - at);
    if (size == kChirpSamples) add_chirp(std::span(samples).subspan(at, size), number);
  }
  return samples;
}

void fill(AVFrame* frame, const std::vector<float>& from, int step) {
  for (int i = 0; i < frame->nb_samples; ++i) {
    const float value =
        std::clamp(from[static_cast<size_t>(i) * static_cast<size_t>(step)], -1.0f, 1.0f);
    if (frame->format == AV_SAMPLE_FMT_FLT)
      reinterpret_cast<float*>(frame->data[0])[i] = value;
    else
      reinterpret_cast<int16_t*>(frame->data[0])[i] = static_cast<int16_t>(value * 32767);
  }
}

}  // namespace

EncodedFrames make_audio(const AudioRecipe& r) {
  take_av_log();
  constexpr int kFrameMs = 20;
  const Coding& coding = coding_of(r.codec);
  auto context = encoder(r.codec);
  context->sample_rate = coding.sample_rate;
  context->sample_fmt = r.codec == "opus" ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_S16;
  context->time_base = {kFrameMs, 1000};
  if (r.codec == "opus") context->bit_rate = 48000;
  av_channel_layout_default(&context->ch_layout, 1);
  must(avcodec_open2(context.get(), nullptr, nullptr) >= 0, "the audio encoder does not open");
  const std::vector<float> samples = sound(r);
  const size_t chunk = kMarkSampleRate * kFrameMs / 1000;
  EncodedFrames out;
  for (size_t at = 0; at + chunk <= samples.size(); at += chunk) {
    std::vector<float> piece(samples.begin() + static_cast<ptrdiff_t>(at),
                             samples.begin() + static_cast<ptrdiff_t>(at + chunk));
    if (r.change) r.change(piece, static_cast<double>(at) / kMarkSampleRate);
    AvFrame frame(av_frame_alloc());
    frame->nb_samples = coding.sample_rate * kFrameMs / 1000;
    frame->format = context->sample_fmt;
    frame->sample_rate = coding.sample_rate;
    av_channel_layout_default(&frame->ch_layout, 1);
    must(av_frame_get_buffer(frame.get(), 0) >= 0, "no memory");
    fill(frame.get(), piece, kMarkSampleRate / coding.sample_rate);
    EncodedFrames got;
    encode(context.get(), frame.get(), got, 0, coding.clock_rate);
    for (EncodedFrame& f : got) {
      f.key = true;
      f.time_ns = static_cast<int64_t>(out.size()) * kFrameMs * 1'000'000;
      f.rtp_time = static_cast<int64_t>(out.size()) * coding.clock_rate * kFrameMs / 1000;
      out.push_back(std::move(f));
    }
  }
  return out;
}

EncodedFrames without(EncodedFrames frames, int64_t from_ns, int64_t to_ns) {
  std::erase_if(frames,
                [&](const EncodedFrame& f) { return f.time_ns >= from_ns && f.time_ns < to_ns; });
  return frames;
}

Frame arrived(const EncodedFrame& encoded, int64_t at_ns) {
  auto bytes = std::make_shared<const std::vector<uint8_t>>(encoded.bytes);
  Frame frame;
  frame.bytes = *bytes;
  frame.owner = std::move(bytes);
  frame.key = encoded.key;
  frame.after_gap = encoded.after_gap;
  frame.rtp_time = encoded.rtp_time;
  frame.first_arrival_ns = frame.last_arrival_ns = at_ns;
  return frame;
}

TrackInfo video_track(TrackId id, const std::string& participant, const std::string& codec) {
  return {.id = id,
          .kind = MediaKind::kVideo,
          .codec = codec,
          .clock_rate = 90000,
          .channels = 0,
          .participant = participant,
          .name = participant,
          .source = "camera",
          .mid = "1",
          .ssrc = static_cast<uint32_t>(1000 + id)};
}

TrackInfo audio_track(TrackId id, const std::string& participant, const std::string& codec) {
  return {.id = id,
          .kind = MediaKind::kAudio,
          .codec = codec,
          .clock_rate = coding_of(codec).clock_rate,
          .channels = codec == "opus" ? 2 : 1,
          .participant = participant,
          .name = participant,
          .source = "microphone",
          .mid = "0",
          .ssrc = static_cast<uint32_t>(1000 + id)};
}

}  // namespace callbot::test
