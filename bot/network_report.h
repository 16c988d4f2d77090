// bot/network_report.h: what the impaired network of a call really did, for people and as JSON.
//
// Thread:  loop.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "bot/call.h"
#include "bot/console.h"
#include "network/link.h"

namespace callbot::bot {

// One direction: packets in, out and dropped by reason, delay, and what the relay itself did wrong.
Json json_of(const network::WayStats& way);
std::string text_of(const network::WayStats& way);

// Each phase: its conditions, since when, and whether their effect is observed.
Json json_of(const std::vector<network::Phase>& phases);
// `path`: is it proved that everything went over the link? Then it takes that the effect of each
// phase is observed. Tells what was seen, and what could not show; kUnmeasured: the first phase of
// which something is not proved.
Result<std::string> network_proved(const std::vector<network::Phase>& phases, Result<> path);

// The event "network" of a call that has a link, before it is left: conditions, seed, both
// directions, and whether it is proved that they were in force.
void say_network(Console& console, const std::string& who, const Call& call);

}  // namespace callbot::bot
