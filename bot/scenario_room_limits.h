// bot/scenario_room_limits.h: what cannot be done or awaited in a room whose protocol has no way to
// say it.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; what cannot be is a mistake, with its place.
#pragma once

#include <vector>

#include "scenarios/decode.h"

namespace callbot::bot {

std::vector<scenarios::Mistake> room_mistakes(const scenarios::Scenario& scenario);

}  // namespace callbot::bot
