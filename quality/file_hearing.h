// quality/file_hearing.h: is one of those seen in a file heard in a span of it? Plain arithmetic.
//
// Its chirps are those that go with its pictures (quality/file_skew.h). That there are none is
// known only where none of them can have been taken for another's, or hidden by it.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never; says what is not known.
#pragma once

#include <string>
#include <vector>

#include "quality/marked_file.h"

namespace callbot::quality {

struct Hearing {
  std::vector<double> chirps;  // its, in order of time
  std::string unknown;         // none is known to be its: why one may be all the same
};
Hearing hearing_of(const MarkedFile& file, const MarkedSource& source, const Stretch& span);

// "1 chirp", "4 chirps".
std::string chirps_text(size_t count);

}  // namespace callbot::quality
