// pipelines/far_peer.h: lets ICE connect over a path with a long round trip.
//
// libnice (0.1.21, conncheck.c) forgets a connectivity check at its first timeout, 500 ms, where
// another check of the pair followed, and each check of the other end's brings one about. So over a
// round trip of more than that no answer is ever known. A check's timeout is the pacing timer Ta
// (RFC 8445, 14.3) times the pairs that wait or are in progress. While checks go on unanswered Ta
// is made longer now and then, for moments: checks that begin then wait 1.5 s and more for their
// answer. Only for moments, because on a line that loses much long timeouts take long. libnice
// paces by the Ta that was there when its checks began.
//
// Thread:  loop.
// Owner:   Transport.
// Fails:   never.
#pragma once

#include <glib-object.h>

#include <functional>
#include <optional>

#include "base/gref.h"
#include "base/loop.h"

namespace callbot::pipelines {

// The pacing timer of libnice's agents (NICE_AGENT_TIMER_TA_DEFAULT).
constexpr guint kUsualTa_ms = 20;

// The one stream of a bundle in libnice's agent (a NiceAgent).
struct IceStream {
  GRef<GObject> agent;
  guint stream = 0;
};

class FarPeer {
 public:
  // Asked each time, so that the agent is nobody's here; nothing: it is gone.
  using Find = std::function<std::optional<IceStream>()>;
  explicit FarPeer(Find find) : find_(std::move(find)) {}
  void checks_began();
  void connected();

 private:
  void wait_longer();
  void as_usual();

  const Find find_;
  bool changed_ = false;
  Timer timer_;
};

}  // namespace callbot::pipelines
