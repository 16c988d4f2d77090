// tests/support/vmaf_ffmpeg.h: an FFmpeg that has libvmaf, which Debian's has not: of npm.
//
// Thread:  any; it changes the environment.
// Owner:   the test.
// Fails:   none where it is not installed (it is of x86-64 alone).
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace callbot::test {

inline std::string vmaf_ffmpeg() {
  return CALLBOT_SOURCE_DIR "/tests/e2e/node_modules/node-ffmpeg-linux-x64/ffmpeg";
}

// Which one callbot takes, while it lives.
class FfmpegNamed {
 public:
  explicit FfmpegNamed(const std::string& path) { setenv("CALLBOT_FFMPEG", path.c_str(), 1); }
  ~FfmpegNamed() { unsetenv("CALLBOT_FFMPEG"); }
  FfmpegNamed(const FfmpegNamed&) = delete;
  FfmpegNamed& operator=(const FfmpegNamed&) = delete;
};

}  // namespace callbot::test
