#include "recordings/av.h"

#include <array>
#include <cstdio>
#include <mutex>

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

}  // namespace callbot::recordings
