// base/log.h: one ordered log stream for callbot, GLib, libsoup, libnice and GStreamer.
//
// Thread:  any.
// Owner:   a Log is a cheap value; the stream behind it lives as long as the process.
// Fails:   never; a log that cannot be written is dropped.
//
// Log lines go to standard error, as text or as JSON lines. Tokens and ICE passwords are replaced
// by "***" here, in one place.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace callbot {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

struct LogConfig {
  LogLevel level = LogLevel::kWarning;
  bool json = false;
};

class Log {
 public:
  Log() = default;
  explicit Log(std::string path) : path_(std::move(path)) {}
  // "call room1" -> "call room1: peer bob"
  Log child(std::string_view name) const;

  template <class... A>
  void debug(fmt::format_string<A...> format, A&&... args) const {
    write(LogLevel::kDebug, format, std::forward<A>(args)...);
  }
  template <class... A>
  void info(fmt::format_string<A...> format, A&&... args) const {
    write(LogLevel::kInfo, format, std::forward<A>(args)...);
  }
  template <class... A>
  void warn(fmt::format_string<A...> format, A&&... args) const {
    write(LogLevel::kWarning, format, std::forward<A>(args)...);
  }
  template <class... A>
  void error(fmt::format_string<A...> format, A&&... args) const {
    write(LogLevel::kError, format, std::forward<A>(args)...);
  }
  const std::string& path() const { return path_; }

  // Once, at start; also takes in GLib's log.
  static void configure(LogConfig config);
  // Never shown again: a token, a password.
  static void hide(std::string secret);
  static bool shows(LogLevel level);

 private:
  template <class... A>
  void write(LogLevel level, fmt::format_string<A...> format, A&&... args) const {
    if (shows(level)) put(level, path_, fmt::format(format, std::forward<A>(args)...));
  }
  static void put(LogLevel level, const std::string& path, std::string text);
  friend void log_from_library(LogLevel, const std::string&, std::string);

  std::string path_;
};

// For the one place in pipelines/ that takes in GStreamer's log.
void log_from_library(LogLevel level, const std::string& library, std::string text);

}  // namespace callbot
