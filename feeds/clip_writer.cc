#include "feeds/clip_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace callbot::feeds {
namespace {

constexpr int kJpegQuality = 3;  // of 1..31; marks are read far above it

struct EncoderRow {
  std::string_view codec;
  const char* encoder;  // FFmpeg's name
  const char* options;  // of the encoder itself
};

// Once for many sendings, on any machine: faster than the picture plays, better than live. Below 0:
// libvpx keeps to that speed, however long it takes; else the bytes depend on the machine.
constexpr EncoderRow kRows[] = {
    {"vp8", "libvpx",
     "deadline=realtime:cpu-used=-4:lag-in-frames=0:auto-alt-ref=0:error-resilient=0"},
    {"vp9", "libvpx-vp9", "deadline=realtime:cpu-used=7:lag-in-frames=0:auto-alt-ref=0:row-mt=0"},
    {"h264", "libx264",
     "preset=veryfast:tune=zerolatency:profile=baseline:forced-idr=1:x264-params=scenecut=0"},
    {"jpeg", "mjpeg", ""},
    {"raw", "wrapped_avframe", ""},  // all that FFmpeg 5.1 puts into y4m
    {"opus", "libopus", "frame_duration=20:vbr=on"},
    {"pcmu", "pcm_mulaw", ""},
    {"pcma", "pcm_alaw", ""},
    {"pcm", "pcm_s16le", ""},
};

constexpr const char* kLive = "deadline=realtime:cpu-used=8:lag-in-frames=0:auto-alt-ref=0";

struct Options {
  explicit Options(const char* text) { av_dict_parse_string(&all, text, "=", ":", 0); }
  ~Options() { av_dict_free(&all); }
  AVDictionary* all = nullptr;
};

Result<AvCodecContext> encoder_for(const std::string& codec, const char** options) {
  for (const EncoderRow& row : kRows) {
    if (row.codec != codec) continue;
    const AVCodec* found = avcodec_find_encoder_by_name(row.encoder);
    if (found == nullptr)
      return fail(Code::kUnsupported, fmt::format("FFmpeg has no {} here", row.encoder));
    *options = row.options;
    return AvCodecContext(avcodec_alloc_context3(found));
  }
  return fail(Code::kUnsupported, fmt::format("{} cannot be encoded", codec));
}

}  // namespace

struct ClipWriter::Track {
  AvCodecContext encoder;  // none: copied
  AVStream* stream = nullptr;
  AvFrame frame{av_frame_alloc()};
  AvPacket packet{av_packet_alloc()};
  std::vector<int16_t> waiting;  // samples that do not fill a frame yet
  int64_t sample = 0;            // number of the first of them
  int64_t key_distance_ns = kKeyDistance_ns;
  std::optional<int64_t> key_ns;  // time of the last key frame
};

ClipWriter::ClipWriter(fs::path path) : path_(std::move(path)) {}

ClipWriter::~ClipWriter() {
  if (format_ == nullptr) return;
  avio_closep(&format_->pb);
  avformat_free_context(format_);
}

Result<std::unique_ptr<ClipWriter>> ClipWriter::create(const fs::path& path,
                                                       const std::string& container) {
  take_av_log();
  std::unique_ptr<ClipWriter> writer(new ClipWriter(path));
  if (avformat_alloc_output_context2(&writer->format_, nullptr, container.c_str(), nullptr) < 0)
    return fail(Code::kUnsupported, fmt::format("FFmpeg cannot write {} here", container));
  writer->format_->flags |= AVFMT_FLAG_BITEXACT;
  const std::string url = "file:" + path.string();
  if (const int got = avio_open(&writer->format_->pb, url.c_str(), AVIO_FLAG_WRITE); got < 0)
    return tl::unexpected(av_failure(Code::kStorage, path.string(), got));
  return writer;
}

std::unique_ptr<ClipWriter> ClipWriter::live(Take take) {
  std::unique_ptr<ClipWriter> writer(new ClipWriter("live encoder"));
  writer->take_ = std::move(take);
  avformat_alloc_output_context2(&writer->format_, nullptr, "null", nullptr);
  return writer;
}

Result<> ClipWriter::failed(int av_error) const {
  const bool disk = format_->pb != nullptr && format_->pb->error < 0;
  return tl::unexpected(av_failure(disk ? Code::kStorage : Code::kInternal, path_.string(),
                                   disk ? format_->pb->error : av_error));
}

Result<size_t> ClipWriter::add(const VideoSettings& settings) {
  const char* options = "";
  auto made = encoder_for(settings.codec, &options);
  if (!made) return tl::unexpected(made.error());
  AVCodecContext* encoder = made->get();
  encoder->width = settings.width;
  encoder->height = settings.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->color_range = settings.colours.range;
  encoder->colorspace = settings.colours.space;
  encoder->color_primaries = settings.colours.primaries;
  encoder->color_trc = settings.colours.transfer;
  encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
  encoder->time_base = settings.tick;
  encoder->framerate = {settings.fps, 1};
  encoder->max_b_frames = 0;
  if (settings.codec == "jpeg") {
    // Limited range, as the pattern's pictures and Chromium's camera are: no value changes. The
    // file says so in a comment that FFmpeg reads.
    encoder->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = FF_QP2LAMBDA * kJpegQuality;
  } else if (settings.codec != "raw") {
    encoder->gop_size = 10 * settings.fps;  // picture() asks for each key frame
    encoder->bit_rate = encoder->rc_max_rate = encoder->rc_min_rate = settings.bitrate;
    encoder->rc_buffer_size = settings.bitrate;
  }
  if (take_ && settings.codec.starts_with("vp")) options = kLive;
  auto opened = open(std::move(*made), options);
  if (opened) tracks_.back()->key_distance_ns = settings.key_distance_ns;
  return opened;
}

Result<size_t> ClipWriter::add(const AudioSettings& settings) {
  const char* options = "";
  auto made = encoder_for(settings.codec, &options);
  if (!made) return tl::unexpected(made.error());
  AVCodecContext* encoder = made->get();
  const bool g711 = settings.codec == "pcmu" || settings.codec == "pcma";
  encoder->sample_rate = g711 ? 8000 : 48000;
  encoder->sample_fmt = AV_SAMPLE_FMT_S16;
  av_channel_layout_default(&encoder->ch_layout, g711 ? 1 : settings.channels);
  encoder->time_base = {1, encoder->sample_rate};
  if (settings.codec == "opus") encoder->bit_rate = settings.bitrate;
  return open(std::move(*made), options);
}

Result<size_t> ClipWriter::open(AvCodecContext encoder, const char* options) {
  encoder->thread_count = 1;
  encoder->flags |= AV_CODEC_FLAG_BITEXACT;
  Options all(options);
  const int opened = avcodec_open2(encoder.get(), encoder->codec, &all.all);
  if (opened < 0) return tl::unexpected(av_failure(Code::kInternal, encoder->codec->name, opened));
  auto track = std::make_unique<Track>();
  track->stream = avformat_new_stream(format_, nullptr);
  avcodec_parameters_from_context(track->stream->codecpar, encoder.get());
  track->stream->time_base = encoder->time_base;
  // Else FFmpeg 5.1 writes it into Matroska as a delay, and moves the sound by it once more.
  track->stream->codecpar->initial_padding = 0;
  if (encoder->codec_type == AVMEDIA_TYPE_VIDEO)
    track->stream->avg_frame_rate = track->stream->r_frame_rate = encoder->framerate;
  track->encoder = std::move(encoder);
  tracks_.push_back(std::move(track));
  return tracks_.size() - 1;
}

Result<size_t> ClipWriter::add_copy(const AVStream& stream) {
  auto track = std::make_unique<Track>();
  track->stream = avformat_new_stream(format_, nullptr);
  if (const int got = avcodec_parameters_copy(track->stream->codecpar, stream.codecpar); got < 0)
    return tl::unexpected(av_failure(Code::kInternal, path_.string(), got));
  track->stream->codecpar->codec_tag = 0;
  track->stream->time_base = stream.time_base;
  track->stream->avg_frame_rate = stream.avg_frame_rate;
  tracks_.push_back(std::move(track));
  return tracks_.size() - 1;
}

Result<> ClipWriter::begin() {
  if (take_) return {};
  const int got = avformat_write_header(format_, nullptr);
  return got < 0 ? failed(got) : Result<>();
}

Result<> ClipWriter::encode(Track& track, const AVFrame* frame) {
  if (const int got = avcodec_send_frame(track.encoder.get(), frame); got < 0) return failed(got);
  for (;;) {
    const int got = avcodec_receive_packet(track.encoder.get(), track.packet.get());
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return {};
    if (got < 0) return failed(got);
    if (take_) {
      take_(track.stream->index, *track.packet, track.encoder->time_base);
      continue;
    }
    av_packet_rescale_ts(track.packet.get(), track.encoder->time_base, track.stream->time_base);
    track.packet->stream_index = track.stream->index;
    if (const int put = av_interleaved_write_frame(format_, track.packet.get()); put < 0)
      return failed(put);
  }
}

Result<> ClipWriter::picture(size_t stream, const AVFrame& picture, int64_t time) {
  Track& track = *tracks_.at(stream);
  AVFrame* frame = track.frame.get();
  av_frame_unref(frame);
  if (const int got = av_frame_ref(frame, &picture); got < 0) return failed(got);
  const int64_t at_ns = av_rescale_q(time, track.encoder->time_base, kNanoseconds);
  const bool key = !track.key_ns || at_ns - *track.key_ns >= track.key_distance_ns;
  if (key) track.key_ns = at_ns;
  frame->pts = time;
  frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  frame->quality = track.encoder->global_quality;
  frame->color_range = track.encoder->color_range;
  return encode(track, frame);
}

Result<> ClipWriter::picture(size_t stream, int64_t time,
                             const std::function<void(const PictureView&)>& draw) {
  Track& track = *tracks_.at(stream);
  const AvFrame drawn(av_frame_alloc());
  drawn->format = AV_PIX_FMT_YUV420P;
  drawn->width = track.encoder->width;
  drawn->height = track.encoder->height;
  if (const int got = av_frame_get_buffer(drawn.get(), 0); got < 0) return failed(got);
  draw({drawn->data[0], static_cast<size_t>(drawn->linesize[0]), drawn->data[1], drawn->data[2],
        static_cast<size_t>(drawn->linesize[1]), drawn->width, drawn->height});
  return picture(stream, *drawn, time);
}

Result<> ClipWriter::samples(size_t stream, std::span<const int16_t> samples) {
  Track& track = *tracks_.at(stream);
  track.waiting.insert(track.waiting.end(), samples.begin(), samples.end());
  const int channels = track.encoder->ch_layout.nb_channels;
  // PCM takes any number: 20 ms at a time.
  const size_t frame =
      track.encoder->frame_size > 0 ? track.encoder->frame_size : track.encoder->sample_rate / 50;
  while (track.waiting.size() >= frame * channels)
    if (auto sent = sound_frame(track, frame); !sent) return sent;
  return {};
}

Result<> ClipWriter::sound_frame(Track& track, size_t count) {
  AVFrame* frame = track.frame.get();
  av_frame_unref(frame);
  frame->format = AV_SAMPLE_FMT_S16;
  frame->nb_samples = static_cast<int>(count);
  frame->sample_rate = track.encoder->sample_rate;
  av_channel_layout_copy(&frame->ch_layout, &track.encoder->ch_layout);
  if (const int got = av_frame_get_buffer(frame, 0); got < 0) return failed(got);
  const auto values = static_cast<ptrdiff_t>(count * track.encoder->ch_layout.nb_channels);
  std::copy_n(track.waiting.begin(), values, reinterpret_cast<int16_t*>(frame->data[0]));
  track.waiting.erase(track.waiting.begin(), track.waiting.begin() + values);
  frame->pts = track.sample;
  track.sample += static_cast<int64_t>(count);
  return encode(track, frame);
}

Result<> ClipWriter::packet(size_t stream, const AVPacket& packet, AVRational base,
                            int64_t shift_ns) {
  Track& track = *tracks_.at(stream);
  AVPacket* copy = track.packet.get();
  av_packet_unref(copy);
  if (const int got = av_packet_ref(copy, &packet); got < 0) return failed(got);
  av_packet_rescale_ts(copy, base, track.stream->time_base);
  const int64_t shift = av_rescale_q(shift_ns, kNanoseconds, track.stream->time_base);
  if (copy->dts == AV_NOPTS_VALUE) copy->dts = copy->pts;
  if (copy->pts == AV_NOPTS_VALUE) copy->pts = copy->dts;
  copy->pts += shift;
  copy->dts += shift;
  copy->stream_index = track.stream->index;
  const int put = av_interleaved_write_frame(format_, copy);
  return put < 0 ? failed(put) : Result<>();
}

void ClipWriter::request_key_frame(size_t stream) { tracks_.at(stream)->key_ns.reset(); }

Result<> ClipWriter::finish() {
  for (auto& track : tracks_) {
    if (!track->encoder) continue;
    if (!track->waiting.empty()) {
      const int channels = track->encoder->ch_layout.nb_channels;
      if (auto sent = sound_frame(*track, track->waiting.size() / channels); !sent) return sent;
    }
    if (auto flushed = encode(*track, nullptr); !flushed) return flushed;
  }
  if (take_) return {};
  if (const int got = av_write_trailer(format_); got < 0) return failed(got);
  avio_flush(format_->pb);
  if (format_->pb->error < 0) return failed(format_->pb->error);
  return {};
}

}  // namespace callbot::feeds
