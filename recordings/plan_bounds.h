// recordings/plan_bounds.h: what is refused before it is begun: a file that would fill the disk.
//
// A date that was damaged makes a recording a year long; its sound would be a year of silence.
//
// Thread:  worker; opens media only where a plan is suspiciously long.
// Owner:   the caller.
// Fails:   kBadInput: much longer than its media; kStorage: more than there is room for.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "recordings/manifest.h"

namespace callbot::recordings {

// How long after its last media a recording may go on: somebody waits in an empty room overnight.
constexpr int64_t kMostAfterMediaNs = 24LL * 3600 * 1'000'000'000;

// `end_ns`: where the plan ends, from the recording's start.
Result<> check_length(const std::filesystem::path& folder, const Manifest& manifest,
                      int64_t end_ns);
// Raw samples, whose size is known before: `bytes` are to be written into the folder `out`.
Result<> check_space(const std::filesystem::path& out, int64_t bytes);
// 16 bits at 48 kHz.
int64_t pcm_bytes(int64_t duration_ns, int channels);

}  // namespace callbot::recordings
