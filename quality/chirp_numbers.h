// quality/chirp_numbers.h: which chirps of the sequence those of one sound are, from the directions
// they go in alone. Plain arithmetic.
//
// Fifteen in a row without a hole say their place (base/audio_mark.h), or twenty of a row in which
// some were read wrong. Shorter rows count on from the nearest such ones, where all of theirs go as
// they should then.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never; of what cannot be told nothing is said.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "quality/marked_file.h"

namespace callbot::quality {

// Times by places, each where it is first; `chirps` in order of time.
std::map<uint32_t, double> chirp_places(const std::vector<FileChirp>& chirps);
// The number that the chirp at a place has as a source's.
uint32_t chirp_number(uint16_t source, uint32_t place);

}  // namespace callbot::quality
