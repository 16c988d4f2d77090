// quality/file_skew.h: sound against picture in a file: which of a sound's chirps belong to a
// sender's frames. Plain arithmetic.
//
// A mix holds the chirps of several senders. Those of one lie at one distance from its frames, and
// go in the directions that its frames say: the distance is looked for that most frames have such a
// chirp at, from the nearest outwards, up to 7 s; nine of ten of the chirps there have to go right.
// Who is muted for long has few of them.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   nullopt where there is no such distance.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "quality/marked_file.h"

namespace callbot::quality {

struct FileFlash {
  double time = 0;
  uint32_t counter = 0;
};

// Both in order of time; `source` is that of the frames. All that can be told is its.
std::optional<HeardSound> file_sound(uint16_t source, const std::vector<FileFlash>& flashes,
                                     const std::vector<FileChirp>& chirps);
// Most of its frames have their chirp in it.
bool has_most(const HeardSound& sound, size_t flashes);
// Where it has most.
std::optional<SkewStatistics> file_skew(uint16_t source, const std::vector<FileFlash>& flashes,
                                        const std::vector<FileChirp>& chirps);

}  // namespace callbot::quality
