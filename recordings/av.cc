#include "recordings/av.h"

#include <array>
#include <cstdio>
#include <mutex>

#include "base/files.h"
#include "base/log.h"

namespace callbot::recordings {
namespace {

void log_line(void*, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING || !Log::shows(LogLevel::kDebug)) return;
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string text(line.data());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  log_from_library(LogLevel::kDebug, "ffmpeg", std::move(text));
}

#if LIBAVFORMAT_VERSION_MAJOR < 61
using WriteBytes = uint8_t;
#else
using WriteBytes = const uint8_t;
#endif

constexpr int kReadBytes = 32 * 1024;

// What FFmpeg reads a sealed file through.
struct OpenFile {
  std::unique_ptr<ReadableFile> file;
  uint64_t position = 0;
  std::optional<Error> error = {};

  static int read(void* self, uint8_t* to, int size) {
    auto& f = *static_cast<OpenFile*>(self);
    const auto got = f.file->read(f.position, {to, static_cast<size_t>(size)});
    if (!got) {
      f.error = got.error();
      return AVERROR(EIO);
    }
    f.position += *got;
    return *got == 0 ? AVERROR_EOF : static_cast<int>(*got);
  }
  static int64_t seek(void* self, int64_t offset, int whence) {
    auto& f = *static_cast<OpenFile*>(self);
    if ((whence & AVSEEK_SIZE) != 0) return static_cast<int64_t>(f.file->size());
    if ((whence & ~AVSEEK_FORCE) == SEEK_CUR) offset += static_cast<int64_t>(f.position);
    if ((whence & ~AVSEEK_FORCE) == SEEK_END) offset += static_cast<int64_t>(f.file->size());
    if (offset < 0) return AVERROR(EINVAL);
    f.position = static_cast<uint64_t>(offset);
    return offset;
  }
};

}  // namespace

Error av_failure(Code code, const std::string& what, int av_error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(av_error, text.data(), text.size());
  return Error{code, what + ": " + text.data()};
}

void take_av_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(log_line); });
}

AvResampler open_resampler(const AVFrame& like, int channels, int rate, Stretches stretches) {
  AVChannelLayout to = {};
  av_channel_layout_default(&to, channels);
  AVChannelLayout given = like.ch_layout;  // native order: nothing to free
  SwrContext* context = nullptr;
  swr_alloc_set_opts2(&context, &to, AV_SAMPLE_FMT_FLT, rate, &given,
                      static_cast<AVSampleFormat>(like.format), like.sample_rate, 0, nullptr);
  AvResampler resampler(context);
  if (!resampler) return nullptr;
  if (stretches == Stretches::kYes) av_opt_set_int(context, "flags", SWR_FLAG_RESAMPLE, 0);
  if (given.nb_channels <= 2 && channels <= 2 && given.nb_channels != channels) {
    const double each = channels == 1 ? 0.5 : 1.0;
    swr_set_matrix(context, std::array{each, each}.data(), given.nb_channels);
  } else {
    av_opt_set_double(context, "rematrix_maxval", 1.0, 0);
  }
  if (swr_init(context) < 0) resampler.reset();
  return resampler;
}

void AvIoFreer::operator()(AVIOContext* io) const {
  av_freep(&io->buffer);
  avio_context_free(&io);
}

void AvInputFreer::operator()(AVFormatContext* input) const {
  const bool ours = (input->flags & AVFMT_FLAG_CUSTOM_IO) != 0;
  const AvIo io(ours ? input->pb : nullptr);
  const std::unique_ptr<OpenFile> file(io ? static_cast<OpenFile*>(io->opaque) : nullptr);
  avformat_close_input(&input);
}

Result<AvInput> open_media(const std::filesystem::path& path, const std::optional<OpenRaw>& raw) {
  take_av_log();
  // FFmpeg would wait for a FIFO for ever.
  if (auto there = open_file(path, Links::kRefuse); !there)
    return fail(Code::kBadInput, there.error().message);
  AVFormatContext* opened = avformat_alloc_context();
  if (opened == nullptr) return fail(Code::kInternal, "no memory for a file");
  AVDictionary* options = nullptr;
  if (raw) opened->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
  std::unique_ptr<OpenFile> file;
  AvIo io;
  if (is_sealed(path)) {
    auto readable = ReadableFile::open(path, raw ? raw->damaged : Damaged::kRefuse);
    if (!readable) {
      avformat_free_context(opened);
      return tl::unexpected(readable.error());
    }
    if (raw) (*readable)->blank(raw->blank);
    file = std::make_unique<OpenFile>(OpenFile{.file = std::move(*readable)});
    auto* buffer = static_cast<uint8_t*>(av_malloc(kReadBytes));
    io.reset(avio_alloc_context(buffer, kReadBytes, 0, file.get(), &OpenFile::read, nullptr,
                                &OpenFile::seek));
    opened->pb = io.get();
    opened->flags |= AVFMT_FLAG_CUSTOM_IO;
  }
  if (raw || io) av_dict_set(&options, "format_whitelist", "matroska", 0);
  // "file:" keeps FFmpeg from reading a name such as "concat:..." as a protocol.
  const int result =
      avformat_open_input(&opened, ("file:" + path.string()).c_str(), nullptr, &options);
  av_dict_free(&options);
  const bool damaged = file && file->error;
  if (damaged && result < 0) return tl::unexpected(*file->error);
  if (result == AVERROR_EOF) return AvInput();
  if (result < 0) return tl::unexpected(av_failure(Code::kBadInput, path.string(), result));
  (void)io.release();  // the input's now
  (void)file.release();
  return AvInput(opened);
}

AvIo write_through(GrowingFile& file, int buffer_bytes) {
  auto* buffer = static_cast<uint8_t*>(av_malloc(static_cast<size_t>(buffer_bytes)));
  return AvIo(avio_alloc_context(
      buffer, buffer_bytes, 1, &file, nullptr,
      [](void* to, WriteBytes* bytes, int size) {
        auto& out = *static_cast<GrowingFile*>(to);
        return out.write({bytes, static_cast<size_t>(size)}) ? size : AVERROR(EIO);
      },
      [](void* to, int64_t offset, int whence) {
        auto& out = *static_cast<GrowingFile*>(to);
        if ((whence & AVSEEK_SIZE) != 0) return static_cast<int64_t>(out.size());
        return out.seek(offset, whence & ~AVSEEK_FORCE);
      }));
}

}  // namespace callbot::recordings
