// bot/scenario_recovery.h: how long a stream took to be as it was after a change of its receiver's
// network or its sender's (recovery_time), of the delays of its frames. Plain arithmetic.
//
// What it was: delay (median) and rate of frames in up to 5 s before the first change, and again
// before each one by which it had recovered. Recovered: the first second in which nine frames of
// ten come again and their median delay is no more than a tenth and 10 ms longer (what an idle
// machine adds by itself); the time from the change to that second's beginning counts, known at its
// end. After the last change, where it never comes: the time until the run ended, or the stream did
// since its sender or its receiver went, which is how long it took at least.
//
// A long run keeps no old samples (base/folding.h): look() takes them while they are there.
//
// Thread:  one at a time.
// Owner:   the caller.
// Fails:   an unmeasured series says why.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/metric.h"

namespace callbot::bot {

class Recovery {
 public:
  // Each in order; monotonic_ns().
  struct Course {
    std::vector<int64_t> changes, stops;
  };
  // `delay`: video.e2e_delay of one stream, of which all until `until_ns` is measured; `course`:
  // all of it each time.
  void look(const Series& delay, const Course& course, int64_t until_ns);
  // If the run ended then.
  Series series(const Series& delay, const Course& course, int64_t ended_ns) const;

  struct State {
    double delay = 0, rate = 0;  // s, frames a second
  };

 private:
  size_t change_ = 0;   // that is looked at
  bool begun_ = false;  // with it
  std::optional<State> usual_;
  bool recovered_ = true;
  int64_t at_ns_ = 0;
  std::vector<Sample> samples_;
};

// Of all streams that one actor receives.
class Recoveries {
 public:
  // Of the actor's own network, or this sender's; in the order of time.
  void own_changed(int64_t at_ns) { own_.push_back(at_ns); }
  void changed(const std::string& sender, int64_t at_ns) { of_senders_[sender].push_back(at_ns); }
  // A sender's stream, or all of its (empty), or of all senders (both empty).
  void stopped(const std::string& sender, const std::string& stream, int64_t at_ns) {
    stops_.push_back({{sender, stream}, at_ns});
  }
  void look(const std::vector<Series>& measured, int64_t until_ns);
  std::vector<Series> series(const std::vector<Series>& measured, int64_t ended_ns) const;

 private:
  using Key = std::pair<std::string, std::string>;  // sender and stream
  Recovery::Course course_of(const Series& delay) const;

  std::vector<int64_t> own_;
  std::map<std::string, std::vector<int64_t>> of_senders_;
  std::vector<std::pair<Key, int64_t>> stops_;
  std::map<Key, Recovery> recoveries_;
};

Series recovery_of(const Series& delay, const Recovery::Course& course, int64_t ended_ns);

}  // namespace callbot::bot
