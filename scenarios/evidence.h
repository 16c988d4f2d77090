// scenarios/evidence.h: what a run leaves behind: who was there, what happened, what was measured,
// who was seen and heard by whom. Verdicts and reports are made of it and of nothing else.
//
// Times are monotonic_ns() of the host that ran it; in JSON nanoseconds since the run began.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never; window_of says which mark never came.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/metric.h"
#include "scenarios/scenario.h"
#include "scenarios/stats.h"

namespace callbot::scenarios {

struct ActorFacts {
  std::string name;  // the instance: "bob-2"
  std::string role, room, verify, browser;
  std::vector<TimeWindow> inside;  // in the call, from connected to gone
  bool elsewhere = false;          // it measured nothing, and looked at nobody
  double playout_latency = 0;      // s; as a bot's playout was modelled
};

struct EventFact {
  int64_t at_ns = 0;
  std::string actor;  // empty: the run
  std::string kind;   // "joined", "left", "network", "message", "reconnected", ...
  std::string text;
  bool unexpected = false;  // signaling that no step brought about
};

struct MarkFact {
  std::string name;
  int64_t at_ns = 0;
};

// Somebody's marks, read in somebody's picture or sound.
struct Presence {
  std::string observer;
  std::string whom;     // whose marks they are; empty: a picture without a readable mark
  std::string carrier;  // whose stream they were in; empty: unknown
  Sight sight = Sight::kSeen;
  TimeWindow span;
};

// When an observer looked at all: decoded a stream of somebody, or would have.
struct Look {
  std::string observer;
  std::string whom;  // whose streams; empty: everybody's
  Sight sight = Sight::kSeen;
  TimeWindow span;
};

struct FileFact {
  std::string path;
  std::string kind;   // "media", "picture", "page", "headers", "stats", "bundle", "log"
  std::string actor;  // who kept it
  std::string from;   // who is in it
  std::string stream;
  TimeWindow span;  // what of the run is in it
  uint64_t bytes = 0;
  std::string text;  // of a picture: what is to be seen
};

struct CandidatePair {
  int64_t at_ns = 0;
  std::string actor, with;
  std::string local, remote;  // "host udp 192.0.2.1:5000"
  std::string why;            // selected first, or after a change of the network
};

// What became of a step. Expectations are judged while the run goes on, since they steer it.
enum class Outcome { kDone, kFailed, kUnmeasured, kInvalid, kSkipped };
const char* name_of(Outcome outcome);
// A while on an impaired line: did it do to packets what it was to do?
struct NetworkFact {
  std::string actor;
  std::string set_by;  // "step 3"; empty: it is the actor's own
  std::string conditions;
  Outcome outcome = Outcome::kDone;  // unmeasured: nothing went over it; skipped: not asked
  TimeWindow span;
  std::string text;        // what was seen and what could not show, or what is missing
  std::string label = {};  // the conditions in short
};

struct StepFact {
  size_t index = 0;
  std::string what, kind;
  std::string actor;  // where it failed for one of several
  Outcome outcome = Outcome::kDone;
  bool optional = false;
  TimeWindow span;
  std::string text;  // why it failed, or what was seen
};

struct Evidence {
  std::string scenario, file, description;
  std::string version;  // of callbot
  uint64_t seed = 1;
  int run = 1;                                   // of --repeat and rows
  std::map<std::string, std::string> variables;  // that were given; secrets are not
  int64_t began_ns = 0, began_wall_ns = 0;
  int64_t steps_ns = 0;  // the first step began; times in spans count from here
  int64_t ended_ns = 0;
  std::string ended;        // why it ended, where it did not come to its end by itself
  bool established = true;  // everybody who had to got into the call
  bool interrupted = false;
  std::vector<std::string> invalid;  // why nothing of it can be believed: the bot was too slow ...

  std::vector<ActorFacts> actors;
  std::vector<EventFact> events;
  std::vector<MarkFact> marks;
  std::vector<StepFact> steps;
  std::vector<Series> series;
  std::vector<Presence> presence;
  std::vector<Look> looks;
  std::vector<FileFact> files;
  std::vector<CandidatePair> pairs;
  std::vector<NetworkFact> networks;
  std::map<std::string, std::string> machine;  // "processors": "2 x ...", "kernel", "memory"

  const ActorFacts* actor(std::string_view name) const;
  double seconds(int64_t at_ns) const { return static_cast<double>(at_ns - began_ns) / 1e9; }
};

// The span in this run's time; an error says which mark never came.
Result<TimeWindow> window_of(const Span& span, const Evidence& evidence);
// So much of the window these spans fill together.
double seconds_within(const std::vector<TimeWindow>& spans, const TimeWindow& window);
// Overlaps and neighbours as one, in order of time.
std::vector<TimeWindow> merged(std::vector<TimeWindow> spans);
// What is in both.
std::vector<TimeWindow> common(const std::vector<TimeWindow>& a, const std::vector<TimeWindow>& b);

}  // namespace callbot::scenarios
