// recordings/chapters.h: what happened in a recording as chapters: who joined, who shared a screen,
// and markers.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

#include "recordings/export_file.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct ChapterMark {
  int64_t at_ns = 0;  // from the recording's start
  std::string title;
};

// In order, from 0 to the end without holes; what happened within two seconds is one
// chapter, only a marker is always one of its own.
// Times are of what is left where these spans are cut out.
std::vector<Chapter> chapters_of(const Timeline& timeline,
                                 const std::vector<ChapterMark>& markers = {},
                                 const std::vector<TimeSpan>& cuts = {});

bool is_cut(const std::vector<TimeSpan>& cuts, int64_t time_ns);
// This moment of the recording in what is left; one that is cut out: where the cut is. The spans
// do not overlap.
int64_t without_cuts(const std::vector<TimeSpan>& cuts, int64_t time_ns);

}  // namespace callbot::recordings
