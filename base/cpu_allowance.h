// base/cpu_allowance.h: how much of the machine's processors this process may use, and whether it
// was held back: the quotas of its control group and of all above it (cgroup v2 "cpu.max", v1
// "cpu.cfs_quota_us"), and the processors it may run on (sched_getaffinity).
//
// In a container a process sees all processors of its host, is stopped for the rest of each tenth
// of a second once its quota is used, and takes part in nothing meanwhile: no load of its own shows
// it.
//
// Thread:  any, one at a time; reads files of the kernel's, some microseconds each.
// Owner:   the caller.
// Fails:   never: where no quota can be read there is none.
#pragma once

#include <optional>
#include <vector>

#include "base/files.h"

namespace callbot {

class CpuAllowance {
 public:
  // The quota is read now. `proc`: tests have files of their own in its place.
  explicit CpuAllowance(const fs::path& proc = "/proc/self");

  // So many of them: 0.12 under a quota of 12 %.
  double processors() const { return processors_; }
  bool has_quota() const { return has_quota_; }
  int to_run_on() const { return to_run_on_; }  // without any quota
  // How long threads were held back since it was asked last (or made), s: of the group for which it
  // was longest. The kernel counts each processor by itself, so that two of them give two seconds
  // in one. None: no group says.
  std::optional<double> take_held_back();

 private:
  struct Group {
    fs::path folder;
    std::optional<double> held_back;  // so far, when it was asked last
  };
  std::vector<Group> groups_;  // our own first, then those above it
  int to_run_on_ = 1;
  double processors_ = 1;
  bool has_quota_ = false;
};

}  // namespace callbot
