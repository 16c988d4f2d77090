// base/metric.h: THE METRIC TABLE, and what is measured of a call: series of samples.
//
// Who measures fills Series; who judges reads them. A metric is a row of the table: its name, unit,
// kind, source and definition. 0 is a value like any other: what was not measured has no sample
// and says so in its state.
//
// Thread:  values; any.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callbot {

// What a sample is.
enum class MetricKind {
  kGauge,  // the value at a time: a delay, a bit rate
  kCount,  // how many since the sample before: packets, missing frames; never a running total
  kSpan,   // something that lasted: at_ns its beginning, value its length in seconds
};

const char* name_of(MetricKind kind);

// Where a value comes from (testing terms; W3C webrtc-stats where it has the metric).
enum class MetricSource { kSignaling, kStats, kJitterbuffer, kDecoder, kMark, kSender, kBot };
const char* name_of(MetricSource source);

// How closely an actor looks at what it receives (its `verify`), and how closely it has to for a
// metric: not at all; at frames and packets as they come; decoding, in turn at least; all of it.
enum class Looks { kNone, kHeaders, kRotate, kAll };
const char* expected_of(Looks looks);  // "verify: rotate or all": it, and what is closer

enum class Better { kLess, kMore, kNeither };

struct Metric {
  const char* name;  // "video.e2e_delay"
  const char* unit;  // "s", "bit/s", "1" for counts and shares, "dB", "dBFS", "Hz", "px"
  MetricKind kind;
  MetricSource source;
  Looks looks;        // who measures it looks so closely, or closer
  Better better;      // for comparing runs
  const char* share;  // the stat "ratio" divides this metric's total by that one's; "": no ratio
  const char* what;   // the definition in a sentence, with the specification where there is one
};

std::span<const Metric> metrics();  // all of them, in the order of a report
const Metric* find_metric(std::string_view name);
// Of what the actor sends, as its own side has it.
bool is_sent(std::string_view metric);
// Of what an actor sends " to ", of all else " from ": what stands between Series::actor and from.
const char* towards(std::string_view metric);

struct Sample {
  int64_t at_ns = 0;  // monotonic_ns()
  double value = 0;   // in the metric's unit
  friend bool operator==(const Sample&, const Sample&) = default;
};

enum class Measured {
  kOk,
  kUnmeasured,  // nothing could be seen: no track, nothing decoded, no marks
  kInvalid,  // seen, but not to be believed: clock too uncertain, bot overloaded, marks unreadable
};
const char* name_of(Measured state);

// Samples of a long series that are not kept one by one any more (base/folding.h): those between
// two cuts. How many, their sum, the sum of their squares, the least and the most are those of all.
struct Folded {
  // A sample that was measured, and how many are as good as it (within 1 %).
  struct Class {
    int64_t at_ns = 0;
    double value = 0;
    uint64_t count = 0;
  };
  int64_t from_ns = 0;               // the cut before them
  int64_t first_ns = 0, end_ns = 0;  // of what they are about; end_ns itself is outside
  uint64_t count = 0;
  double sum = 0, squares = 0;
  Sample least, most;
  std::vector<Class> classes;  // in order of value
};
// The same samples over the time, for charts: so many and their sum.
struct Stretch {
  int64_t from_ns = 0;
  uint64_t count = 0;
  double sum = 0;
};

// One metric of one stream, as one actor saw it.
struct Series {
  std::string metric;
  std::string actor;   // who measured
  std::string from;    // who sent; empty: not about a stream
  std::string stream;  // "camera", "microphone", "screen" ... ; empty: not about a stream
  Measured state = Measured::kUnmeasured;
  std::string why;              // a sentence, where the state is not kOk
  double uncertainty = 0;       // of each value, plus or minus, in its unit (clocks of two hosts)
  std::vector<Sample> samples;  // in order of time; of a long run those of the last minutes
  std::vector<Folded> folded = {};      // what was before, in order of time
  std::vector<Stretch> stretches = {};  // of the same
  int64_t stretch_ns = 0;               // how long each of them is
};

// Of all that was measured.
uint64_t count_of(const Series& series);
double total_of(const Series& series);
bool is_empty(const Series& series);

}  // namespace callbot
