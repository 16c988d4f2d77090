// quality/rehearsal.h: frames handed to a Watch as a call would, on a clock of its own, in no time.
// For measuring what was made on purpose: the selftest, and tests.
//
// Thread:  one, and no other in the process may ask for the time meanwhile (base/clock.h,
// FakeClock). Owner:   the caller. Fails:   as the Watcher does: never, so far.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "quality/watcher.h"

namespace callbot::quality {

constexpr int64_t kRehearsal_ns = 1'000'000'000'000;  // monotonic_ns() of its beginning
// The time of a second of it, before its beginning below 0.
int64_t rehearsal_ns(double second);

struct RehearsedTrack {
  TrackInfo info;
  // In the order of their RTP times, with their arrivals. Those that come earlier than one before
  // them wait for it, as behind a jitterbuffer.
  std::vector<Frame> frames;
  std::optional<double> end = {};  // second; none: with the rehearsal
  bool dies = false;  // frames were to come until then; false: the sender stopped, and said so
};

class Rehearsal {
 public:
  void add(RehearsedTrack track) { tracks_.push_back(std::move(track)); }
  void at(double second, std::function<void()> happens);
  // Everything until that second, and a beat every 50 ms.
  Result<> run(Watch& watch, double seconds);

 private:
  struct Step {
    int64_t at_ns = 0;
    int order = 0;  // of what happens at the same time
    std::function<Result<>()> act;
  };
  std::vector<Step> steps(Watch& watch, FrameWriter& writer, int64_t end_ns) const;

  std::vector<RehearsedTrack> tracks_;
  std::vector<std::pair<int64_t, std::function<void()>>> events_;
};

}  // namespace callbot::quality
