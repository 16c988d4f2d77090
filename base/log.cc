#include "base/log.h"

#include <glib.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <mutex>
#include <regex>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"

namespace callbot {
namespace {

struct Stream {
  std::atomic<LogLevel> level{LogLevel::kWarning};
  std::atomic<bool> json{false};
  std::mutex secrets_mutex;
  std::vector<std::string> secrets;
  std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "callbot", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
};

Stream& stream() {
  static auto* the = new Stream;  // never destroyed: other threads log until the very end
  return *the;
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      break;
  }
  return "off";
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    default:
      return spdlog::level::err;
  }
}

// Registered secrets, ICE passwords (RFC 8839), and what stands behind token= in a URL.
std::string without_secrets(std::string text) {
  {
    std::lock_guard lock(stream().secrets_mutex);
    for (const std::string& secret : stream().secrets) {
      for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
        text.replace(at, secret.size(), "***");
    }
  }
  if (text.find("ice-pwd") == std::string::npos && text.find("token=") == std::string::npos &&
      text.find("Bearer ") == std::string::npos)
    return text;
  static const std::regex shapes(R"((ice-pwd:|[?&]token=|Bearer )[^\s&"]+)");
  return std::regex_replace(text, shapes, "$1***");
}

GLogWriterOutput from_glib(GLogLevelFlags flags, const GLogField* fields, gsize count, gpointer) {
  std::string domain = "GLib";
  std::string message;
  for (gsize i = 0; i < count; ++i) {
    const char* value = static_cast<const char*>(fields[i].value);
    if (g_strcmp0(fields[i].key, "GLIB_DOMAIN") == 0) domain = value;
    if (g_strcmp0(fields[i].key, "MESSAGE") == 0)
      message = fields[i].length < 0 ? std::string(value)
                                     : std::string(value, static_cast<size_t>(fields[i].length));
  }
  const LogLevel level = (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0
                             ? LogLevel::kError
                         : (flags & G_LOG_LEVEL_WARNING) != 0 ? LogLevel::kWarning
                         : (flags & G_LOG_LEVEL_MESSAGE) != 0 ? LogLevel::kInfo
                                                              : LogLevel::kDebug;
  log_from_library(level, domain, message);
  return G_LOG_WRITER_HANDLED;
}

}  // namespace

Log Log::child(std::string_view name) const {
  return Log(path_.empty() ? std::string(name) : path_ + ": " + std::string(name));
}

void Log::configure(LogConfig config) {
  stream().level = config.level;
  stream().json = config.json;
  static std::once_flag once;
  std::call_once(once, [] { g_log_set_writer_func(from_glib, nullptr, nullptr); });
}

void Log::hide(std::string secret) {
  if (secret.empty()) return;
  std::lock_guard lock(stream().secrets_mutex);
  stream().secrets.push_back(std::move(secret));
}

bool Log::shows(LogLevel level) { return level >= stream().level.load(); }

void Log::put(LogLevel level, const std::string& path, std::string text) {
  text = printable(without_secrets(std::move(text)), 4000);
  const std::string time = rfc3339(wall_ns());
  std::string line;
  if (stream().json) {
    line = Json::object()
               .set("time", time)
               .set("level", name_of(level))
               .set("at", path)
               .set("message", text)
               .dump();
  } else {
    line = fmt::format("{} {:7} {}{}{}", time.substr(11, 12), name_of(level), path,
                       path.empty() ? "" : ": ", text);
  }
  stream().logger->log(to_spdlog(level), "{}", line);
}

void log_from_library(LogLevel level, const std::string& library, std::string text) {
  if (Log::shows(level)) Log::put(level, library, std::move(text));
}

}  // namespace callbot
