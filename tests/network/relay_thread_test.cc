#include "network/relay_thread.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "base/clock.h"

namespace callbot::network {
namespace {

using namespace std::chrono_literals;

// Notes what was due, in order.
class Notes final : public Carrier {
 public:
  void due(const Parcel& parcel, int64_t due_ns) override {
    std::lock_guard lock(mutex_);
    EXPECT_GE(monotonic_ns(), due_ns);
    ids_.push_back(parcel.id);
    changed_.notify_all();
  }
  std::vector<uint64_t> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return ids_.size() >= count; });
    return ids_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> ids_;
};

class RelayThreadTest : public testing::Test {
 protected:
  void hold(int64_t due_ns, uint64_t id) {
    thread_->hold(due_ns, {.carrier = &notes_, .model = &model_, .id = id, .bytes = {1, 2, 3}});
  }
  const std::shared_ptr<RelayThread> thread_ = RelayThread::get();
  Impairment model_{1}, other_{1};
  Notes notes_;
};

TEST_F(RelayThreadTest, ThereIsOneAndItsUsersOwnIt) {
  EXPECT_EQ(RelayThread::get(), thread_);
  const std::weak_ptr<RelayThread> weak = thread_;
  EXPECT_EQ(weak.use_count(), 1);
}

TEST_F(RelayThreadTest, ParcelsAreDueInOrderAndEqualsAsTheyCame) {
  {
    std::lock_guard lock(thread_->mutex());
    const int64_t now = monotonic_ns();
    hold(now + 30'000'000, 3);
    hold(now + 10'000'000, 1);
    hold(now + 30'000'000, 4);
    hold(now + 20'000'000, 2);
    hold(now - 1, 0);
  }
  EXPECT_EQ(notes_.wait_for(5), (std::vector<uint64_t>{0, 1, 2, 3, 4}));
}

TEST_F(RelayThreadTest, HeldParcelsCanBeMoved) {
  {
    std::lock_guard lock(thread_->mutex());
    const int64_t far = monotonic_ns() + 3'600'000'000'000;
    for (uint64_t id = 1; id <= 4; ++id) hold(far, id);
    hold(far, 2);  // a copy
    thread_->move(other_, {{.id = 3, .out_ns = 1}});
    thread_->move(model_,
                  {{.id = 4, .out_ns = far - 2}, {.id = 2, .out_ns = 1}, {.id = 1, .out_ns = 1}});
  }
  EXPECT_EQ(notes_.wait_for(3), (std::vector<uint64_t>{1, 2, 2}));
  std::lock_guard lock(thread_->mutex());
  EXPECT_EQ(thread_->let_go(notes_)[0], 6u) << "two that were far off";
}

TEST_F(RelayThreadTest, WhatIsLetGoIsNeverDue) {
  {
    std::lock_guard lock(thread_->mutex());
    const int64_t now = monotonic_ns();
    hold(now + 20'000'000, 1);
    thread_->hold(now + 20'000'000, {.carrier = &notes_, .id = 2, .way = Way::kDown, .bytes = {1}});
    EXPECT_EQ(thread_->let_go(notes_), (std::array<uint64_t, 2>{3, 1}));
    hold(now + 40'000'000, 3);
  }
  EXPECT_EQ(notes_.wait_for(1), (std::vector<uint64_t>{3}));
}

TEST_F(RelayThreadTest, AlarmsRingUnlessTheyAreCancelled) {
  std::vector<int> rung;
  {
    std::lock_guard lock(thread_->mutex());
    const int64_t now = monotonic_ns();
    thread_->alarm(now + 20'000'000, [&] {
      rung.push_back(2);
      hold(0, 7);
    });
    const auto key = thread_->alarm(now + 10'000'000, [&] { rung.push_back(1); });
    thread_->cancel(key);
    thread_->cancel(12345);
  }
  EXPECT_EQ(notes_.wait_for(1), (std::vector<uint64_t>{7}));
  std::lock_guard lock(thread_->mutex());
  EXPECT_EQ(rung, std::vector<int>{2});
}

}  // namespace
}  // namespace callbot::network
