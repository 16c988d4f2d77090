// bot/network_report.h: what the impaired network of a call really did, for people and as JSON.
//
// Thread:  loop.
// Owner:   nobody; free functions.
// Fails:   never.
#pragma once

#include <string>

#include "base/json.h"
#include "bot/call.h"
#include "bot/console.h"
#include "network/link.h"

namespace callbot::bot {

// One direction: packets in, out and dropped by reason, delay, and what the relay itself did wrong.
Json json_of(const network::WayStats& way);
std::string text_of(const network::WayStats& way);

// The event "network" of a call that has a link, before it is left: conditions, both directions,
// and whether it is proved that all media went over it.
void say_network(Console& console, const std::string& who, const Call& call);

}  // namespace callbot::bot
