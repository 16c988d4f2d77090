// pipelines/switched_pictures.h: the test pattern's pictures as GStreamer buffers, from stretch to
// stretch: another size, frame rate or bitrate from a frame on, exactly.
//
// Thread:  make() the stream's thread; all else the loop.
// Owner:   the test pattern, one for each rendition of its picture; shared with the stream.
// Fails:   create(), add(): kUsage, what PatternPicture cannot draw.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "pipelines/live_stream.h"
#include "pipelines/pattern_picture.h"

namespace callbot::pipelines {

// What holds from frame `at` on.
struct PatternStretch {
  uint64_t at = 0;
  PictureConfig look;
  int bitrate = 0;  // bit/s
};

class SwitchedPictures {
 public:
  // `with_sound`: a chirp belongs to the first frame of each second.
  static Result<std::shared_ptr<SwitchedPictures>> create(const PatternStretch& first,
                                                          bool with_sound);
  ~SwitchedPictures();

  GRef<GstCaps> caps() const { return first_caps_; }  // of the first stretch

  // Paints (milliseconds). It follows what was added before.
  Result<> add(const PatternStretch& next);
  // What was added last, as long as it is not made.
  void withdraw(uint64_t at);

  RawFrame make(uint64_t frame, bool sound_on);

 private:
  class Maker;
  struct Waiting {
    PatternStretch stretch;
    std::unique_ptr<Maker> maker;  // none: as before
  };

  SwitchedPictures(const PatternStretch& first, bool with_sound, std::unique_ptr<Maker> maker);
  void resize_screen(uint64_t frame, GRef<GstCaps>& caps);

  const PictureConfig first_;
  const bool with_sound_;
  const GRef<GstCaps> first_caps_;
  std::unique_ptr<Maker> made_;  // stream's thread
  uint64_t turn_ = 0;            // likewise
  std::mutex mutex_;
  PatternStretch present_;
  std::deque<Waiting> waiting_;
};

}  // namespace callbot::pipelines
