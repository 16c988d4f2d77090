// bot/scenario_page_limits.h: what an actor cannot do who is a real browser on a page.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never; what cannot be is a mistake, with its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/decode.h"

namespace callbot::bot {

// "ws://HOST/rooms/NAME" -> "http://HOST", "NAME"; none: no page joins it.
struct PagePlace {
  std::string page, room;
};
std::optional<PagePlace> page_place_of(const std::string& url);

// All reasons why a browser cannot be this actor; none: it can.
std::vector<scenarios::Mistake> page_mistakes(const scenarios::Scenario& scenario,
                                              const scenarios::Actor& actor);

}  // namespace callbot::bot
