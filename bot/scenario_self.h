// bot/scenario_self.h: was the bot itself the bottleneck of a run? Then nothing of it can be
// believed.
//
// What is looked at, and how much of it is too much (our choices): the loop came a second late, or
// stood still for a second of ten in pieces of a tenth and more; all processors that it may use
// were busy with this process alone for five seconds on end; the quota of its control group held
// back all of them for a second within ten; more than ten packets within ten seconds were dropped
// since nobody took them from their sockets; a frame was measured three seconds after it had come,
// or not at all for want of room in a queue; frames of a pattern came too late to be made; a
// browser said that the processors held its encoder back for more than five seconds.
//
// Thread:  loop.
// Owner:   bot::ScenarioRun.
// Fails:   never.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/cpu_allowance.h"
#include "bot/scenario_samples.h"

namespace callbot::bot {

// Of what was lost, seconds or packets: the most within some looks.
class LastSeconds {
 public:
  static constexpr size_t kLooks = 10;
  void add(double lost);
  double most() const { return most_; }

 private:
  std::deque<double> last_;
  double most_ = 0;
};

class ScenarioSelf {
 public:
  ScenarioSelf(int64_t now_ns, ScenarioSamples& samples, CpuAllowance allowance = CpuAllowance());

  // The loop's tick came; `late` seconds after it was due.
  void ticked(double late);
  // Once a second: writes bot.lateness, bot.cpu, bot.dropped_packets and, where a control group
  // says, bot.throttled. `process_s`: processor time so far; `dropped`: packets, since the last
  // look.
  void look(int64_t now_ns, double process_s, uint64_t dropped = 0);
  void overran(const std::string& actor, double frames);
  void behind(const std::string& actor, double seconds);     // the most so far
  void limited(const std::string& actor, double seconds);    // since the last time
  void left_out(const std::string& actor, uint64_t frames);  // so far

  // Why nothing can be believed, a sentence each; empty: it can.
  std::vector<std::string> invalid() const;

 private:
  void look_at_quota(int64_t now_ns);

  ScenarioSamples& samples_;
  CpuAllowance allowance_;
  int64_t looked_ns_;
  double process_s_ = -1;              // not looked at yet
  double latest_ = 0, most_late_ = 0;  // since the last look; of all
  double stood_ = 0;                   // s, since the last look
  LastSeconds stood_still_;
  int busy_s_ = 0;
  bool was_busy_ = false;
  LastSeconds held_back_;
  LastSeconds dropped_;
  std::map<std::string, double> overran_, behind_, limited_;
  std::map<std::string, uint64_t> left_out_;
};

// Processor time of this process, seconds.
double process_seconds();

}  // namespace callbot::bot
