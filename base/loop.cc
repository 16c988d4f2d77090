#include "base/loop.h"

#include <glib-unix.h>

#include <memory>
#include <utility>

namespace callbot {
namespace {

gboolean run_once(gpointer task) {
  (*static_cast<Loop::Task*>(task))();
  return G_SOURCE_REMOVE;
}

gboolean run_again(gpointer task) {
  (*static_cast<Loop::Task*>(task))();
  return G_SOURCE_CONTINUE;
}

gboolean run_readable(gint, GIOCondition, gpointer task) { return run_again(task); }

void destroy(gpointer task) { delete static_cast<Loop::Task*>(task); }

gpointer boxed(Loop::Task task) { return std::make_unique<Loop::Task>(std::move(task)).release(); }

}  // namespace

Loop::Loop() : loop_(g_main_loop_new(nullptr, FALSE)), thread_(std::this_thread::get_id()) {}

Loop::~Loop() {
  // What was posted and has not run yet still owns things that want to die on the loop.
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  g_main_loop_unref(loop_);
}

void Loop::post(Task task) {
  g_idle_add_full(G_PRIORITY_DEFAULT, run_once, boxed(std::move(task)), destroy);
}

void Loop::after(std::chrono::milliseconds delay, Task task) {
  g_timeout_add_full(G_PRIORITY_DEFAULT, static_cast<guint>(delay.count()), run_once,
                     boxed(std::move(task)), destroy);
}

void Loop::on_unix_signal(int number, Task task) {
  g_unix_signal_add_full(G_PRIORITY_HIGH, number, run_again, boxed(std::move(task)), destroy);
}

void Loop::run() { g_main_loop_run(loop_); }

void Loop::quit() { g_main_loop_quit(loop_); }

bool Loop::run_until(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  bool late = false;
  Timer timer;
  timer.once(deadline, [&] { late = true; });
  // A condition may depend on another thread that posts nothing: look at it now and then.
  Timer look;
  look.every(std::chrono::milliseconds(5), [] {});
  while (!condition()) {
    if (late) return false;
    g_main_context_iteration(nullptr, TRUE);
  }
  return true;
}

void Timer::start(std::chrono::milliseconds delay, Loop::Task task, bool repeat) {
  stop();
  const auto ms = static_cast<guint>(delay.count());
  if (repeat) {
    id_ = g_timeout_add_full(G_PRIORITY_DEFAULT, ms, run_again, boxed(std::move(task)), destroy);
    return;
  }
  auto forget_then_run = [this, task = std::move(task)] {
    // The task may destroy the timer's owner, and this closure with it.
    auto run = task;
    id_ = 0;
    run();
  };
  id_ = g_timeout_add_full(G_PRIORITY_DEFAULT, ms, run_once, boxed(forget_then_run), destroy);
}

void LoopSource::stop() {
  if (id_ != 0) g_source_remove(std::exchange(id_, 0));
}

void Readable::watch(int fd, Loop::Task task) {
  stop();
  const auto condition = static_cast<GIOCondition>(G_IO_IN | G_IO_HUP | G_IO_ERR);
  id_ = g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, condition, run_readable, boxed(std::move(task)),
                           destroy);
}

}  // namespace callbot
