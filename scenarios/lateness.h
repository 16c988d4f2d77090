// scenarios/lateness.h: could a threshold have failed because the bot itself was late? Then it says
// nothing about the service.
//
// Asked of what is made longer by a bot that is late: delays and other times, freezes, the frame
// rate; and of what its standing still makes smaller, for congestion control takes that for a bad
// network: a picture's size, its likeness, the bit rate. How late the bot was is bot.lateness and
// the senders' send.lateness, both together: p95 of the threshold's window; of a min or a max the
// most around that sample. That is too much (our choices):
//
// * of a time with an upper limit, and of pictures that come after their sound: above a third of
//   the limit and above 15 ms, since up to 10 are usual for the loop, drawing and encoding
//   together;
// * of freezes and the frame rate: above 50 ms;
// * of what became too little: above 250 ms in the 10 s before it.
//
// A time further beyond the limit than three times the lateness (on its way out, between, and in)
// is not explained by it and stays failed.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; where nobody measured how late the bot was, it is not asked.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "scenarios/scenario.h"
#include "scenarios/stats.h"

namespace callbot::scenarios {

// A threshold that does not hold.
struct Missed {
  const Threshold& threshold;
  const Metric& metric;
  double value = 0;
  std::set<std::string> senders;  // whose lateness is in it; empty: everybody's
  TimeWindow window;
  std::optional<int64_t> at_ns;  // of the one sample that did not hold: of a min, a max
};

// Why the bot may be to blame; empty: it is not.
std::string blames_the_bot(const Missed& missed, std::span<const Series* const> series);

}  // namespace callbot::scenarios
