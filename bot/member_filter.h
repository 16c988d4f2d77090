// bot/member_filter.h: who is to be recorded, by name: patterns that include and exclude.
//
// A pattern is a shell's (glob(7): * ? [...]), without regard to case. The last one that fits a
// name decides; a name that none fits is recorded, unless there were patterns to include from the
// start.
//
// Thread:  one.
// Owner:   Record.
// Fails:   add(): kUsage for a pattern that is empty or too long.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace callbot::bot {

class MemberFilter {
 public:
  MemberFilter() = default;
  MemberFilter(const std::vector<std::string>& include, const std::vector<std::string>& exclude);

  Result<> add(bool include, const std::string& pattern);
  bool wants(const std::string& name) const { return !reason(name); }
  // Why it is left out: the pattern.
  const std::string* reason(const std::string& name) const;

 private:
  struct Rule {
    std::string pattern;
    bool include;
  };
  std::vector<Rule> rules_;
  bool only_included_ = false;
};

}  // namespace callbot::bot
