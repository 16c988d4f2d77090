#include "bot/ctl.h"

#include <fmt/core.h>
#include <glib.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/print.h"
#include "base/text.h"
#include "bot/console.h"
#include "bot/control.h"

namespace callbot::bot {
namespace {

std::string word(const Json& object, const char* key) {
  return printable(object.at(key).text().value_or(""), 64);
}

// What stands behind a member's name in the table.
std::string state_of(const Json& member) {
  for (const auto& [key, text] : {std::pair{"refused", "asked not to be recorded"},
                                  {"excluded", "excluded"},
                                  {"paused", "paused"},
                                  {"speaks", "speaks"}})
    if (member.at(key).boolean().value_or(false)) return text;
  return "recorded";
}

std::string size_of(const Json& track) {
  const auto width = track.at("width").whole();
  const auto height = track.at("height").whole();
  return width && height ? fmt::format("{}x{}", *width, *height) : "-";
}

}  // namespace

Json ctl_request(const CtlOptions& o, const std::string& pattern) {
  Json request = Json::object().set("do", o.command);
  request.set_if(!o.member.empty(), "member", o.member);
  request.set_if(o.command == "pause", "policy", o.policy);
  request.set_if(o.command == "mark", "text", o.text);
  request.set_if(!pattern.empty(), "pattern", pattern);
  const bool says_who = o.command == "pause" || o.command == "resume" || o.command == "mark";
  return request.set_if(says_who, "by", std::string(g_get_user_name()).substr(0, 64));
}

std::string status_text(const Json& status) {
  std::string text =
      fmt::format("{}\n{} {}  {:.1f} MB in {}\n", word(status, "folder"),
                  status.at("paused").boolean().value_or(false) ? "paused   " : "recording",
                  clock_text(status.at("duration_ns").whole().value_or(0)),
                  static_cast<double>(status.at("bytes").whole().value_or(0)) / 1e6,
                  counted(status.at("files").size(), "file"));
  std::vector<std::vector<std::string>> members{{"MEMBER", "STATE"}};
  for (size_t i = 0; i < status.at("members").size(); ++i) {
    const Json member = status.at("members").at(i);
    members.push_back({word(member, "name"), state_of(member)});
  }
  for (const std::string& line : table(members)) text += line + "\n";
  std::vector<std::vector<std::string>> tracks{{"TRACK", "MEDIA", "CODEC", "SIZE", "FRAMES"}};
  for (size_t i = 0; i < status.at("tracks").size(); ++i) {
    const Json track = status.at("tracks").at(i);
    tracks.push_back({word(track, "name"), word(track, "media"), word(track, "codec"),
                      size_of(track), std::to_string(track.at("frames").whole().value_or(0))});
  }
  for (const std::string& line : table(tracks)) text += line + "\n";
  text.pop_back();
  return text;
}

ExitStatus run_ctl(const CtlOptions& o) {
  const auto patterns = o.patterns.empty() ? std::vector<std::string>{""} : o.patterns;
  for (const std::string& pattern : patterns) {
    const auto answer = control_request(o.dir, ctl_request(o, pattern));
    if (!answer) return tell(answer.error());
    if (o.json)
      print("{}\n", answer->dump());
    else if (o.command == "status")
      print("{}\n", status_text(*answer));
  }
  return kExitGood;
}

}  // namespace callbot::bot
