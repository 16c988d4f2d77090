// tests/support/faulty_call.h: a call of a minute in which much goes wrong, for the report to show.
//
//   alice   well; speaks with pauses
//   bob     muted for a while, then on a bad line: loss, made-up sound, a wait for a key frame;
//   leaves carol   too loud, then frozen, black, and for a while a small picture mallory a name
//   that is meant to harm the page; never makes a sound, has no picture
//
// Thread:  one.
// Owner:   the test.
// Fails:   as Feed.
#pragma once

#include <string>

#include "tests/support/feed.h"

namespace callbot::test {

constexpr double kFaultySeconds = 60;

// A script, a bidi mark, 10,000 characters.
std::string hostile_name();

// Into this feed; run it for kFaultySeconds.
void add_faulty_call(Feed& feed);

}  // namespace callbot::test
