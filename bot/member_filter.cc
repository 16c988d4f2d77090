#include "bot/member_filter.h"

#include <fnmatch.h>

namespace callbot::bot {
namespace {

constexpr size_t kLongestPattern = 256;
const std::string kNotIncluded = "not included";

}  // namespace

MemberFilter::MemberFilter(const std::vector<std::string>& include,
                           const std::vector<std::string>& exclude)
    : only_included_(!include.empty()) {
  for (const std::string& pattern : include) rules_.push_back({pattern, true});
  for (const std::string& pattern : exclude) rules_.push_back({pattern, false});
}

Result<> MemberFilter::add(bool include, const std::string& pattern) {
  if (pattern.empty() || pattern.size() > kLongestPattern)
    return fail(Code::kUsage, "expected a pattern of 1 to 256 bytes, such as 'bot-*'");
  // Said again it is the newest, not one more.
  std::erase_if(rules_, [&](const Rule& rule) { return rule.pattern == pattern; });
  rules_.push_back({pattern, include});
  return {};
}

const std::string* MemberFilter::reason(const std::string& name) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (fnmatch(rule->pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0)
      return rule->include ? nullptr : &rule->pattern;
  }
  return only_included_ ? &kNotIncluded : nullptr;
}

}  // namespace callbot::bot
