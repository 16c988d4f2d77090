#include "recordings/export_file.h"

#include <cstring>

#include "base/clock.h"
#include "base/part_file.h"

namespace callbot::recordings {
namespace {

namespace fs = std::filesystem;

class AvExportFile final : public ExportFile {
 public:
  AvExportFile(ExportFileConfig config, PartFile part)
      : config_(std::move(config)), part_(std::move(part)) {}

  ~AvExportFile() override {
    if (context_ != nullptr) {
      avio_closep(&context_->pb);
      avformat_free_context(context_);
    }
  }

  Result<> open(const std::vector<std::unique_ptr<ExportTrack>>& tracks) {
    const std::string url = "file:" + part_.path().string();
    int done =
        avformat_alloc_output_context2(&context_, nullptr, config_.format->muxer, url.c_str());
    if (done < 0) return tl::unexpected(problem("cannot begin", done));
    context_->flags |= AVFMT_FLAG_BITEXACT;  // the same input gives the same file
    // MP4 and Ogg keep sound that begins before 0, by what its decoder leaves out; export_format.h
    // says what becomes of it in Matroska.
    context_->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    context_->interrupt_callback = {&AvExportFile::asked, this};
    av_dict_set(&context_->metadata, "title", config_.title.c_str(), 0);
    av_dict_set(&context_->metadata, "creation_time", rfc3339(config_.start_wall_ns).c_str(), 0);
    for (const auto& track : tracks) {
      if (!add(*track)) return tl::unexpected(problem("cannot add a stream", AVERROR(ENOMEM)));
    }
    add_chapters();
    done = avio_open2(&context_->pb, url.c_str(), AVIO_FLAG_WRITE, &context_->interrupt_callback,
                      nullptr);
    if (done < 0) return tl::unexpected(problem("cannot create", done));
    AVDictionary* options = nullptr;
    av_dict_parse_string(&options, config_.format->options, "=", ":", 0);
    done = avformat_write_header(context_, &options);
    av_dict_free(&options);
    if (done < 0) return tl::unexpected(problem("cannot write the header", done));
    return {};
  }

  Result<> write(size_t track, AvPacket packet) override {
    packet->stream_index = static_cast<int>(track);
    packet->pos = -1;
    av_packet_rescale_ts(packet.get(), bases_[track], context_->streams[track]->time_base);
    const int done = av_write_frame(context_, packet.get());
    if (done < 0 || context_->pb->error < 0)
      return tl::unexpected(
          problem("cannot write", context_->pb->error < 0 ? context_->pb->error : done));
    return {};
  }

  Result<uint64_t> finish() override {
    int done = av_write_trailer(context_);
    if (context_->pb->error < 0) done = context_->pb->error;
    if (done < 0) return tl::unexpected(problem("cannot write the index", done));
    const int closed = avio_closep(&context_->pb);
    if (closed < 0) return tl::unexpected(problem("cannot write", closed));
    const uint64_t bytes = size_of(part_.path());
    return part_.put_in_place().map([&] { return bytes; });
  }

 private:
  static int asked(void* self) {
    const auto& stopped = static_cast<AvExportFile*>(self)->config_.stopped;
    return stopped && stopped() ? 1 : 0;
  }

  bool add(const ExportTrack& track) {
    AVStream* stream = avformat_new_stream(context_, nullptr);
    if (stream == nullptr || avcodec_parameters_copy(stream->codecpar, &track.parameters()) < 0)
      return false;
    // A tag is for MP4 alone.
    if (std::strcmp(config_.format->muxer, "mp4") != 0) stream->codecpar->codec_tag = 0;
    stream->time_base = track.time_base();
    stream->disposition = AV_DISPOSITION_DEFAULT;
    bases_.push_back(track.time_base());
    return true;
  }

  void add_chapters() {
    const size_t count = config_.chapters.size();
    if (count == 0) return;
    context_->chapters = static_cast<AVChapter**>(av_calloc(count, sizeof(AVChapter*)));
    for (const Chapter& c : config_.chapters) {
      auto* chapter = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
      chapter->id = static_cast<int>(context_->nb_chapters) + 1;
      chapter->time_base = {1, 1'000'000'000};
      chapter->start = c.from_ns;
      chapter->end = c.to_ns;
      av_dict_set(&chapter->metadata, "title", c.title.c_str(), 0);
      context_->chapters[context_->nb_chapters++] = chapter;
    }
  }

  Error problem(const char* what, int av_error) const {
    if (av_error == AVERROR_EXIT) return {Code::kInterrupted, config_.path.string() + ": stopped"};
    return av_failure(Code::kStorage, config_.path.string() + ": " + what, av_error);
  }

  ExportFileConfig config_;
  PartFile part_;
  AVFormatContext* context_ = nullptr;
  std::vector<AVRational> bases_;
};

}  // namespace

Result<std::unique_ptr<ExportFile>> ExportFile::create(
    ExportFileConfig config, const std::vector<std::unique_ptr<ExportTrack>>& tracks) {
  take_av_log();
  auto part = PartFile::create(config.path);
  if (!part) return tl::unexpected(part.error());
  auto file = std::make_unique<AvExportFile>(std::move(config), std::move(*part));
  if (auto opened = file->open(tracks); !opened) return tl::unexpected(opened.error());
  return file;
}

}  // namespace callbot::recordings
