// recordings/crew.h: a few jobs at once, and on when all of them are done.
//
// Thread:  run() on one thread, which does its share of the jobs.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace callbot::recordings {

class Crew {
 public:
  // `threads` with the caller's own.
  explicit Crew(int threads);
  ~Crew();

  using Job = std::function<void()>;
  void run(std::vector<Job> jobs);

 private:
  void help();
  bool work_one(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable more_, done_;
  std::vector<Job> jobs_;
  size_t next_ = 0, finished_ = 0;
  bool ending_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace callbot::recordings
