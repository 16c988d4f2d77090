#include "pipelines/writer_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace callbot::pipelines {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

// One thread is the runner: it wakes on the beat and gives every member its turn. Another watches:
// if a turn is not given in time, the runner must be stuck in one, so the watcher becomes the
// runner, a spare or new thread watches, and the stuck one becomes a spare when it comes free.
//
// The lock is held for a few instructions, never during a turn, and media threads never take it.
struct WriterPool::State {
  struct Member {
    Turn turn;
    Clock::time_point due;
  };
  using ThreadId = int;
  static constexpr ThreadId kNobody = 0;

  explicit State(Config c) : config(c) {}
  void live(ThreadId me);
  void run_or_wait(std::unique_lock<std::mutex>& lock);
  void watch(std::unique_lock<std::mutex>& lock, ThreadId me);
  bool rest(std::unique_lock<std::mutex>& lock);  // false: not needed any more
  void start_thread();
  void add(Turn turn);
  Clock::time_point next_beat() const {
    return Clock::time_point(((Clock::now().time_since_epoch() / config.beat) + 1) * config.beat);
  }

  const Config config;
  mutable std::mutex mutex;
  std::condition_variable runner_wakes, watcher_wakes, spare_wakes;
  std::deque<Member> members;  // those that have no turn just now; by due time
  ThreadId runner = kNobody, watcher = kNobody;
  ThreadId last_thread = kNobody;
  int alive = 0, spares = 0;
  bool watches_nothing = false;  // there is nobody in the queue that could be late
  bool ending = false;
  std::vector<std::thread> threads;  // those that ended too, until there is a time to join them
  std::vector<std::thread::id> ended;
};

void WriterPool::State::live(ThreadId me) {
  std::unique_lock lock(mutex);
  while (!ending) {
    if (runner == kNobody) runner = me;
    if (runner == me) {
      run_or_wait(lock);
    } else if (watcher == kNobody) {
      watch(lock, me);
    } else if (!rest(lock)) {
      break;
    }
  }
  --alive;
  ended.push_back(std::this_thread::get_id());
}

void WriterPool::State::run_or_wait(std::unique_lock<std::mutex>& lock) {
  if (members.empty()) {
    runner_wakes.wait(lock);
    return;
  }
  // A copy: it is looked at again after the wait, when another thread may have taken the member.
  if (const auto due = members.front().due; due > Clock::now()) {
    runner_wakes.wait_until(lock, due);
    return;
  }
  Member member = std::move(members.front());
  members.pop_front();
  lock.unlock();
  const bool again = member.turn();
  if (!again) member.turn = nullptr;  // what it owns may take its time to die
  lock.lock();
  if (!again) return;
  add(std::move(member.turn));
}

void WriterPool::State::add(Turn turn) {
  members.push_back({std::move(turn), next_beat()});  // never due before those in the queue
  if (watches_nothing) watcher_wakes.notify_one();
}

void WriterPool::State::watch(std::unique_lock<std::mutex>& lock, ThreadId me) {
  watcher = me;
  while (!ending && runner != kNobody) {
    if (members.empty()) {
      watches_nothing = true;
      watcher_wakes.wait(lock);
      watches_nothing = false;
      continue;
    }
    const auto late = members.front().due + config.patience;
    if (late > Clock::now()) {
      watcher_wakes.wait_until(lock, late);
      continue;
    }
    runner = me;
    break;
  }
  watcher = kNobody;
  if (ending) return;
  if (spares > 0) {
    spare_wakes.notify_one();
  } else if (alive < config.most_threads) {
    start_thread();
  }
}

bool WriterPool::State::rest(std::unique_lock<std::mutex>& lock) {
  ++spares;
  const auto until = Clock::now() + config.idle;
  bool needed = true;
  while (!ending && watcher != kNobody && needed)
    needed = spare_wakes.wait_until(lock, until) == std::cv_status::no_timeout;
  --spares;
  return needed || watcher == kNobody;
}

void WriterPool::State::start_thread() {
  for (const std::thread::id id : std::exchange(ended, {})) {
    for (auto thread = threads.begin(); thread != threads.end(); ++thread) {
      if (thread->get_id() != id) continue;
      thread->join();  // it has left the lock for good
      threads.erase(thread);
      break;
    }
  }
  ++alive;
  threads.emplace_back([this, me = ++last_thread] { live(me); });
}

WriterPool::WriterPool(Config config) : state_(std::make_unique<State>(config)) {}

WriterPool::~WriterPool() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(state_->mutex);
    state_->ending = true;
    threads.swap(state_->threads);
  }
  state_->runner_wakes.notify_all();
  state_->watcher_wakes.notify_all();
  state_->spare_wakes.notify_all();
  for (std::thread& thread : threads) thread.join();
  for (State::Member& member : state_->members) member.turn();
}

void WriterPool::join(Turn turn) {
  std::lock_guard lock(state_->mutex);
  while (state_->alive < 2) state_->start_thread();
  state_->add(std::move(turn));
  state_->runner_wakes.notify_one();
}

int WriterPool::threads() const {
  std::lock_guard lock(state_->mutex);
  return state_->alive;
}

}  // namespace callbot::pipelines
