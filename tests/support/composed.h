// tests/support/composed.h: what is to be seen and heard in a composed file.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   as a test failure of what could not be read.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/video_mark.h"
#include "recordings/compose_layout.h"
#include "recordings/export_file.h"

namespace callbot::test {

// One decoded frame of 4:2:0.
struct Shown {
  int number = 0;
  int width = 0, height = 0;
  std::vector<uint8_t> luma;

  std::optional<VideoMark> mark(const recordings::Rect& at) const;
  double mean(const recordings::Rect& at) const;
};

// Every frame of a video, in order.
void each_frame(const std::filesystem::path& path, const std::function<void(const Shown&)>& look);
std::vector<recordings::Chapter> chapters_in(const std::filesystem::path& path);
// MD5 of all raw frames and samples.
std::string fingerprint(const std::filesystem::path& path);

}  // namespace callbot::test
