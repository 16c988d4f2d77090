#include "feeds/av.h"

#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "base/log.h"

namespace callbot::feeds {
namespace {

void take_line(void*, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char line[512];
  std::vsnprintf(line, sizeof line, format, arguments);
  std::string text(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  static const Log log("ffmpeg");
  if (!text.empty()) log.debug("{}", text);
}

}  // namespace

Error av_failure(Code code, const std::string& what, int av_error) {
  char words[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(av_error, words, sizeof words);
  return {code, what + ": " + words};
}

void take_av_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(take_line); });
}

}  // namespace callbot::feeds
