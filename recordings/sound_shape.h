// recordings/sound_shape.h: one participant's sound at a glance: its waveform, when it is loud
// enough for speech, and how much was received when.
//
// Thread:  worker; decodes the whole lane.
// Owner:   the caller.
// Fails:   kInterrupted if progress said so; what does not decode is silent.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "base/error.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct SoundShape {
  std::vector<float> peaks;     // 0..1, in each of `columns` equal parts of the recording
  std::vector<TimeSpan> loud;   // louder than -45 dBFS, pauses below 0.7 s bridged
  std::vector<uint64_t> bytes;  // received in each of `rate_columns` equal parts
};

struct SoundShapeConfig {
  size_t columns = 1200, rate_columns = 240;
  int64_t duration_ns = 0;  // of the recording
};

Result<SoundShape> make_sound_shape(const std::filesystem::path& folder,
                                    const std::vector<TimelinePiece>& pieces,
                                    const SoundShapeConfig& config,
                                    const std::function<bool(double)>& progress);

}  // namespace callbot::recordings
