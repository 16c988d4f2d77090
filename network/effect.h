// network/effect.h: did conditions really do to packets what they say? Judges what a link has
// counted while they lasted, each wanted effect by itself: loss proves no jitter.
//
// That the path leads over the link at all is Relay::verified()'s question. Both together are the
// proof; without one of them a test under these conditions has tested nothing.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   kUnmeasured: an effect that had to show did not, none at all could be seen, or the relay
//          was at fault: it lost packets, or let them go late.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "network/link.h"

namespace callbot::network {

// Of one direction, a few words or a sentence each.
struct WayEffects {
  bool wanted = false;  // it is not clean
  std::vector<std::string> seen;
  std::vector<std::string> missing;  // it had to show, and did not; or the relay was at fault
  std::vector<std::string> hidden;   // too rare to be seen in this time, or nothing came for it
};
struct Effects {
  WayEffects up, down;
};
Effects effects_of(const Phase& phase);
// "seen: delay (up), random loss (down); could not show: down: 90 packets are too few to see a
// copy"; empty: nothing was wanted.
std::string text_of(const Effects& effects);

// Nothing is missing; what could not show may be there.
Result<> none_missing(const Effects& effects);
// Nothing is missing, and of each direction that is not clean something was seen.
Result<> effect_observed(const Effects& effects);
Result<> effect_observed(const Phase& phase);

}  // namespace callbot::network
