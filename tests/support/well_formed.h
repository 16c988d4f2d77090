// tests/support/well_formed.h: are the tags of a page balanced, and its attributes quoted?
//
// Thread:  any.
// Owner:   nobody; a function.
// Fails:   through what it returns: the first mistake, empty if there is none.
#pragma once

#include <string>

namespace callbot::test {

std::string well_formed(const std::string& page);

}  // namespace callbot::test
