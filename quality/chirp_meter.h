// quality/chirp_meter.h: what the chirps of one sound track say: delay, missing, double.
//
// Which chirp it was: of those that the sender's log says were captured before it came, the one
// whose delay is nearest to that of the chirp before, if it went in that direction. The first eight
// decide together: the shortest delay that makes all of their directions right. So do eight from
// one on that does not fit, at the delay there was; at another one, and after chirps of somebody
// else, it takes fifteen. Delays of up to 7 s are told apart so. Without a log, and as long as it
// does not know the sender, chirps count from the first one by their distance, and have no delay.
//
// A page's chirps have no numbers (SenderLog::chirp_before): they count by their distance, and have
// the delay of the last one that it had sent and that went that way, if that is below a second,
// once the page has told of it.
//
// A chirp whose number is known was captured when the log says: that decides whether it leaked from
// a muted sender, else its arrival does, after the grace. Where one chirp after the other fits no
// number of the sender's they are somebody else's: directions say whose they are (chirp_place).
//
// Thread:  one at a time.
// Owner:   SoundMeter, of what a bot hears; bot::PageListener, of what a page hears.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "quality/mute.h"
#include "quality/sender.h"
#include "quality/sender_log.h"
#include "quality/series_set.h"
#include "quality/skew_meter.h"

namespace callbot::quality {

struct HeardChirp {
  bool up = false;
  int64_t playout_ns = 0;  // of its beginning, the codec's delay taken off; monotonic_ns()
  int64_t arrival_ns = 0;  // of the packet that it begins in, or of the next one that came
  int64_t rtp_ns = 0;      // its place in the stream
  double position = 0;     // its place in what was decoded
};

class ChirpMeter {
 public:
  // `log` and `skew` may be null.
  ChirpMeter(SeriesSet& out, Sender sender, const SenderLog* log, SkewMeter* skew);

  void chirp(const HeardChirp& heard, const Mute& mute);
  // Told of each chirp whose number the sender's log says.
  std::function<void(int64_t number, const HeardChirp& heard)> on_number = {};
  // Told of each that is somebody else's.
  std::function<void(const HeardChirp& heard)> on_stranger = {};
  // Nothing came until then, and nobody said that nothing would. How many chirps that were due.
  int64_t finish(int64_t at_ns);
  // Nothing was listened to since the last one, or the sender was muted; what waits is decided.
  void interrupt();

 private:
  struct Heard {
    HeardChirp chirp;
    Mute mute;  // as it was then
  };
  struct Candidate {
    int64_t number = 0;
    Captured captured;
  };
  bool has_log() const;
  bool is_told_later() const;
  void take_told();
  void delayed(const HeardChirp& chirp, const Captured& captured);
  std::optional<int64_t> newest_before(int64_t at_ns) const;
  std::optional<Captured> capture_of(int64_t number) const;
  std::optional<Candidate> shifted(const HeardChirp& heard, int shift) const;
  std::optional<Candidate> with_delay(const HeardChirp& heard, double delay) const;
  static double delay_of(const HeardChirp& heard, const Candidate& candidate);
  bool is_sure(double delay) const;  // what is undecided has it
  enum class Fit { kNone, kUnsure, kPlaced };
  Fit place_all();  // those that are undecided
  void decide(bool now);
  void forget_undecided();
  void place(const Heard& heard, const Candidate& candidate);
  void unplaced(const Heard& heard);
  void strange(const Heard& heard);
  void judge_mute(const Heard& heard, std::optional<int64_t> captured_ns);
  void place_by_distance(const Heard& heard);
  void number(int64_t number, const HeardChirp& heard);

  SeriesSet& out_;
  const Sender sender_;
  const SenderLog* log_;
  SkewMeter* skew_;
  std::deque<Heard> undecided_;
  std::vector<HeardChirp> strange_;       // the newest, one after the other; too few to be sure
  bool doubt_ = false, foreign_ = false;  // some, or enough of them, fitted nothing lately
  std::optional<double> delay_;           // of the last one, seconds
  std::optional<int64_t> highest_;        // number
  std::optional<int64_t> last_rtp_ns_;
  bool by_distance_ = false;
  std::deque<HeardChirp> untold_;  // of a page; the newest
};

}  // namespace callbot::quality
