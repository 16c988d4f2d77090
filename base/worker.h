// base/worker.h: a blocking job off the loop, its Result back on the loop.
//
// Thread:  run() on the loop; the job on a thread of its own pool; done on the loop again.
// Owner:   whoever needs it. Its destructor waits for jobs that run; their done is not called.
// Fails:   the job's own Result.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/alive.h"
#include "base/error.h"
#include "base/loop.h"

namespace callbot {

class Worker {
 public:
  Worker(Loop& loop, int threads);
  ~Worker();

  // The job shares nothing mutable with anyone; its result comes back by post.
  template <class T>
  void run(std::function<Result<T>()> job, std::function<void(Result<T>)> done) {
    auto report = alive_.guard(std::move(done));
    push([this, job = std::move(job), report]() mutable {
      auto result = std::make_shared<Result<T>>(job());
      loop_.post([result, report]() mutable { report(std::move(*result)); });
    });
  }

 private:
  void push(std::function<void()> job);
  void work();

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
  Alive alive_;
};

}  // namespace callbot
