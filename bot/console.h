// bot/console.h: what the program says while it runs: event lines (text or JSON) on standard
// output, and on a terminal a live block below them (a table, a progress bar).
//
// Thread:  loop.
// Owner:   main.
// Fails:   never; output that nobody reads is dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace callbot::bot {

class Console {
 public:
  // `json`: every event is one JSON object a line, and there is no live block. `quiet`: says
  // nothing.
  explicit Console(bool json, bool quiet = false);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // One event: "12:00:01 joined    alice"; as JSON {"time":…,"event":"joined","member":"alice"}.
  void event(std::string_view what, const std::string& text, Json fields = Json::object());
  // A line for people only; nothing in JSON mode.
  void line(const std::string& text);
  // Replaces the live block; nothing where standard output is no terminal.
  void live(const std::vector<std::string>& lines);
  // A progress bar: on a terminal in place, elsewhere a line at every tenth, in JSON an event.
  void progress(std::string_view what, double done);
  void end_progress();

  bool json() const { return json_; }
  bool terminal() const { return terminal_; }

 private:
  void clear_live();

  bool json_, quiet_;
  bool terminal_;
  std::vector<std::string> live_;
  int tenths_ = -1;
};

// Columns that the text takes on a terminal, but for wide characters.
size_t shown_width(std::string_view text);

// A table with aligned columns: the first row is the header.
std::vector<std::string> table(const std::vector<std::vector<std::string>>& rows);

}  // namespace callbot::bot
