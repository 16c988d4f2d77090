// bot/check_call.h: the verb check call: can this machine hold a call there? Two members of our own
// join and measure what the way between them does (bot/echo_pair.h) and what bit rate gets through
// (bot/rate_pair.h); with a TURN server all of it once more through that alone.
//
// Members of a mesh send to each other, so that the way between two of our own does not leave this
// machine (CallPath::kMachine); over a server (Janus), and through TURN, it is the way to that.
//
// Thread:  loop.
// Owner:   main, or a test.
// Fails:   through `done`, once: the call's own errors where there is no call to judge; with
//          CheckCallOptions::json that is printed as well. What could not be measured is named and
//          makes the verdict kUnmeasured, if nothing else is bad.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/loop.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/echo_pair.h"
#include "bot/options.h"
#include "bot/rate_pair.h"

namespace callbot::bot {

// What the limits below are, and who says so: 150 and 400 ms one way, ITU-T G.114; loss and jitter
// that Opus and VP8 with retransmission bear without anybody noticing, and with everybody. The
// line's loss is judged before repair, which hides it at the price of delay, and which few services
// have for sound; what stays lost is seen and heard. A video of 640x360 needs about 500 kbit/s,
// sound with a small picture 150 kbit/s. All are choices.
struct CheckLimits {
  double line_loss_warn = 0.01, line_loss_fail = 0.05;  // share of packets, before repair
  double loss_warn = 0.005, loss_fail = 0.02;           // after it
  double rtt_warn = 0.3, rtt_fail = 0.8;                // s
  double jitter_warn = 0.03, jitter_fail = 0.1;         // s
  double rate_warn = 500'000, rate_fail = 150'000;      // bit/s
  double missing_warn = 0.02, missing_fail = 0.1;       // share of marked frames
  double broken_warn = 0.02, broken_fail = 0.1;         // share of the frames that came
};

struct CheckReport {
  bool simulated = false;  // the way is one of --network's making
  EchoResult echo;
  std::optional<Result<RateResult>> rate;
  // The same through TURN alone, where there is a server.
  std::optional<Result<EchoResult>> relayed;
  std::optional<Result<RateResult>> relayed_rate;
};

struct CheckVerdict {
  enum class Level { kGood, kWarn, kUnmeasured, kFail } level = Level::kGood;  // the worst last
  std::vector<std::string> why;  // a sentence each, the worst first
};

CheckVerdict judge(const CheckReport& report, const CheckLimits& limits = {});
std::string to_text(const CheckReport& report, const CheckVerdict& verdict,
                    const CheckLimits& limits = {});
Json to_json(const CheckReport& report, const CheckVerdict& verdict,
             const CheckLimits& limits = {});
Json to_json(const Error& error);  // of a call that was not established

class CheckCall final {
 public:
  struct Done {
    ExitStatus status = kExitGood;
    std::optional<Error> error;
  };

  CheckCall(Loop& loop, Console& console, CheckCallOptions options, std::function<void(Done)> done);
  ~CheckCall();

  void start();
  void interrupt();
  void terminate() { interrupt(); }
  const CheckReport& report() const { return report_; }

 private:
  bool has_turn() const;
  // The measurements, one after the other; each begins the next one.
  void direct();
  void rate();
  void relayed();
  void relayed_rate();
  void measure_echo(bool relay_only, EchoPair::Done done);
  void measure_rate(bool relay_only, RatePair::Done done);
  void finish();
  void fail_with(Error error);  // there is no call to judge

  Loop& loop_;
  Console& console_;
  Log log_{"check"};
  CheckCallOptions options_;
  std::function<void(Done)> done_;
  CheckReport report_;
  std::unique_ptr<EchoPair> echo_;
  std::unique_ptr<RatePair> rate_;
  bool interrupted_ = false;
  Alive alive_;
};

}  // namespace callbot::bot
