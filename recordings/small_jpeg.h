// recordings/small_jpeg.h: a decoded picture as a small JPEG.
//
// Thread:  any.
// Owner:   nobody; a function.
// Fails:   kInternal with FFmpeg's words.
#pragma once

#include <string>

#include "base/error.h"
#include "recordings/av.h"

namespace callbot::recordings {

struct SmallJpeg {
  int width = 0, height = 0;
  std::string bytes;
};

// Fits into width x height; never enlarged.
Result<SmallJpeg> small_jpeg(const AVFrame& picture, int width, int height);

}  // namespace callbot::recordings
