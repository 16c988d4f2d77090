// quality/sender_log.h: when a marked frame was captured, by who sent it and its counter.
//
// Senders of this process log each frame (CaptureLog). Of others it is known by their plan
// (PlannedLog): when frame 0 was and how many come a second, told over the network with an
// uncertainty. So are senders of our own test pattern, exactly: frame n is captured at its
// begin_ns() plus n / fps, and that is known before the frame is there. All times are
// monotonic_ns() of this host.
//
// Thread:  any; locks for moments.
// Owner:   shared by all who measure.
// Fails:   nullopt for what nobody logged.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/captured.h"

namespace callbot::quality {

class SenderLog {
 public:
  virtual ~SenderLog() = default;
  virtual std::optional<Captured> captured(uint16_t source, uint32_t counter) const = 0;
  // The newest frame that was captured at that time or before.
  virtual std::optional<uint32_t> newest(uint16_t source, int64_t at_ns) const = 0;

  // The same of chirps: number n begins with second n. `fps`: of the sender's frames, where no
  // plan says it.
  virtual std::optional<Captured> captured_chirp(uint16_t source, int64_t number, int fps) const;
  virtual std::optional<int64_t> newest_chirp(uint16_t source, int64_t at_ns, int fps) const;

  // Of who is heard while he sends, so that his chirps have times and no numbers: the last one that
  // went that way, at that time or before. All are known until chirps_told_until(); 0: none is.
  virtual std::optional<Captured> chirp_before(uint16_t /*source*/, bool /*up*/,
                                               int64_t /*at_ns*/) const {
    return std::nullopt;
  }
  virtual int64_t chirps_told_until(uint16_t /*source*/) const { return 0; }
};

// Of each source the newest 8192 frames, four and a half minutes at 30 a second.
class CaptureLog final : public SenderLog {
 public:
  void add(uint16_t source, uint32_t counter, int64_t captured_ns);
  std::optional<Captured> captured(uint16_t source, uint32_t counter) const override;
  std::optional<uint32_t> newest(uint16_t source, int64_t at_ns) const override;

 private:
  struct Entry {
    uint32_t counter = 0;
    int64_t at_ns = 0;  // 0: none
  };
  struct Source {
    std::vector<Entry> entries;  // by the counter's last bits
    uint32_t last = 0;
  };
  mutable std::mutex mutex_;
  std::map<uint16_t, Source> sources_;
};

class PlannedLog final : public SenderLog {
 public:
  struct Plan {
    int64_t start_ns = 0;  // of its first frame
    double fps = 30;
    int64_t uncertainty_ns = 0;  // at told_ns, and further from it by `drift` more
    uint32_t first = 0;          // the counter of its first frame
    int64_t told_ns = 0;
    double drift = 0;  // seconds a second
  };
  void set(uint16_t source, const Plan& plan);
  void forget(uint16_t source);
  // The same frames come at another rate from this one on, later than any before it; what is left
  // of the plan follows. Nothing happens where there is no plan yet.
  void change_rate(uint16_t source, uint32_t first, double fps);
  std::optional<Captured> captured(uint16_t source, uint32_t counter) const override;
  std::optional<uint32_t> newest(uint16_t source, int64_t at_ns) const override;
  std::optional<Captured> captured_chirp(uint16_t source, int64_t number, int fps) const override;
  std::optional<int64_t> newest_chirp(uint16_t source, int64_t at_ns, int fps) const override;

 private:
  mutable std::mutex mutex_;
  // Those of one source one after the other.
  std::map<uint16_t, std::vector<Plan>> plans_;
};

// Several logs as one: what the first of them knows.
class JoinedLog final : public SenderLog {
 public:
  explicit JoinedLog(std::vector<std::shared_ptr<const SenderLog>> logs) : logs_(std::move(logs)) {}
  std::optional<Captured> captured(uint16_t source, uint32_t counter) const override;
  std::optional<uint32_t> newest(uint16_t source, int64_t at_ns) const override;
  std::optional<Captured> captured_chirp(uint16_t source, int64_t number, int fps) const override;
  std::optional<int64_t> newest_chirp(uint16_t source, int64_t at_ns, int fps) const override;
  std::optional<Captured> chirp_before(uint16_t source, bool up, int64_t at_ns) const override;
  int64_t chirps_told_until(uint16_t source) const override;

 private:
  const std::vector<std::shared_ptr<const SenderLog>> logs_;
};

}  // namespace callbot::quality
