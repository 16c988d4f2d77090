// quality/compared_marks.h: the marked pictures and chirps of two files against each other, number
// by number: what was sent and what came, what came and what somebody recorded.
//
// A sender is compared in the stream that has most of its numbers, each number where it is first:
// what was played again and again is compared by its first round, and where a file begins within a
// round, by two. A chirp's number is that of the picture it goes with; in a sound that goes with no
// picture the directions say it (quality/chirp_numbers.h), as those of the sender of the other file
// that most of them fit, or of nobody known: then it is the place in the sequence.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   never; for pictures both files were read with Pictures::kEach.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "quality/marked_file.h"

namespace callbot::quality {

struct Numbers {
  uint32_t first = 0, last = 0;
};

struct ComparedSource {
  std::optional<uint16_t> source;   // none: a sound of nobody known
  const char* what = "picture";     // or "chirp"
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
std::vector<ComparedSource> compare_chirps(const MarkedFile& earlier, const MarkedFile& later);

std::string to_text(const ComparedSource& compared);
Json to_json(const ComparedSource& compared);

}  // namespace callbot::quality
