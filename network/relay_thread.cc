#include "network/relay_thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/clock.h"

namespace callbot::network {
namespace {

constexpr RelayThread::Key kTimer = 1, kWake = 2, kFirstKey = 3;

void add(int epoll, int fd, uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) abort();
}

}  // namespace

std::shared_ptr<RelayThread> RelayThread::get() {
  static std::mutex mutex;
  static std::weak_ptr<RelayThread> current;
  std::lock_guard lock(mutex);
  auto thread = current.lock();
  if (!thread) current = thread = std::shared_ptr<RelayThread>(new RelayThread);
  return thread;
}

RelayThread::RelayThread()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      last_key_(kFirstKey) {
  if (!epoll_ || !timer_ || !wake_) abort();
  add(epoll_.get(), timer_.get(), kTimer);
  add(epoll_.get(), wake_.get(), kWake);
  thread_ = std::thread([this] { run(); });
}

RelayThread::~RelayThread() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    const uint64_t one = 1;
    if (write(wake_.get(), &one, sizeof one) != sizeof one) abort();
  }
  thread_.join();
}

RelayThread::Key RelayThread::watch(int fd, std::function<void()> readable) {
  const Key key = ++last_key_;
  readers_[key] = std::move(readable);
  add(epoll_.get(), fd, key);
  return key;
}

void RelayThread::forget(Key key, int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  readers_.erase(key);
}

void RelayThread::hold(int64_t due, Parcel parcel) {
  held_.emplace(due, std::move(parcel));
  arm();
}

void RelayThread::move(const Impairment& model, const std::vector<Impairment::Moved>& moved) {
  if (moved.empty()) return;
  std::map<uint64_t, int64_t> times;
  for (const auto& [id, out] : moved) times[id] = out;
  std::vector<std::pair<int64_t, Parcel>> again;
  for (auto at = held_.begin(); at != held_.end();) {
    const auto found = at->second.model == &model ? times.find(at->second.id) : times.end();
    if (found == times.end()) {
      ++at;
      continue;
    }
    again.emplace_back(found->second, std::move(at->second));
    at = held_.erase(at);
  }
  // In the order they came, where two are due at once.
  std::stable_sort(again.begin(), again.end(),
                   [](const auto& a, const auto& b) { return a.second.id < b.second.id; });
  for (auto& [due, parcel] : again) held_.emplace(due, std::move(parcel));
  arm();
}

std::array<uint64_t, 2> RelayThread::let_go(const Carrier& carrier) {
  std::array<uint64_t, 2> bytes{};
  std::erase_if(held_, [&](const auto& entry) {
    if (entry.second.carrier != &carrier) return false;
    bytes[static_cast<size_t>(entry.second.way)] += entry.second.bytes.size();
    return true;
  });
  return bytes;
}

RelayThread::Key RelayThread::alarm(int64_t at, std::function<void()> ring) {
  const Key key = ++last_key_;
  alarms_.emplace(at, std::pair{key, std::move(ring)});
  arm();
  return key;
}

void RelayThread::cancel(Key key) {
  std::erase_if(alarms_, [key](const auto& entry) { return entry.second.first == key; });
}

void RelayThread::arm() {
  int64_t next = 0;
  if (!held_.empty()) next = held_.begin()->first;
  if (!alarms_.empty() && (held_.empty() || alarms_.begin()->first < next))
    next = alarms_.begin()->first;
  if (!held_.empty() || !alarms_.empty()) next = std::max<int64_t>(next, 1);  // 0 stops a timerfd
  if (next == armed_ns_) return;
  armed_ns_ = next;
  itimerspec when{};
  when.it_value.tv_sec = next / 1'000'000'000;
  when.it_value.tv_nsec = next % 1'000'000'000;
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

// What is due has left when it returns, in the order in which it is due.
void RelayThread::flush() {
  while (!alarms_.empty() && alarms_.begin()->first <= monotonic_ns()) {
    const auto ring = std::move(alarms_.begin()->second.second);
    alarms_.erase(alarms_.begin());
    ring();
  }
  while (!held_.empty() && held_.begin()->first <= monotonic_ns()) {
    const auto first = held_.extract(held_.begin());
    first.mapped().carrier->due(first.mapped(), first.key());
  }
  arm();
}

void RelayThread::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // they are the main thread's
  pthread_setname_np(pthread_self(), "relay");
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      std::lock_guard lock(mutex_);  // for each anew: the loop wants it too
      if (ending_) return;
      const Key key = events[static_cast<size_t>(i)].data.u64;
      uint64_t rings = 0;
      if (key == kTimer && read(timer_.get(), &rings, sizeof rings) > 0) armed_ns_ = 0;
      if (const auto reader = readers_.find(key); reader != readers_.end()) reader->second();
      flush();
    }
  }
}

}  // namespace callbot::network
