// bot/rate_pair.h: what bit rate gets through between two members of our own: both fill the line,
// step by step, until less comes out than went in, or it comes out late.
//
// Thread:  loop; frames on streaming threads.
// Owner:   bot::CheckCall, or a test.
// Fails:   through `done`, once: kTimeout (joined, but nothing came through), and as Call::done.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "bot/call_pair.h"
#include "bot/options.h"

namespace callbot::bot {

struct RateStep {
  double sent = 0, received = 0;  // bit/s of frames
  double delay = 0;               // s, median, sent to received
  bool good = false;
};

struct RateWay {
  std::vector<RateStep> steps;
  double achieved = 0;     // bit/s
  bool open_ended = true;  // the last step was good too: more may get through
};

struct RateResult {
  std::array<RateWay, 2> way;  // from end 0 to end 1, and back
  Pairs pair;
};

struct RateConfig {
  JoinOptions join;
  bool relay_only = false;   // through the TURN servers alone
  int64_t most = 8'000'000;  // bit/s; the steps double up to it
  std::chrono::milliseconds step{1000};
  std::chrono::milliseconds connect_within{20000};
};

class RatePair {
 public:
  using Done = std::function<void(Result<RateResult>)>;

  RatePair(Loop& loop, Log log, RateConfig config, Done done);
  ~RatePair();
  void start();
  void stop();

 private:
  struct End;
  void joined();
  void look();
  void next_step();
  void judge_step();
  void end(Result<> how);
  void over(Result<> how);  // one of the calls

  Loop& loop_;
  Log log_;
  RateConfig config_;
  RateResult result_;
  int64_t rate_ = 0;
  Timer deadline_, tick_;
  std::unique_ptr<End> ends_[2];
  CallPair calls_;
};

}  // namespace callbot::bot
