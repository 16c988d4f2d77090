// base/captured.h: when a marked frame or a chirp was captured. A value.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>

namespace callbot {

struct Captured {
  int64_t at_ns = 0;           // monotonic_ns()
  int64_t uncertainty_ns = 0;  // plus or minus
};

}  // namespace callbot
