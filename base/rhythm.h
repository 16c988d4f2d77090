// base/rhythm.h: intervals between frames, freezes and pauses. Plain arithmetic.
//
// A freeze (W3C webrtc-stats, freezeCount and totalFreezesDuration) is an interval of at least
// max(3 avg, avg + 150 ms), avg being the mean of the last 30 intervals; before there are 5 of them
// nothing is called a freeze (as libwebrtc does). A pause (pauseCount) is one of more than 5 s; it
// is a freeze as well. Both are known when the frame after them comes, or when it is known that one
// should have (to_the_end); where frames go on coming, the same again and again, by Still.
//
// Thread:  one at a time.
// Owner:   a meter.
// Fails:   never.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

namespace callbot {

class Rhythm {
 public:
  struct Interval {
    int64_t begin_ns = 0;
    double seconds = 0;
    bool freeze = false, pause = false;
  };
  // None for the first frame.
  std::optional<Interval> add(int64_t at_ns);
  // No frame came since the last one, and until now there should have been: none unless that is a
  // freeze or a pause.
  std::optional<Interval> to_the_end(int64_t now_ns) const;
  // The next frame is a first one: the sender was muted, or nobody looked.
  void interrupt() { last_ns_.reset(); }
  // The mean of the last intervals, in seconds; none: they are too few.
  std::optional<double> mean() const;

 private:
  Interval since_last(int64_t now_ns) const;

  std::optional<int64_t> last_ns_;
  std::deque<double> intervals_;
  double sum_ = 0;
};

// By arrivals: what has to wait for the frame before it comes with that one.
class ArrivalRhythm {
 public:
  std::optional<Rhythm::Interval> add(int64_t at_ns) {
    newest_ns_ = std::max(newest_ns_, at_ns);
    return rhythm_.add(newest_ns_);
  }
  std::optional<Rhythm::Interval> to_the_end(int64_t now_ns) const {
    return rhythm_.to_the_end(now_ns);
  }
  void interrupt() { rhythm_.interrupt(); }

 private:
  Rhythm rhythm_;
  int64_t newest_ns_ = 0;
};

// A picture that stands still while its frames go on coming: the same one again and again.
class Still {
 public:
  void begin(int64_t at_ns);  // a new picture
  void again(int64_t at_ns);
  void forget() { again_ = 0; }
  // From the new picture to the last that was the same, where that is a freeze for frames that come
  // as often as these, and for pictures that changed as often as those before (`rhythm`).
  std::optional<Rhythm::Interval> freeze(const Rhythm& rhythm) const;

 private:
  int64_t begin_ns_ = 0, last_ns_ = 0;
  int again_ = 0;
};

// Frames in each whole second since the first one (8 ms before it, to be exact).
class PerSecond {
 public:
  struct Second {
    int64_t end_ns = 0;
    int frames = 0;
  };
  // A frame; the seconds that ended before it, oldest first.
  std::deque<Second> add(int64_t at_ns);
  // Time passes without a frame.
  std::deque<Second> pass(int64_t now_ns);
  void interrupt() { end_ns_ = 0; }

 private:
  int64_t end_ns_ = 0;  // of the running second; 0: none runs
  int frames_ = 0;
};

}  // namespace callbot
