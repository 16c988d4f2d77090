// signaling/janus_leg.h: what the two legs of a Janus VideoRoom share.
//
// Thread:  loop.
// Owner:   JanusVideoRoom owns the context; it outlives the legs.
// Fails:   through Context::fail, which ends the whole signaling.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "signaling/janus.h"
#include "signaling/janus_messages.h"
#include "signaling/signaling.h"

namespace callbot::signaling::janus {

struct Context {
  Loop& loop;
  Log log;
  JanusSession& session;
  std::function<LegId()> new_leg;
  // Calls the Events, later and in order; not any more once the signaling is gone.
  std::function<void(std::function<void(Events&)>)> tell;
  std::function<void(const Error&)> fail;
  // Leaves the room with the handle it has and comes back, under the same id, with a fresh one.
  std::function<void()> rejoin;
};

constexpr std::chrono::milliseconds kFirstBackOff{500};
constexpr std::chrono::milliseconds kLongestBackOff{10000};

// Time between attempts that fail: none before the first, then doubling, and none again after a
// connection that lasted.
class BackOff {
 public:
  void connected() { connected_ns_ = monotonic_ns(); }
  std::chrono::milliseconds next() {
    const std::chrono::nanoseconds lasted(monotonic_ns() - connected_ns_.value_or(monotonic_ns()));
    if (lasted > kLongestBackOff) next_ = std::chrono::milliseconds(0);
    connected_ns_.reset();
    const auto now = next_;
    next_ = std::min(kLongestBackOff, now.count() == 0 ? kFirstBackOff : now * 2);
    return now;
  }

 private:
  std::chrono::milliseconds next_{0};
  std::optional<int64_t> connected_ns_;
};

}  // namespace callbot::signaling::janus
