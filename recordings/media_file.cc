#include "recordings/media_file.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "recordings/av.h"

namespace callbot::recordings {
namespace {

constexpr int kBufferBytes = 16 * 1024;
// libavformat keeps the memory of the largest cluster of a file until its end.
constexpr const char* kMostClusterBytes = "32768";

class Matroska final : public MediaFile {
 public:
  explicit Matroska(std::unique_ptr<GrowingFile> file)
      : output_(std::move(file)), packet_(av_packet_alloc()) {}

  Result<> open(const MediaFileConfig& config) {
    io_ = write_through(*output_, kBufferBytes);
    AVFormatContext* context = nullptr;
    const int made = avformat_alloc_output_context2(&context, nullptr, "matroska", nullptr);
    context_.reset(context);
    if (made < 0 || !io_ || !packet_) return tl::unexpected(problem("cannot begin", made));
    context_->pb = io_.get();
    av_dict_set(&context_->metadata, "title", config.title.c_str(), 0);
    av_dict_set(&context_->metadata, "creation_time", rfc3339(config.start_wall_ns).c_str(), 0);
    for (const StreamParameters& stream : config.streams) {
      if (auto added = add(stream); !added) return added;
    }
    AVDictionary* options = nullptr;
    av_dict_set(&options, "cluster_size_limit", kMostClusterBytes, 0);
    const int wrote = avformat_write_header(context_.get(), &options);
    av_dict_free(&options);
    if (wrote < 0) return tl::unexpected(problem("cannot write the header", wrote));
    headed_ = true;
    return flush();
  }

  Result<> write(int stream, int64_t time_ms, std::span<const uint8_t> bytes, bool key) override {
    av_packet_unref(packet_.get());
    packet_->data = const_cast<uint8_t*>(bytes.data());  // the muxer copies it
    packet_->size = static_cast<int>(bytes.size());
    packet_->stream_index = stream;
    packet_->flags = key ? AV_PKT_FLAG_KEY : 0;
    packet_->pts = packet_->dts =
        av_rescale_q(time_ms, AVRational{1, 1000}, context_->streams[stream]->time_base);
    return put();
  }

  Result<> flush() override {
    // The muxer keeps back one audio packet; one without bytes makes it write that.
    if (packet_->size > 0 && is_audio(packet_->stream_index)) {
      packet_->data = nullptr;
      packet_->size = 0;
      if (auto done = put(); !done) return done;
    }
    const int wrote = av_write_frame(context_.get(), nullptr);  // ends the cluster
    avio_flush(io_.get());
    if (wrote < 0 || io_->error < 0 || output_->failed())
      return tl::unexpected(problem("cannot write", std::min(wrote, io_->error)));
    return output_->mark_whole();
  }

  Result<> close() override {
    if (!headed_) return {};
    headed_ = false;
    if (output_->failed() || io_->error < 0) return close_failed();
    const int wrote = av_write_trailer(context_.get());
    avio_flush(io_.get());
    if (output_->failed() || wrote < 0) {
      auto error = problem("cannot write the index", wrote);
      output_->cut_back();
      return tl::unexpected(std::move(error));
    }
    auto ended = output_->end();
    if (!ended && output_->failed()) output_->cut_back();
    return ended;
  }

  Result<> sync() override { return output_->sync(); }
  uint64_t bytes() const override { return output_->bytes(); }

 private:
  bool is_audio(int stream) const {
    return context_->streams[stream]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
  }
  Result<> put() {
    const int wrote = av_write_frame(context_.get(), packet_.get());
    if (wrote < 0 || output_->failed()) return tl::unexpected(problem("cannot write", wrote));
    return {};
  }
  Result<> add(const StreamParameters& p) {
    AVStream* stream = avformat_new_stream(context_.get(), nullptr);
    if (stream == nullptr) return tl::unexpected(problem("cannot add a stream", AVERROR(ENOMEM)));
    AVCodecParameters& to = *stream->codecpar;
    to.codec_id = codec_id(p.codec);
    to.codec_type = p.media == MediaKind::kAudio ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    to.width = static_cast<int>(p.size.width);
    to.height = static_cast<int>(p.size.height);
    to.sample_rate = p.sample_rate;
    to.bits_per_coded_sample = av_get_bits_per_sample(to.codec_id);
    if (p.media == MediaKind::kAudio) {
      av_channel_layout_default(&to.ch_layout, p.channels);
      to.block_align = p.channels;
      to.bit_rate = static_cast<int64_t>(p.sample_rate) * p.channels * to.bits_per_coded_sample;
    }
    if (!p.extradata.empty()) {
      to.extradata =
          static_cast<uint8_t*>(av_mallocz(p.extradata.size() + AV_INPUT_BUFFER_PADDING_SIZE));
      std::memcpy(to.extradata, p.extradata.data(), p.extradata.size());
      to.extradata_size = static_cast<int>(p.extradata.size());
    }
    stream->time_base = AVRational{1, 1000};
    return {};
  }

  // The half block at the end goes; then the index is tried, which the space so freed may take.
  Result<> close_failed() {
    auto error = output_->failure();
    output_->cut_back();
    io_->error = 0;
    avio_seek(io_.get(), static_cast<int64_t>(output_->whole()), SEEK_SET);
    const int wrote = av_write_trailer(context_.get());
    avio_flush(io_.get());
    if (output_->failed() || wrote < 0 || !output_->end()) output_->cut_back();
    return tl::unexpected(std::move(error));
  }

  Error problem(const char* what, int av_error) const {
    if (output_->failed()) return output_->failure();
    return av_failure(Code::kStorage, output_->path() + ": " + what, av_error);
  }

  struct ContextFreer {
    void operator()(AVFormatContext* context) const { avformat_free_context(context); }
  };
  std::unique_ptr<GrowingFile> output_;
  AvIo io_;
  std::unique_ptr<AVFormatContext, ContextFreer> context_;
  AvPacket packet_;
  bool headed_ = false;
};

}  // namespace

Result<std::unique_ptr<MediaFile>> MediaFile::create(const MediaFileConfig& config) {
  take_av_log();
  auto grows = GrowingFile::create({.path = config.path, .seal_to = config.seal_to});
  if (!grows) return tl::unexpected(grows.error());
  auto file = std::make_unique<Matroska>(std::move(*grows));
  if (auto opened = file->open(config); !opened) return tl::unexpected(opened.error());
  return file;
}

}  // namespace callbot::recordings
