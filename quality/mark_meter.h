// quality/mark_meter.h: what the marks of one picture track say: delay, missing, double, out of
// order, frozen, who it is, whether it may be seen at all (testing: marker metrics).
//
// Where more than 2 % of the decoded pictures cannot be read, what the marks say is invalid.
//
// Thread:  one at a time.
// Owner:   PictureMeter.
// Fails:   never; what cannot be measured says so in its series.
#pragma once

#include <cstdint>
#include <optional>

#include "base/mark_sequence.h"
#include "base/rhythm.h"
#include "base/video_mark.h"
#include "quality/mute.h"
#include "quality/sender.h"
#include "quality/sender_log.h"
#include "quality/series_set.h"
#include "quality/skew_meter.h"

namespace callbot::quality {

// When a frame came and when it would be shown; monotonic_ns().
struct Shown {
  int64_t playout_ns = 0;
  int64_t arrival_ns = 0;  // of its last packet
  int64_t first_arrival_ns = 0;
};

class MarkMeter {
 public:
  // `log` and `skew` may be null.
  MarkMeter(SeriesSet& out, Sender sender, const SenderLog* log, SkewMeter* skew);

  // A decoded picture; no mark: it could not be read.
  void picture(const std::optional<VideoMark>& mark, const Shown& shown, const Mute& mute);
  // Pictures between the last one and the next were not looked at, or the sender was muted.
  void interrupt();
  // No picture came until then, and nobody said that none would.
  void finish(int64_t at_ns);

 private:
  void own(const VideoMark& mark, const Shown& shown, const std::optional<Captured>& captured,
           bool muted);
  void first_time(const Shown& shown, const std::optional<Captured>& captured);
  void judge_reading();
  void still_so_far();
  void never_came(int64_t at_ns);

  SeriesSet& out_;
  const Sender sender_;
  std::optional<uint16_t> source_;
  const SenderLog* log_;
  SkewMeter* skew_;
  MarkSequence sequence_;
  Rhythm rhythm_;
  Still still_;
  uint64_t read_ = 0, unread_ = 0;
  uint64_t bare_ = 0;  // unread since the last that was read
  bool invalid_ = false;
  int64_t delay_ns_ = 0;  // of the last picture whose capture is known, to when it was shown
};

}  // namespace callbot::quality
