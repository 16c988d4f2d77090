// base/loop.h: the one main loop. Everything in signaling/ and bot/ and every public method in
// pipelines/ runs on it; other threads copy values and post.
//
// Thread:  post() any thread; the rest on the loop's own thread.
// Owner:   main(), or the test.
// Fails:   never.
#pragma once

#include <glib.h>

#include <chrono>
#include <functional>
#include <thread>

namespace callbot {

class Loop {
 public:
  using Task = std::function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs the task on the loop, in the order posted. Any thread.
  void post(Task task);
  // Runs the task once, later. Guard it with Alive, or use a Timer to be able to stop it.
  void after(std::chrono::milliseconds delay, Task task);
  // Runs the task on the loop each time the process gets this UNIX signal (SIGINT, SIGTERM ...).
  void on_unix_signal(int number, Task task);

  void run();
  void quit();
  // Turns the loop until the condition holds or the time is up; says whether it holds.
  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds deadline);

  bool on_loop() const { return std::this_thread::get_id() == thread_; }

 private:
  GMainLoop* loop_;
  std::thread::id thread_;
};

// What the loop looks after for its owner, and that dies with it.
class LoopSource {
 public:
  LoopSource(const LoopSource&) = delete;
  LoopSource& operator=(const LoopSource&) = delete;

  void stop();
  bool running() const { return id_ != 0; }

 protected:
  LoopSource() = default;
  ~LoopSource() { stop(); }
  guint id_ = 0;
};

class Timer : public LoopSource {
 public:
  void once(std::chrono::milliseconds delay, Loop::Task task) {
    start(delay, std::move(task), false);
  }
  void every(std::chrono::milliseconds period, Loop::Task task) {
    start(period, std::move(task), true);
  }

 private:
  void start(std::chrono::milliseconds delay, Loop::Task task, bool repeat);
};

// Runs the task whenever there is something to read, or nobody can write any more. The task may
// stop it.
class Readable : public LoopSource {
 public:
  void watch(int fd, Loop::Task task);
};

}  // namespace callbot
