// bot/echo_pair.h: two members of our own in a call, each sending marked pictures to the other:
// what the way between them does to them.
//
// With a network (JoinOptions) the first end is behind it: "up" is the way there, "down" the way
// back. Both run in this process, so delays are differences of one clock. Members other than
// recorders must not be there: they would see the pattern.
//
// Thread:  loop.
// Owner:   bot::CheckCall, or a test.
// Fails:   through `done`, once: kUsage (somebody is in the room), kTimeout (joined, but no media
//          connection within the deadline), and as Call::done does.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "bot/call_pair.h"
#include "bot/options.h"
#include "pipelines/writer_pool.h"

namespace callbot::bot {

// One direction: what one end sent and the other one received. Times in seconds; none: not known.
struct EchoWay {
  uint64_t packets = 0;
  std::optional<int64_t> lost;        // of the packets, after repair (RFC 3550, 6.4.1)
  std::optional<int64_t> repaired;    // by retransmission: among the packets, and lost before
  std::optional<double> jitter;       // RFC 3550, 6.4.1
  std::optional<double> way, way_95;  // from the last packet sent to it being received: median, p95
  std::optional<double> delay, delay_95;  // from a frame's capture to its last packet received
  // Pictures: with a mark; with one that could not be read; refused by the decoder.
  uint64_t marked = 0, unread = 0, undecodable = 0;
  uint64_t expected = 0, missing = 0;  // of the marked ones between the first and the last
  int64_t sent() const;                // packets, as far as it is known
  // Shares of them: lost on the line, and what repair left of that.
  std::optional<double> line_loss() const, loss() const;
  double broken() const;  // share of the pictures that came: no mark in it, or no picture at all
};

struct EchoResult {
  double join_s = 0;     // until both were let in
  double connect_s = 0;  // from then until media could flow both ways
  // The candidate pair of each end: "host 192.0.2.2:4000 -> relay ..."
  Pairs pair;
  std::array<EchoWay, 2> way;         // from end 0 to end 1, and back
  std::optional<double> rtt() const;  // both medians together
};

struct EchoConfig {
  JoinOptions join;
  bool relay_only = false;  // through the TURN servers alone
  std::chrono::milliseconds connect_within{20000};
  std::chrono::milliseconds duration{6000};  // of the measuring, once media flows both ways
};

class EchoPair {
 public:
  using Done = std::function<void(Result<EchoResult>)>;

  EchoPair(Loop& loop, Log log, EchoConfig config, Done done);
  ~EchoPair();
  void start();
  // Ends early; what was measured so far is the result.
  void stop();

 private:
  struct End;
  void joined();
  void begin();
  void look();
  void measure();
  void settle();
  void end(Result<> how);
  void over(Result<> how);  // one of the calls

  Loop& loop_;
  Log log_;
  EchoConfig config_;
  EchoResult result_;
  int64_t started_ns_ = 0, joined_ns_ = 0, measuring_ns_ = 0;
  bool measured_ = false;
  Timer deadline_, tick_;
  pipelines::WriterPool pool_;
  std::unique_ptr<End> ends_[2];
  CallPair calls_;
  Alive alive_;
};

}  // namespace callbot::bot
