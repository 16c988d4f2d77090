// base/text.h: words for people, and a text's words.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callbot {

// "1 gap", "2 gaps"; `many` where an "s" is not all: "finding fails", "findings fail".
std::string counted(uint64_t n, std::string_view one, std::string_view many = {});

// "a b  c" -> {"a", "b", "c"}: views of the text; runs of spaces count as one.
std::vector<std::string_view> words_of(std::string_view text);

}  // namespace callbot
