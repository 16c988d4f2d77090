// tests/support/live_writer.h: what tests share that record in real time in a process of their own,
// to be killed.
//
// Thread:  any.
// Owner:   the test.
// Fails:   aborts the test program where there is no memory.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include <csignal>
#include <cstdlib>
#include <new>

#include "base/clock.h"
#include "base/frame.h"
#include "tests/support/marked_media.h"

namespace callbot::test {

constexpr int64_t kBeatNs = 50'000'000;

inline void sleep_until(int64_t ns) {
  const timespec t{ns / 1'000'000'000, ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

inline Frame arrived_now(const EncodedFrame& f, bool after_gap = false) {
  Frame frame = arrived(f, monotonic_ns());
  frame.after_gap = after_gap;
  return frame;
}

// A T that the test and the processes it forks all see.
template <class T>
class SharedBetweenProcesses {
 public:
  SharedBetweenProcesses() {
    void* memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    value_ = new (memory) T;
  }
  ~SharedBetweenProcesses() { munmap(value_, sizeof(T)); }
  SharedBetweenProcesses(const SharedBetweenProcesses&) = delete;
  SharedBetweenProcesses& operator=(const SharedBetweenProcesses&) = delete;
  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

// SIGKILL; how it ended, as waitpid says.
inline int killed(pid_t pid) {
  int status = 0;
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return status;
}

}  // namespace callbot::test
