#include "recordings/export_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace callbot::recordings {
namespace {

namespace fs = std::filesystem;

Result<> sync_path(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return fail(Code::kStorage, fmt::format("{}: cannot sync: {}", path.string(), strerror(error)));
}

class AvExportFile final : public ExportFile {
 public:
  explicit AvExportFile(ExportFileConfig config)
      : config_(std::move(config)), part_(config_.path.string() + ".part") {}

  ~AvExportFile() override {
    if (context_ != nullptr) {
      avio_closep(&context_->pb);
      avformat_free_context(context_);
    }
    std::error_code ignored;
    if (!finished_ && opened_) fs::remove(part_, ignored);
  }

  Result<> open(const std::vector<std::unique_ptr<ExportTrack>>& tracks) {
    const std::string url = "file:" + part_.string();
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
    opened_ = true;
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
    if (auto synced = sync_path(part_, O_RDONLY); !synced) return tl::unexpected(synced.error());
    std::error_code error;
    fs::rename(part_, config_.path, error);
    if (error)
      return fail(Code::kStorage,
                  fmt::format("{}: cannot rename: {}", part_.string(), error.message()));
    finished_ = true;
    if (auto synced = sync_path(config_.path.parent_path(), O_RDONLY | O_DIRECTORY); !synced)
      return tl::unexpected(synced.error());
    return fs::file_size(config_.path, error);
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
    if (av_error == AVERROR_EXIT) return {Code::kInterrupted, part_.string() + ": stopped"};
    return av_failure(Code::kStorage, part_.string() + ": " + what, av_error);
  }

  ExportFileConfig config_;
  fs::path part_;
  AVFormatContext* context_ = nullptr;
  std::vector<AVRational> bases_;
  bool opened_ = false, finished_ = false;
};

}  // namespace

Result<std::unique_ptr<ExportFile>> ExportFile::create(
    ExportFileConfig config, const std::vector<std::unique_ptr<ExportTrack>>& tracks) {
  take_av_log();
  auto file = std::make_unique<AvExportFile>(std::move(config));
  if (auto opened = file->open(tracks); !opened) return tl::unexpected(opened.error());
  return file;
}

}  // namespace callbot::recordings
