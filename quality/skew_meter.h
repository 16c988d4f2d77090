// quality/skew_meter.h: sound against picture, from chirps and the frames they begin with.
//
//   av.skew  = playout of chirp n - playout of the frame that it begins with; positive: sound is
//              late. Where they were captured at different times (a page's camera and microphone),
//              less what they were apart then.
//   av.drift = its slope over all pairs (least squares), from 10 pairs over 10 s on
//
// A chirp that was captured at a known time belongs to the frame that was captured then, whatever
// the frame rate is by now. One of which it is not known belongs to the nearest marked frame within
// half a second, if its direction is that frame's.
//
// Thread:  one at a time.
// Owner:   the watcher, one for each member.
// Fails:   never; what belongs to nothing makes no pair.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "quality/series_set.h"

namespace callbot::quality {

class SkewMeter {
 public:
  // `fps` of the sender's pattern; 0: as the frames themselves say.
  SkewMeter(SeriesSet& out, int fps) : out_(out), fps_(fps) {}

  // The frame of a source that a chirp belongs to.
  void flash(uint16_t source, int64_t counter, std::optional<int64_t> captured_ns,
             int64_t playout_ns);
  // `uncertainty_ns`: of when it was captured.
  void chirp(bool up, std::optional<int64_t> captured_ns, int64_t playout_ns,
             int64_t uncertainty_ns = 0);

 private:
  struct Flash {
    uint16_t source;
    int64_t counter;
    std::optional<int64_t> captured_ns;
    int64_t at_ns;
  };
  struct Chirp {
    bool up;
    std::optional<int64_t> captured_ns;
    int64_t at_ns;
  };
  void pair_up();
  bool belong(const Flash& flash, const Chirp& chirp) const;
  void found(const Flash& flash, const Chirp& chirp);

  SeriesSet& out_;
  int64_t fps_;
  std::optional<int64_t> last_flash_;
  std::deque<Flash> flashes_;
  std::deque<Chirp> chirps_;
  // Least squares, seconds from the first pair.
  int64_t first_ns_ = 0;
  double n_ = 0, t_ = 0, s_ = 0, tt_ = 0, ts_ = 0, last_ = 0;
};

}  // namespace callbot::quality
