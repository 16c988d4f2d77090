// network/effect.h: did conditions really do to packets what they say? Judges what a link has
// counted while they lasted.
//
// That the path leads over the link at all is Relay::verified()'s question. Both together are the
// proof; without one of them a test under these conditions has tested nothing.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   kUnmeasured: no effect is seen, too few packets to see one, or the relay was at fault:
//          it lost packets, or let them go late.
#pragma once

#include "base/error.h"
#include "network/link.h"

namespace callbot::network {

// Of each direction that is not clean at least one effect has to be seen, and of none may it be
// seen that it is not there.
Result<> effect_observed(const Phase& phase);

}  // namespace callbot::network
