#include "recordings/remux.h"

#include <algorithm>
#include <vector>

#include "recordings/av.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kMostMs = 366LL * 24 * 3600 * 1000;  // nobody talks for longer than a year
constexpr int kPacketsAStep = 256;
constexpr uint64_t kBytesAStep = 1u << 20;

constexpr int kBufferBytes = 32 * 1024;

struct OutputFreer {
  void operator()(AVFormatContext* context) const { avformat_free_context(context); }
};

class RemuxImpl final : public Remux {
 public:
  RemuxImpl(RemuxConfig config, std::function<void(const RemuxedPacket&)> packet)
      : config_(std::move(config)), tell_(std::move(packet)) {}

  Result<> open() {
    auto opened = open_media(config_.from, OpenRaw{.blank = config_.blank});
    if (!opened) return tl::unexpected(opened.error());
    // The demuxer looks for the first cluster; a file that ends before it holds nothing.
    if (!*opened) return fail(Code::kBadInput, config_.from.string() + ": no frame");
    input_ = std::move(*opened);
    last_ms_.assign(input_->nb_streams, -1);
    packet_.reset(av_packet_alloc());
    return config_.to.empty() ? Result<>() : begin_output();
  }

  Result<bool> step() override {
    if (done_) return true;
    uint64_t bytes = 0;
    for (int n = 0; n < kPacketsAStep && bytes < kBytesAStep; ++n) {
      av_packet_unref(packet_.get());
      // An error in the middle is damage that the demuxer could not pass: what follows is lost.
      if (av_read_frame(input_.get(), packet_.get()) < 0) return finish().map([] { return true; });
      bytes += static_cast<uint64_t>(packet_->size);
      if (auto taken = take(); !taken) return tl::unexpected(taken.error());
    }
    return false;
  }

  double share() const override {
    if (done_) return 1;
    const auto size = static_cast<double>(std::max<int64_t>(avio_size(input_->pb), 1));
    return std::min(static_cast<double>(avio_tell(input_->pb)) / size, 1.0);
  }

 private:
  Result<> begin_output() {
    AVFormatContext* context = nullptr;
    avformat_alloc_output_context2(&context, nullptr, "matroska", nullptr);
    if (context == nullptr) return fail(Code::kInternal, "no muxer for Matroska");
    output_.reset(context);
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
      AVStream* stream = avformat_new_stream(context, nullptr);
      if (stream == nullptr) return fail(Code::kInternal, "no memory for a stream");
      avcodec_parameters_copy(stream->codecpar, input_->streams[i]->codecpar);
      stream->codecpar->codec_tag = 0;
      stream->time_base = AVRational{1, 1000};
    }
    for (const char* key : {"title", "creation_time"}) {
      const AVDictionaryEntry* entry = av_dict_get(input_->metadata, key, nullptr, 0);
      if (entry != nullptr) av_dict_set(&context->metadata, key, entry->value, 0);
    }
    auto file =
        GrowingFile::create({.path = config_.to, .seal_to = config_.seal_to, .replace = true});
    if (!file) return tl::unexpected(file.error());
    file_ = std::move(*file);
    io_ = write_through(*file_, kBufferBytes);
    context->pb = io_.get();
    // A header that cannot be written again was damaged.
    if (const int e = avformat_write_header(context, nullptr); e < 0)
      return file_->failed()
                 ? tl::unexpected(file_->failure())
                 : tl::unexpected(av_failure(Code::kBadInput, config_.from.string(), e));
    headed_ = true;
    return {};
  }

  Result<> take() {
    const auto index = static_cast<size_t>(packet_->stream_index);
    if (index >= last_ms_.size() || packet_->size <= 0 || packet_->pts == AV_NOPTS_VALUE) return {};
    const AVStream& from = *input_->streams[index];
    int64_t ms = av_rescale_q(packet_->pts, from.time_base, AVRational{1, 1000});
    // Where bits were flipped time may go back, or anywhere.
    if (ms < last_ms_[index] || ms < 0 || ms > kMostMs) ms = std::max<int64_t>(last_ms_[index], 0);
    const bool key = (packet_->flags & AV_PKT_FLAG_KEY) != 0;
    const RemuxedPacket told{packet_->stream_index, ms, key, static_cast<uint64_t>(packet_->size)};
    if (output_) {
      AVStream* to = output_->streams[index];
      av_packet_free_side_data(packet_.get());
      packet_->pts = packet_->dts = av_rescale_q(ms, AVRational{1, 1000}, to->time_base);
      packet_->duration = 0;
      packet_->pos = -1;
      const int e = av_write_frame(output_.get(), packet_.get());
      if (file_->failed()) return tl::unexpected(file_->failure());
      if (e < 0) return {};  // the muxer does not take it (an empty NAL unit): no frame
    }
    last_ms_[index] = ms;
    tell_(told);
    return {};
  }

  Result<> finish() {
    done_ = true;
    if (!headed_) return {};
    const int e = av_write_trailer(output_.get());
    avio_flush(io_.get());
    output_.reset();
    if (e < 0 && !file_->failed())
      return tl::unexpected(
          av_failure(Code::kStorage, config_.to.string() + ": cannot write the index", e));
    return file_->end().and_then([&] { return file_->sync(); });
  }

  const RemuxConfig config_;
  std::function<void(const RemuxedPacket&)> tell_;
  AvInput input_;
  std::unique_ptr<GrowingFile> file_;
  AvIo io_;
  std::unique_ptr<AVFormatContext, OutputFreer> output_;
  AvPacket packet_;
  std::vector<int64_t> last_ms_;
  bool headed_ = false;
  bool done_ = false;
};

}  // namespace

Result<std::unique_ptr<Remux>> Remux::open(const RemuxConfig& config,
                                           std::function<void(const RemuxedPacket&)> packet) {
  auto remux = std::make_unique<RemuxImpl>(config, std::move(packet));
  if (auto opened = remux->open(); !opened) return tl::unexpected(opened.error());
  return remux;
}

}  // namespace callbot::recordings
