#include "feeds/input_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace callbot::feeds {
namespace {

constexpr int kReadBytes = 1 << 16;
constexpr int kLook_ms = 100;  // how often a wait looks whether it is to give up
constexpr const char* kExpected =
    "expected a media file that FFmpeg reads (mkv, webm, mp4, y4m, wav, ogg, png, jpg ...)";

}  // namespace

struct InputFile::Io {
  Io(Descriptor given, Stop given_stop) : file(std::move(given)), stop(std::move(given_stop)) {
    struct stat about {};
    if (fstat(file.get(), &about) == 0 && S_ISREG(about.st_mode)) size = about.st_size;
  }
  ~Io() { close(); }

  void close() {
    if (context == nullptr) return;
    av_freep(&context->buffer);
    avio_context_free(&context);
  }
  void open() {
    close();
    at = 0;
    context = avio_alloc_context(static_cast<uint8_t*>(av_malloc(kReadBytes)), kReadBytes, 0, this,
                                 &Io::read, nullptr, size >= 0 ? &Io::seek : nullptr);
  }

  bool stopped() const { return *stop; }
  // A pipe is waited for, until somebody interrupts.
  bool wait() const {
    pollfd input = {file.get(), POLLIN, 0};
    while (!stopped() && poll(&input, 1, kLook_ms) <= 0) {
    }
    return !stopped();
  }
  static int read(void* self, uint8_t* bytes, int most) {
    auto& io = *static_cast<Io*>(self);
    if (io.size < 0 && !io.wait()) return AVERROR_EXIT;
    ssize_t got = 0;
    do {
      got = io.size >= 0 ? pread(io.file.get(), bytes, static_cast<size_t>(most), io.at)
                         : ::read(io.file.get(), bytes, static_cast<size_t>(most));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return AVERROR(errno);
    io.at += got;
    return got == 0 ? AVERROR_EOF : static_cast<int>(got);
  }
  static int64_t seek(void* self, int64_t to, int whence) {
    auto& io = *static_cast<Io*>(self);
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE) return io.size;
    if (whence == SEEK_CUR) to += io.at;
    if (whence == SEEK_END) to += io.size;
    return to < 0 ? AVERROR(EINVAL) : io.at = to;
  }

  Descriptor file;
  int64_t size = -1;  // below 0: not a file, so it can only be read on
  int64_t at = 0;
  const Stop stop;
  AVIOContext* context = nullptr;
};

InputFile::InputFile(Descriptor file, std::string name, Stop stop)
    : name_(std::move(name)), io_(std::make_unique<Io>(std::move(file), std::move(stop))) {}

InputFile::~InputFile() { close(); }

void InputFile::close() { avformat_close_input(&format_); }

Result<std::unique_ptr<InputFile>> InputFile::open(const fs::path& path) {
  auto file = open_file(path);
  if (!file) return tl::unexpected(file.error());
  return from(std::move(*file), path.string());
}

Result<std::unique_ptr<InputFile>> InputFile::from(Descriptor file, std::string name, Stop stop) {
  take_av_log();
  if (!stop) stop = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<InputFile> input(
      new InputFile(std::move(file), std::move(name), std::move(stop)));
  if (input->io_->size == 0)
    return fail(Code::kBadInput, fmt::format("{}: is empty; {}", input->name_, kExpected));
  if (auto open = input->demux(true); !open) return tl::unexpected(open.error());
  return input;
}

Result<> InputFile::demux(bool look_into) {
  close();
  io_->open();
  format_ = avformat_alloc_context();
  format_->pb = io_->context;
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  // Whatever a file names (playlists do), nothing else is opened.
  format_->io_open = [](AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
    return AVERROR(EPERM);
  };
  if (io_->size < 0) format_->max_analyze_duration = AV_TIME_BASE;  // live: no long looks ahead
  if (const int got = avformat_open_input(&format_, nullptr, nullptr, nullptr); got < 0) {
    if (io_->stopped()) return fail(Code::kInterrupted, name_ + ": interrupted");
    return fail(Code::kBadInput,
                fmt::format("{}; {}", av_failure(Code::kBadInput, name_, got).message, kExpected));
  }
  if (look_into) {
    if (const int got = avformat_find_stream_info(format_, nullptr); got < 0)
      return tl::unexpected(av_failure(Code::kBadInput, name_, got));
    if (best(AVMEDIA_TYPE_VIDEO) == nullptr && best(AVMEDIA_TYPE_AUDIO) == nullptr)
      return fail(Code::kBadInput,
                  fmt::format("{}: has neither picture nor sound; {}", name_, kExpected));
  }
  return {};
}

const AVStream* InputFile::best(AVMediaType type) const {
  const int at = av_find_best_stream(format_, type, -1, -1, nullptr, 0);
  if (at < 0) return nullptr;
  const AVStream* stream = format_->streams[at];
  const AVCodecParameters& codec = *stream->codecpar;
  if ((stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) return nullptr;  // a cover
  if (codec.codec_id == AV_CODEC_ID_NONE || codec.codec_id == AV_CODEC_ID_ANSI) return nullptr;
  if (type == AVMEDIA_TYPE_VIDEO && (codec.width <= 0 || codec.height <= 0)) return nullptr;
  if (type == AVMEDIA_TYPE_AUDIO && codec.sample_rate <= 0) return nullptr;
  return stream;
}

Result<bool> InputFile::read(AVPacket& packet) {
  av_packet_unref(&packet);
  const int got = av_read_frame(format_, &packet);
  if (io_->stopped()) return fail(Code::kInterrupted, name_ + ": interrupted");
  if (got == AVERROR_EOF) return false;
  if (got < 0) return tl::unexpected(av_failure(Code::kBadInput, name_, got));
  return true;
}

Result<> InputFile::rewind() {
  // These say all in their headers; of others the streams would not even be there yet.
  const std::string name = format_->iformat->name;
  return demux(name != "nut" && name != "matroska,webm" && name != "wav" && name != "ogg" &&
               !name.starts_with("mov,"));
}

Result<std::string> InputFile::sha256(const std::function<bool(double)>& progress) const {
  const std::unique_ptr<GChecksum, Freer<&g_checksum_free>> sum(g_checksum_new(G_CHECKSUM_SHA256));
  std::vector<uint8_t> bytes(1 << 20);
  for (int64_t at = 0;;) {
    const ssize_t got = pread(io_->file.get(), bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return storage_failure(name_, "read");
    if (got == 0) return std::string(g_checksum_get_string(sum.get()));
    g_checksum_update(sum.get(), bytes.data(), got);
    at += got;
    if (progress && !progress(static_cast<double>(at) / static_cast<double>(io_->size)))
      return fail(Code::kInterrupted, name_ + ": interrupted");
  }
}

double InputFile::done() const {
  return io_->size > 0 ? static_cast<double>(io_->at) / static_cast<double>(io_->size) : 0;
}

void InputFile::interrupt() { *io_->stop = true; }

}  // namespace callbot::feeds
