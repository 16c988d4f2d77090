// bot/call_pair.h: how two calls of our own begin and end together: the first end of either ends
// both, and `done` comes once, when both are over; and what lies between them.
//
// Thread:  loop.
// Owner:   EchoPair, RatePair.
// Fails:   through `done`: as the first Call::done; kConnect (a call ended by itself).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "base/alive.h"
#include "base/error.h"
#include "base/loop.h"

namespace callbot::bot {

class Call;

// The candidate pair of each end, as PeerStats::selected_pair says; empty: not known.
using Pairs = std::array<std::string, 2>;

// kMachine: from host to host, and all of them are one machine's: no network lies between.
// kServer: neither, but a server on this machine does: what all calls of this machine go over.
enum class CallPath { kUnknown, kMachine, kServer, kNetwork, kTurn };
const char* name_of(CallPath path);
CallPath path_of(const Pairs& pairs);

class CallPair {
 public:
  using Done = std::function<void(Result<>)>;

  CallPair(Loop& loop, Done done);
  // They outlive it.
  void start(const std::array<Call*, 2>& calls);
  // The first one counts; also before start().
  void end(Result<> how);
  // One of them is over.
  void call_done(Result<> how);
  Pairs pairs() const;  // now

 private:
  void finish();

  Loop& loop_;
  Done done_;
  std::array<Call*, 2> calls_{};
  int open_ = 0;
  std::optional<Result<>> outcome_;
  Alive alive_;
};

}  // namespace callbot::bot
