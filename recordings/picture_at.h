// recordings/picture_at.h: the picture that a participant showed at a time, small.
//
// Thread:  worker; reads the lane until then and decodes from the last key frame on.
// Owner:   nobody; a function.
// Fails:   as LanePictures and small_jpeg.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.h"
#include "recordings/small_jpeg.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

// `time_ns` from the recording's start. None: nothing was shown yet.
Result<std::optional<SmallJpeg>> picture_at(const std::filesystem::path& folder,
                                            const std::vector<TimelinePiece>& video,
                                            int64_t time_ns, int width, int height);

}  // namespace callbot::recordings
