// recordings/bounded_queue.h: hands things from one thread to another, a few at a time.
//
// Thread:  any; push waits while it is full, pop while it is empty.
// Owner:   whoever outlives both threads.
// Fails:   never; after close() push drops and says false, pop gives what is left, then nothing.
//          After abort() there is nothing left either.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

namespace callbot::recordings {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t most = std::numeric_limits<size_t>::max()) : most_(most) {}

  bool push(T value) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.size() < most_; });
    if (closed_) return false;
    items_.push_back(std::move(value));
    changed_.notify_all();
    return true;
  }

  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    changed_.notify_all();
    return value;
  }

  // False: it was not by then.
  bool wait_until_full(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return items_.size() >= most_; });
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void abort() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
    changed_.notify_all();
  }

 private:
  const size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace callbot::recordings
