// tests/support/pattern_file.h: marked pictures and chirps as files for a browser's camera and
// microphone.
//
// Thread:  any.
// Owner:   the caller's folder.
// Fails:   aborts the test program.
#pragma once

#include <cstdint>
#include <filesystem>

namespace callbot::test {

struct PictureFile {
  int width = 320, height = 180, fps = 30, frames = 60;
  uint16_t source = 77;
};

// By its ending: .y4m, or .mjpeg.
std::filesystem::path write_pictures(const std::filesystem::path& path,
                                     const PictureFile& what = {});
// A chirp at the beginning of every second, 48 kHz mono.
std::filesystem::path write_chirps(const std::filesystem::path& path, int seconds = 2);

}  // namespace callbot::test
