// network/trace.h: a link's capacity over time as opportunities to deliver, in mahimahi's format.
//
// One line is one millisecond since the beginning, as a whole number, at which 1500 bytes may
// pass (several small packets, or a part of one); several lines may be the same millisecond. Bytes
// that nobody needs then are lost. The trace begins again at its last line (mm-link(1); the
// format of the "Saturator", Winstein et al., NSDI 2013).
//
// Thread:  any; a Trace does not change once it was read.
// Owner:   shared by the directions that use it.
// Fails:   kStorage: no such file; kBadInput with file and line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace callbot::network {

inline constexpr uint32_t kOpportunityBytes = 1500;

class Trace {
 public:
  // `name` stands in errors.
  static Result<std::shared_ptr<const Trace>> parse(std::string_view text, const std::string& name);
  static Result<std::shared_ptr<const Trace>> load(const fs::path& path);

  // The number of the first opportunity at or after this time; both count over all repetitions.
  uint64_t first_at(int64_t since_begin_ns) const;
  int64_t time_ns(uint64_t opportunity) const;  // since the trace's beginning
  const std::string& name() const { return name_; }
  double mean_rate() const;  // bit/s

 private:
  std::string name_;
  std::vector<int64_t> ms_;  // never empty, never falling, the last above 0
};

}  // namespace callbot::network
