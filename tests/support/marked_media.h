// tests/support/marked_media.h: encoded pictures and sound with marks, made in the test.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   aborts the test program: an encoder that is not there is no finding.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/video_mark.h"

namespace callbot::test {

struct EncodedFrame {
  std::vector<uint8_t> bytes;
  bool key = false;
  int64_t rtp_time = 0;  // from 0, in 1/clock_rate s
  int64_t time_ns = 0;   // from 0
  bool after_gap = false;
};
using EncodedFrames = std::vector<EncodedFrame>;

struct VideoRecipe {
  std::string codec = "vp8";  // vp8, vp9, h264, h265
  int width = 320, height = 180;
  int fps = 30;
  int frames = 90;
  int key_every = 1000;
  bool marked = true;
  uint32_t first_counter = 0;
  uint16_t source = 1;
  // Changes picture n before its mark is written.
  std::function<void(const PictureView&, int n)> paint = {};
  // The mark of picture n instead of the usual one; none: the picture stays as painted.
  std::function<std::optional<VideoMark>(int n)> mark = {};
};

// Little work for encoder and decoder; its marks are read.
inline VideoRecipe small_video(int frames) {
  return {.width = 192, .height = 108, .frames = frames};
}

struct AudioRecipe {
  std::string codec = "opus";  // opus, pcmu, pcma, g722
  double seconds = 3;
  bool marked = true;
  uint64_t first_chirp = 0;
  double tone = 0.05;  // level of a 300 Hz tone below the chirps; 0: none
  // Changes 20 ms of samples (48 kHz) that begin at this second.
  std::function<void(std::vector<float>&, double second)> change = {};
};

EncodedFrames make_video(const VideoRecipe& recipe);
EncodedFrames make_audio(const AudioRecipe& recipe);
// A hole: none that begins at `from_ns` or after, and before `to_ns`.
EncodedFrames without(EncodedFrames frames, int64_t from_ns, int64_t to_ns);

// As it comes from a call, with bytes of its own.
Frame arrived(const EncodedFrame& frame, int64_t at_ns);

TrackInfo video_track(TrackId id, const std::string& participant, const std::string& codec = "vp8");
TrackInfo audio_track(TrackId id, const std::string& participant,
                      const std::string& codec = "opus");

}  // namespace callbot::test
