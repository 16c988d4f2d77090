// tests/support/raw_media.h: marked pictures and sound as raw files, and ffmpeg to make of them
// what other people's recorders make.
//
// Thread:  one.
// Owner:   plain functions.
// Fails:   the test, if ffmpeg does.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/audio_mark.h"
#include "base/video_mark.h"

namespace callbot::test {

struct RawVideo {
  int width = 640, height = 360, fps = 30, frames = 90;
  uint16_t source = 1;
  uint32_t first = 0;
  // The mark of picture n instead of the usual one; none: no mark.
  std::function<std::optional<VideoMark>(int n)> mark = {};
};

inline void write_y4m(const std::filesystem::path& path, const RawVideo& v) {
  std::ofstream out(path, std::ios::binary);
  out << "YUV4MPEG2 W" << v.width << " H" << v.height << " F" << v.fps << ":1 Ip A1:1 C420jpeg\n";
  const size_t pixels = static_cast<size_t>(v.width) * static_cast<size_t>(v.height);
  std::vector<uint8_t> picture(pixels * 3 / 2, 128);
  for (int n = 0; n < v.frames; ++n) {
    for (int y = 0; y < v.height; ++y)
      for (int x = 0; x < v.width; ++x)
        picture[static_cast<size_t>(y) * static_cast<size_t>(v.width) + static_cast<size_t>(x)] =
            static_cast<uint8_t>(50 + (x / 3 + y / 2 + n * 4 + v.source * 31) % 120);
    const uint32_t counter = v.first + static_cast<uint32_t>(n);
    const auto mark =
        v.mark ? v.mark(n)
               : VideoMark{counter, v.source,
                           static_cast<uint8_t>(counter % static_cast<uint32_t>(v.fps) == 0)};
    const auto width = static_cast<size_t>(v.width);
    uint8_t* chroma = picture.data() + pixels;
    if (mark)
      write_video_mark(
          {picture.data(), width, chroma, chroma + pixels / 4, width / 2, v.width, v.height},
          *mark);
    out << "FRAME\n";
    out.write(reinterpret_cast<const char*>(picture.data()),
              static_cast<std::streamsize>(picture.size()));
  }
}

// 16 bit, mono, 48 kHz, no header; ffmpeg -f s16le -ar 48000 -ac 1.
inline void write_pcm(const std::filesystem::path& path, int seconds, uint64_t first = 0) {
  std::vector<float> samples(static_cast<size_t>(seconds) * kMarkSampleRate);
  for (int n = 0; n < seconds; ++n)
    add_chirp(
        std::span(samples).subspan(static_cast<size_t>(n) * kChirpPeriodSamples, kChirpSamples),
        first + static_cast<uint64_t>(n));
  std::ofstream out(path, std::ios::binary);
  for (const float v : samples) {
    const auto value = static_cast<int16_t>(v * 32767);
    out.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
}

inline void ffmpeg(const std::string& arguments) {
  const std::string command = "ffmpeg -nostdin -v error -y " + arguments;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace callbot::test
