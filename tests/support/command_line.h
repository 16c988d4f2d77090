// tests/support/command_line.h: what the program makes of a command line.
//
// Thread:  any.
// Owner:   plain values.
// Fails:   options(): the test, where the command line is refused.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "bot/cli.h"

namespace callbot::bot {

inline Result<std::variant<Invocation, HelpText>> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "callbot");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

template <class Options>
Options options(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().message;
    return {};
  }
  return std::get<Options>(std::get<Invocation>(*parsed).verb);
}

inline std::string complaint(const std::vector<const char*>& words) {
  auto parsed = parse(words);
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, Code::kUsage);
  return parsed.error().message;
}

}  // namespace callbot::bot
