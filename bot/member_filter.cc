#include "bot/member_filter.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/files.h"

namespace callbot::bot {
namespace {

constexpr size_t kLongestPattern = 256;
const std::string kNotIncluded = "not included";
// Where somebody is included from the start, nobody else is.
const MemberFilter::Rule kNobody{"*", false};

// The ']' of the set that begins at `at` (POSIX.1-2017, 2.13.1 and RE bracket expressions, 9.3.5).
size_t end_of_set(const std::string& pattern, size_t at) {
  size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  for (const size_t first = i; i < pattern.size(); ++i) {
    if (pattern[i] == ']' && i > first) return i;
    if (pattern[i] == '\\') ++i;
    if (pattern[i] != '[' || i + 1 >= pattern.size()) continue;
    const char kind = pattern[i + 1];  // of a class: [:digit:]
    if (kind != ':' && kind != '.' && kind != '=') continue;
    const size_t end = pattern.find({kind, ']'}, i + 2);
    if (end != std::string::npos) i = end + 1;
  }
  return std::string::npos;
}

}  // namespace

MemberFilter::MemberFilter(const std::vector<std::string>& include,
                           const std::vector<std::string>& exclude)
    : only_included_(!include.empty()) {
  if (only_included_) rules_.push_back(kNobody);
  for (const std::string& pattern : include) rules_.push_back({pattern, true});
  for (const std::string& pattern : exclude) rules_.push_back({pattern, false});
}

Result<> check_pattern(const std::string& pattern) {
  const auto no = [&](const char* what) {
    return fail(Code::kUsage,
                fmt::format("\"{}\": {}, expected a pattern of * ? [...], such as 'bot-*'",
                            printable(pattern, 64), what));
  };
  if (pattern.empty() || pattern.size() > kLongestPattern) return no("not 1 to 256 bytes");
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size()) return no("nothing behind the last '\\'");
    } else if (pattern[i] == '[') {
      i = end_of_set(pattern, i);
      if (i == std::string::npos) return no("a '[' without its ']' ('\\[' stands for itself)");
    }
  }
  return {};
}

Result<> MemberFilter::add(bool include, const std::string& pattern) {
  if (auto is = check_pattern(pattern); !is) return is;
  take({pattern, include});
  return {};
}

// Said again it is the newest, not one more.
void MemberFilter::take(Rule taken) {
  std::erase_if(rules_, [&](const Rule& rule) { return rule.pattern == taken.pattern; });
  rules_.push_back(std::move(taken));
}

std::vector<MemberFilter::Rule> MemberFilter::go_on(const std::vector<Rule>& before) {
  std::vector<Rule> fresh;
  for (const Rule& rule : std::exchange(rules_, {})) {
    if (std::find(before.begin(), before.end(), rule) == before.end()) fresh.push_back(rule);
  }
  for (const Rule& rule : before) take(rule);
  for (const Rule& rule : fresh) take(rule);
  return fresh;
}

const std::string* MemberFilter::reason(const std::string& name) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (fnmatch(rule->pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0)
      return rule->include                        ? nullptr
             : only_included_ && *rule == kNobody ? &kNotIncluded
                                                  : &rule->pattern;
  }
  return nullptr;
}

}  // namespace callbot::bot
