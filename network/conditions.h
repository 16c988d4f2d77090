// network/conditions.h: what a path is like, as data: of one direction, of both, and over time.
//
//   {"preset": "3g"}                                                a table below
//   {"delay": "40ms", "loss": "2%"}                                 the same in both directions
//   {"down": {"rate": "300 kbit/s", "queue": "200ms"}, "up": {...}}  seen from the bot
//   {"loss": "1%", "seed": 7, "schedule": [{"at": "10s", "down": {"loss": "10%"}},
//                                          {"at": "15s", "preset": "clean"}]}
//
// What is said later changes what was said before, key by key: preset, then both directions, then
// each; a step of a schedule changes what stood before it. README has the table of keys.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   kBadInput or kUsage that name file, key and what was expected.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "network/packet_kind.h"
#include "network/trace.h"

namespace callbot::network {

enum class JitterShape {
  kUniform,  // delay ± jitter
  kNormal,   // delay with jitter as standard deviation, within ± 3 of them
  kPareto,   // delay + a tail of mean jitter (Lomax, shape 3), at most 20 of them
};

// Gilbert-Elliott: a good and a bad state, left with the chances p and r after each packet, each
// with its share of loss (netem calls the shares 1-k and 1-h). With the usual 0 and 1 the bursts
// are 1/r packets long on average, and p/(p+r) of all packets is lost.
struct BurstLoss {
  double p = 0;
  double r = 1;
  double good = 0;
  double bad = 1;
  friend bool operator==(const BurstLoss&, const BurstLoss&) = default;
};

// One direction.
struct Direction {
  // The bottleneck: a rate or a trace, and a queue before it that drops what does not fit
  // (drop-tail). Sizes are those of IP packets.
  double rate = 0;  // bit/s; 0: none
  std::shared_ptr<const Trace> trace;
  uint64_t queue_bytes = 0;  // 0: no limit of bytes
  double queue_s = 0;        // longest wait; 0: no limit of time. Both 0: kUsualQueue

  double delay_s = 0;  // after the bottleneck
  double jitter_s = 0;
  JitterShape jitter_shape = JitterShape::kUniform;
  bool jitter_reorders = false;  // false: nobody overtakes by jitter

  double loss = 0;  // share, each packet by itself, before the bottleneck
  BurstLoss burst;
  Kinds loss_of = Kinds::all();  // both kinds of loss concern only these
  double reorder = 0;            // share that is held back, so that those behind overtake
  double reorder_by_s = 0.02;    // our choice: over one frame's packets, under one frame
  double duplicate = 0;          // share that arrives twice
  Kinds block;                   // of these nothing passes
  bool blackout = false;         // nothing goes in; what is under way arrives
  friend bool operator==(const Direction&, const Direction&) = default;
};
// Our choice: some bandwidth-delay products of the usual paths, little enough to hurt no talk.
inline constexpr double kUsualQueue = 0.3;

// Seen from the bot: up is what it sends.
struct Conditions {
  Direction up, down;
  friend bool operator==(const Conditions&, const Conditions&) = default;
};

struct Preset {
  const char* name;
  const char* source;  // where its numbers are from
  Conditions conditions;
};
std::span<const Preset> presets();
std::string preset_names();  // "clean, edge, 3g"

struct ScheduleStep {
  int64_t at_ns = 0;  // since the schedule began
  Conditions conditions;
};

// All that a bot is told of its network.
struct Network {
  Conditions conditions;
  uint64_t seed = 1;
  std::vector<ScheduleStep> schedule;  // in order of time
};

// A preset's name, or an object. `path` stands before keys in errors, `before` is what it changes;
// files of traces are looked for from `folder`.
Result<Conditions> read_conditions(const Json& json, const std::string& path,
                                   const Conditions& before, const fs::path& folder);
Result<Network> read_network(const Json& json, const std::string& path, const fs::path& folder);
// Of a flag: a preset's name, an object ("{...}"), or a file that holds one.
Result<Network> parse_network(const std::string& text);

// For people: "300 kbit/s, queue 200 ms, delay 40 ms, loss 10 %"; "clean".
std::string text_of(const Direction& direction);
std::string text_of(const Conditions& conditions);
// Short, for a chart: "3g" of a preset, "blackout", "down 300 kbit/s, delay 40 ms".
std::string label_of(const Conditions& conditions);

}  // namespace callbot::network
