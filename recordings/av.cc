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

Result<AvInput> open_media(const std::filesystem::path& path) {
  take_av_log();
  // FFmpeg would wait for a FIFO for ever.
  if (auto file = open_file(path, Links::kRefuse); !file)
    return fail(Code::kBadInput, file.error().message);
  // "file:" keeps FFmpeg from reading a name such as "concat:..." as a protocol.
  AVFormatContext* opened = nullptr;
  const int result =
      avformat_open_input(&opened, ("file:" + path.string()).c_str(), nullptr, nullptr);
  AvInput input(opened);
  if (result == AVERROR_EOF) return AvInput();
  if (result < 0) return tl::unexpected(av_failure(Code::kBadInput, path.string(), result));
  return input;
}

}  // namespace callbot::recordings
