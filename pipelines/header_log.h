// pipelines/header_log.h: the RTP headers of what came in, as it came: before anything is held
// back, dropped or put in order. What was sent once more (RFC 4588) is there as the packet that it
// repairs.
//
// Thread:  any: streaming threads note, anybody reads.
// Owner:   shared by who wants it and the peers that note in it.
// Fails:   never. Only the newest are kept.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace callbot::pipelines {

// RFC 3550, 5.1.
struct RtpArrival {
  int64_t at_ns = 0;  // monotonic_ns()
  uint32_t ssrc = 0;
  uint32_t rtp_time = 0;
  uint32_t bytes = 0;  // the whole packet
  uint16_t sequence = 0;
  uint8_t payload_type = 0;
  bool marker = false;
};

class HeaderLog {
 public:
  // 24 bytes each: a minute of 40 streams of 400 packets a second.
  static constexpr size_t kMost = 1'000'000;
  explicit HeaderLog(size_t most = kMost) : most_(most) {}

  // `head`: the packet's first 12 bytes or more; of fewer nothing is kept.
  void note(int64_t at_ns, std::span<const uint8_t> head, size_t bytes);
  // In the order of their arrival.
  std::vector<RtpArrival> between(int64_t from_ns, int64_t to_ns) const;

 private:
  const size_t most_;
  mutable std::mutex mutex_;        // for what follows
  std::vector<RtpArrival> newest_;  // a ring once it is full
  size_t next_ = 0;
};

}  // namespace callbot::pipelines
