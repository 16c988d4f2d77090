// bot/member_filter.h: who is to be recorded, by name: patterns that include and exclude.
//
// A pattern is a shell's (glob(7): * ? [...]), without regard to case. The last one that fits a
// name decides; a name that none fits is recorded, unless there were patterns to include from the
// start.
//
// Thread:  one.
// Owner:   Record.
// Fails:   add(): kUsage for what is no pattern.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/asked.h"

namespace callbot::bot {

// Whether it is one: kUsage for one that is empty or too long, for a '[' without its ']', and for a
// '\' at the end. fnmatch(3) takes these as they stand, so that they fit hardly anybody.
Result<> check_pattern(const std::string& pattern);

class MemberFilter {
 public:
  MemberFilter() = default;
  MemberFilter(const std::vector<std::string>& include, const std::vector<std::string>& exclude);

  using Rule = recordings::Asked::Rule;
  const std::vector<Rule>& rules() const { return rules_; }
  // The recording goes on: what was said before holds, in its order, and of our own rules those
  // that are new come behind it. These are returned.
  std::vector<Rule> go_on(const std::vector<Rule>& before);
  Result<> add(bool include, const std::string& pattern);
  bool wants(const std::string& name) const { return !reason(name); }
  // Why it is left out: the pattern.
  const std::string* reason(const std::string& name) const;

 private:
  void take(Rule rule);
  std::vector<Rule> rules_;
  bool only_included_ = false;
};

}  // namespace callbot::bot
