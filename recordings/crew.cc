#include "recordings/crew.h"

namespace callbot::recordings {

Crew::Crew(int threads) {
  for (int i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
}

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    more_.notify_all();
  }
  for (std::thread& helper : helpers_) helper.join();
}

bool Crew::work_one(std::unique_lock<std::mutex>& lock) {
  if (next_ >= jobs_.size()) return false;
  const Job& job = jobs_[next_++];
  lock.unlock();
  job();
  lock.lock();
  if (++finished_ == jobs_.size()) done_.notify_all();
  return true;
}

void Crew::help() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (!work_one(lock)) more_.wait(lock);
  }
}

void Crew::run(std::vector<Job> jobs) {
  std::unique_lock lock(mutex_);
  jobs_ = std::move(jobs);
  next_ = finished_ = 0;
  if (jobs_.size() > 1) more_.notify_all();
  while (work_one(lock)) {
  }
  done_.wait(lock, [this] { return finished_ == jobs_.size(); });
}

}  // namespace callbot::recordings
