// bot/call_pair.h: how two calls of our own begin and end together: the first end of either ends
// both, and `done` comes once, when both are over.
//
// Thread:  loop.
// Owner:   EchoPair, RatePair.
// Fails:   through `done`: as the first Call::done; kConnect (a call ended by itself).
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "base/alive.h"
#include "base/error.h"
#include "base/loop.h"

namespace callbot::bot {

class Call;

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
