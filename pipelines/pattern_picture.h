// pipelines/pattern_picture.h: the pictures of the test pattern. Plain arithmetic.
//
// A field in the source's own colour; a clock that tells the time since the beginning, the name,
// the frame number; a ring that fills once a second around a disc that lights up with each chirp; a
// ribbon that glides along the bottom, so that encoders have work and a freeze is seen; and the
// mark of base/video_mark.h along the top. Or slides of text, a new one every four seconds, in
// which nothing but the mark changes meanwhile. The same seed, name, source, size, rate and frame
// number give the same picture, byte for byte.
//
// Thread:  any; one object belongs to one thread.
// Owner:   the test pattern.
// Fails:   create() says kUsage for a size or rate it cannot draw.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/picture_limits.h"
#include "base/video_mark.h"

namespace callbot::pipelines {

struct PictureConfig {
  uint64_t seed = 1;
  uint16_t source = 1;
  std::string name = "callbot";  // UTF-8; what our alphabet lacks is a box
  int width = 1280, height = 720, fps = 30;
  // Where the rate changed to this one: that frame, at that second.
  uint64_t since_frame = 0, since_second = 0;
  bool slides = false;  // of text that stand for seconds, as a shared screen does

  // From that frame on, which begins a second.
  void change_rate(uint64_t frame, int rate) {
    since_second += (frame - since_frame) / static_cast<uint64_t>(fps);
    since_frame = frame;
    fps = rate;
  }
  friend bool operator==(const PictureConfig&, const PictureConfig&) = default;
};

class PatternPicture {
 public:
  static Result<std::unique_ptr<PatternPicture>> create(const PictureConfig& config);
  ~PatternPicture();

  // Frame number `frame`, all of the picture. `chirp`: what the mark says about the sound.
  void draw(uint64_t frame, bool chirp, const PictureView& picture) const;

 private:
  struct Impl;
  explicit PatternPicture(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::pipelines
