// recordings/cuts.h: what a pause cuts out of what is made of a recording, and where the rest lies.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recordings/timeline.h"

namespace callbot::recordings {

// The pauses that are to be cut out: of everybody, and where one is named of this participant. In
// order, without overlaps.
std::vector<TimeSpan> cuts_of(const Manifest& manifest, int64_t end_ns,
                              const std::string& participant = "");

// This one too.
std::vector<TimeSpan> with_cut(std::vector<TimeSpan> cuts, TimeSpan more);

// All that follows takes such spans.
bool is_cut(const std::vector<TimeSpan>& cuts, int64_t time_ns);
// This moment of the recording in what is left; one that is cut out: where the cut is.
int64_t without_cuts(const std::vector<TimeSpan>& cuts, int64_t time_ns);

}  // namespace callbot::recordings
