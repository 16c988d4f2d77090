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

// In order, from 0 to the end without holes; what happened within two seconds is one chapter, only
// a marker is always one of its own. Times are of what is left without the cuts.
// What was marked while it was recorded.
std::vector<ChapterMark> marks_of(const Manifest& manifest);

std::vector<Chapter> chapters_of(const Timeline& timeline,
                                 const std::vector<ChapterMark>& markers = {},
                                 const std::vector<TimeSpan>& cuts = {});

}  // namespace callbot::recordings
