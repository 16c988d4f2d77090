// quality/selftest.h: does the measuring say what is true? Faults are made on purpose in known
// media (quality/known_media.h), one after the other, and what is reported is laid beside what was
// made.
//
// There is no network in it: frames are handed over as they come out of the jitterbuffer, and the
// counters of a connection (rtp.*, send.*) as it would tell them. What only a call has (join.ice,
// join.dtls, ...) is not tried.
//
// Thread:  one, as quality/rehearsal.h; a few seconds.
// Owner:   the caller.
// Fails:   kUnsupported where FFmpeg lacks an encoder.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/metric.h"

namespace callbot::quality {

struct SelftestRow {
  std::string fault;   // what was made
  std::string metric;  // of the table (base/metric.h)
  std::string stat;    // "total", "count", "least", "most", or "each": that which is furthest off
  size_t samples = 0;
  double truth = 0, reported = 0;
  double tolerance = 0;                    // most that both may be apart, in the metric's unit
  Measured true_state = Measured::kOk;     // where it is not ok there are no numbers
  Measured state = Measured::kUnmeasured;  // reported
  bool holds() const;
};

// Called with the share that is done; false stops with kInterrupted.
Result<std::vector<SelftestRow>> selftest(const std::function<bool(double)>& progress = {});

// Metrics of the table that no row is about.
std::vector<std::string> not_tried(const std::vector<SelftestRow>& rows);

}  // namespace callbot::quality
