#include "tests/support/well_formed.h"

#include <regex>
#include <set>
#include <vector>

namespace callbot::test {
namespace {

bool is_void(const std::string& name) {
  static const std::set<std::string> empty = {"meta", "link", "img", "br", "input", "hr"};
  return empty.count(name) != 0;
}

// Attributes may be long (pictures), and a regular expression on them slow: without what is quoted.
// Empty: a quote does not end.
std::string without_values(const std::string& tag) {
  std::string out;
  bool quoted = false;
  for (const char c : tag) {
    if (c == '"') quoted = !quoted;
    if (!quoted || c == '"') out += c;
  }
  return quoted ? "" : out;
}

// What is wrong with it; otherwise it closes the last of `open`.
std::string close(const std::string& tag, std::vector<std::string>& open) {
  const std::string name = tag.substr(2, tag.size() - 3);
  if (open.empty() || open.back() != name)
    return tag + " closes " + (open.empty() ? "nothing" : open.back());
  open.pop_back();
  return "";
}

}  // namespace

std::string well_formed(const std::string& page) {
  static const std::regex opening(
      R"re(^<([a-z][a-z0-9]*)((?: [A-Za-z][-A-Za-z]*(?:="[^"<]*")?)*)(/?)>)re");
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag without end: " + page.substr(at, 60);
    const std::string tag = page.substr(at, end - at + 1);
    at = end + 1;
    if (tag == "<!doctype html>") continue;
    if (tag.starts_with("</")) {
      if (std::string wrong = close(tag, open); !wrong.empty()) return wrong;
      continue;
    }
    const std::string short_tag = without_values(tag);
    std::smatch found;
    if (!std::regex_search(short_tag, found, opening)) return "no tag: " + tag.substr(0, 120);
    const std::string name = found[1];
    if (is_void(name) || found[3] == "/") continue;
    open.push_back(name);
    if (name == "script" || name == "style") {
      at = page.find("</" + name + ">", at);
      if (at == std::string::npos) return name + " does not end";
    }
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

}  // namespace callbot::test
