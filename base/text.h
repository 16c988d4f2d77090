// base/text.h: words for people.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace callbot {

// "1 gap", "2 gaps"; `many` where an "s" is not all: "finding fails", "findings fail".
std::string counted(uint64_t n, std::string_view one, std::string_view many = {});

}  // namespace callbot
