// scenarios/nearest.h: what somebody may have meant.
//
// Thread:  any; pure.
// Owner:   nobody.
// Fails:   never.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace callbot::scenarios {

// ", did you mean \"count\"?", or else ", expected one of a, b, c" where that is no long list; "".
std::string suggestion(std::string_view word, std::span<const std::string_view> known);
// Letters added, left out, changed, or changed places with the next (optimal string alignment).
size_t edits(std::string_view a, std::string_view b);

}  // namespace callbot::scenarios
