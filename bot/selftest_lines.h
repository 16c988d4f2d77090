// bot/selftest_lines.h: the part of the selftest that needs a call: bots of our own in a room of
// our own, over lines (network/link.h) that lose and delay packets. What the lines counted is true;
// what the receivers measured of webrtcbin is laid beside it.
//
// Thread:  main's; runs a loop of its own for about 12 s.
// Owner:   the caller.
// Fails:   as the call; kInterrupted where `progress` says so; kUnmeasured where the machine was
// too
//          slow for it three times.
#pragma once

#include <functional>
#include <vector>

#include "base/error.h"
#include "quality/selftest.h"

namespace callbot::bot {

// `progress` is called with the share that is done; false stops.
Result<std::vector<quality::SelftestRow>> selftest_lines(
    const std::function<bool(double)>& progress);

}  // namespace callbot::bot
