#include "bot/console.h"

#include <fmt/core.h>
#include <glib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/files.h"
#include "base/print.h"

namespace callbot::bot {
namespace {

size_t terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string cut(const std::string& text, size_t width) {
  if (shown_width(text) <= width) return text;
  const char* end = g_utf8_offset_to_pointer(text.c_str(), static_cast<glong>(width));
  return text.substr(0, static_cast<size_t>(end - text.c_str()));
}

}  // namespace

size_t shown_width(std::string_view text) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), ascii)) return text.size();
  return static_cast<size_t>(g_utf8_strlen(text.data(), static_cast<gssize>(text.size())));
}

Console::Console(bool json, bool quiet)
    : json_(json), quiet_(quiet), terminal_(!json && !quiet && isatty(STDOUT_FILENO) == 1) {}

Console::~Console() { clear_live(); }

void Console::event(std::string_view what, const std::string& text, Json fields) {
  if (quiet_) return;
  if (json_) {
    Json line = Json::object();
    line.set("time", rfc3339(wall_ns())).set("event", what);
    for (const std::string& key : fields.keys()) line.set(key.c_str(), fields.at(key.c_str()));
    print("{}\n", line.dump());
    flush_output();
    return;
  }
  const auto block = live_;
  clear_live();
  print("{}  {:<11} {}\n", rfc3339(wall_ns()).substr(11, 8), what, printable(text, 400));
  live(block);
  flush_output();
}

void Console::line(const std::string& text) {
  if (json_ || quiet_) return;
  const auto block = live_;
  clear_live();
  print("{}\n", text);
  live(block);
  flush_output();
}

void Console::live(const std::vector<std::string>& lines) {
  if (!terminal_) return;
  clear_live();
  live_ = lines;
  for (const std::string& line : live_) print("{}\n", cut(line, terminal_width() - 1));
  flush_output();
}

void Console::clear_live() {
  if (live_.empty()) return;
  print("\x1b[{}A\x1b[0J", live_.size());  // up, and erase to the end of the screen
  live_.clear();
}

void Console::progress(std::string_view what, double done) {
  done = std::clamp(done, 0.0, 1.0);
  if (terminal_) {
    constexpr int kWidth = 40;
    const int full = static_cast<int>(done * kWidth);
    std::string bar;
    for (int i = 0; i < kWidth; ++i) bar += i < full ? "█" : "░";
    return live({fmt::format("{} {} {:3.0f} %", what, bar, done * 100)});
  }
  const int tenths = static_cast<int>(done * 10);
  if (tenths <= tenths_) return;
  tenths_ = tenths;
  const auto word = what.substr(0, what.find_last_not_of(' ') + 1);  // padded for the bar
  if (json_)
    event("progress", "", Json::object().set("what", word).set("done", done));
  else
    line(fmt::format("{} {:3.0f} %", what, done * 100));
}

void Console::end_progress() {
  tenths_ = -1;
  live({});
}

std::vector<std::string> table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], shown_width(row[i]));
  }
  std::vector<std::string> lines;
  lines.reserve(rows.size());
  for (const auto& row : rows) {
    std::string& line = lines.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - shown_width(row[i]) + 2, ' ');
    }
  }
  return lines;
}

}  // namespace callbot::bot
