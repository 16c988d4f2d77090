// tests/support/pidfd.h: a process as a descriptor, which can be read once it has ended.
//
// Thread:  any.
// Owner:   the caller, who still has to wait for the process.
// Fails:   none where it is no process.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/files.h"

namespace callbot::test {

// glibc 2.36 declares pidfd_open() for C alone.
inline Descriptor pidfd_of(pid_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace callbot::test
