#include "bot/member_filter.h"

#include <fnmatch.h>

#include <algorithm>

namespace callbot::bot {
namespace {

constexpr size_t kLongestPattern = 256;
const std::string kNotIncluded = "not included";
// Where somebody is included from the start, nobody else is.
const MemberFilter::Rule kNobody{"*", false};

}  // namespace

MemberFilter::MemberFilter(const std::vector<std::string>& include,
                           const std::vector<std::string>& exclude)
    : only_included_(!include.empty()) {
  if (only_included_) rules_.push_back(kNobody);
  for (const std::string& pattern : include) rules_.push_back({pattern, true});
  for (const std::string& pattern : exclude) rules_.push_back({pattern, false});
}

Result<> MemberFilter::add(bool include, const std::string& pattern) {
  if (pattern.empty() || pattern.size() > kLongestPattern)
    return fail(Code::kUsage, "expected a pattern of 1 to 256 bytes, such as 'bot-*'");
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
