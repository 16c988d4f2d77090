// quality/compared_marks.h: the marked pictures of two files against each other, number by number:
// what was sent and what came, what came and what somebody recorded.
//
// A sender is compared in the stream that shows most of its numbers, each number where it is shown
// first: what was played again and again is compared by its first round, and where a file begins
// within a round, by two.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   never; both files were read with Pictures::kEach.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "quality/marked_file.h"

namespace callbot::quality {

struct Numbers {
  uint32_t first = 0, last = 0;
};

struct ComparedSource {
  uint16_t source = 0;
  uint64_t earlier = 0, later = 0;  // different numbers in each file
  Numbers span;                     // in the later file, from the lowest to the highest
  uint64_t common = 0;
  uint64_t missing = 0, added = 0;  // the earlier file's that the later has not, and so on
  std::vector<Numbers> gaps;        // of the missing ones, within `span`
  uint64_t before = 0, after = 0;   // missing ones outside of it
  // Time in the later file less that in the earlier, s: the median; what is furthest below and
  // above it, less the median.
  double shift = 0, least = 0, most = 0;
};

std::vector<ComparedSource> compare_marks(const MarkedFile& earlier, const MarkedFile& later);

std::string to_text(const ComparedSource& compared);
Json to_json(const ComparedSource& compared);

}  // namespace callbot::quality
