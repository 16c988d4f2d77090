// bot/scenario_tracks.h: the tracks of a call as a scenario means them: what each carries now, and
// which of them is the one that comes.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <vector>

#include "bot/call.h"

namespace callbot::bot {

// A page has one video for its camera and its screen, and says which of them it is to the room.
TrackInfo as_it_is(TrackInfo track, const std::vector<signaling::Member>& members);

// As they are, without those whose place another one has taken: the same stream in another codec.
std::vector<CallTrack> tracks_now(std::vector<CallTrack> tracks,
                                  const std::vector<signaling::Member>& members);

}  // namespace callbot::bot
