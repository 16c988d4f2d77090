// tests/support/keeping_writer.h: a FrameWriter that notes what it is told and can stall or fail.
#pragma once

#include <fmt/format.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/frame.h"

namespace callbot::pipelines {

// What the writer was told; shared with the test, which outlives the writer.
struct Written {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> calls;  // "begin 1", "write 1 at 3000", "overflow 1 by 4", ...
  std::vector<Frame> frames;
  int beats = 0;
  bool inside = false;      // a call is under way
  bool overlapped = false;  // two calls were at the same time
  bool stalled = false;     // write() waits while this holds
  bool in_stall = false;
  std::string fails_at;  // the call that fails

  void stall(bool on) {
    std::lock_guard lock(mutex);
    stalled = on;
    changed.notify_all();
  }
  std::vector<std::string> said() {
    std::lock_guard lock(mutex);
    return calls;
  }
  size_t count(const std::string& what) {
    std::lock_guard lock(mutex);
    size_t found = 0;
    for (const std::string& call : calls) found += call.starts_with(what) ? 1 : 0;
    return found;
  }
  bool stuck() {
    std::lock_guard lock(mutex);
    return in_stall;
  }
};

class KeepingWriter : public FrameWriter {
 public:
  explicit KeepingWriter(std::shared_ptr<Written> written) : written_(std::move(written)) {}

  Result<> begin_track(const TrackInfo& track) override {
    return note(fmt::format("begin {}", track.id));
  }
  Result<> write(TrackId track, const Frame& frame) override {
    {
      std::lock_guard lock(written_->mutex);
      written_->frames.push_back(frame);
      written_->frames.back().owner = nullptr;
      written_->frames.back().bytes = {};
    }
    return note(fmt::format("write {} at {}", track, frame.rtp_time), true);
  }
  void overflow(TrackId track, uint64_t dropped) override {
    (void)note(fmt::format("overflow {} by {}", track, dropped));
  }
  Result<> end_track(TrackId track) override { return note(fmt::format("end {}", track)); }
  Result<> beat() override {
    std::lock_guard lock(written_->mutex);
    ++written_->beats;
    return {};
  }
  Result<> finish() override { return note("finish"); }

 private:
  Result<> note(std::string call, bool may_stall = false) {
    std::unique_lock lock(written_->mutex);
    written_->overlapped |= written_->inside;
    written_->inside = true;
    written_->in_stall = may_stall && written_->stalled;
    written_->changed.wait(lock, [&] { return !may_stall || !written_->stalled; });
    written_->in_stall = written_->inside = false;
    const bool fails = call == written_->fails_at;
    written_->calls.push_back(std::move(call));
    if (fails) return fail(Code::kStorage, "the disk is full");
    return {};
  }
  std::shared_ptr<Written> written_;
};

}  // namespace callbot::pipelines
