// pipelines/rtcp_counts.h: what RTCP says in both directions of one connection: requests counted by
// the stream they are about, and the round trip time.
//
// Counted are RTCP packets, as W3C webrtc-stats' nackCount, pliCount and firCount are: one that
// asks for ten lost packets is one. rtpsession's own counters are of what it was asked to send, and
// webrtcbin passes only some of them on.
//
// The round trip time is that of our sender reports: from when a report left until its echo in a
// report block came, less the time that the other end held it (RFC 3550, 6.4.1: LSR, DLSR). Both
// times are of our own clock. Who sends nothing has no sender reports, and so no round trip time.
//
// What was lost is what the other end's report blocks say of a stream of ours: the cumulative
// number of packets lost and the extended highest sequence number, each against the block before
// (RFC 3550, A.3). What was counted as lost and came late is taken off what is lost next. What was
// expected until the first block is what our sender report said we had sent, or, before there was
// one, what the block's fraction says.
//
// Thread:  any; locks for moments. Probes count on rtpsession's threads.
// Owner:   shared by Peer and the pads.
// Fails:   what is no RTCP says nothing.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace callbot::pipelines {

struct FeedbackCounts {
  uint64_t nack = 0;  // RFC 4585, 6.2.1
  uint64_t pli = 0;   // RFC 4585, 6.3.1
  uint64_t fir = 0;   // RFC 5104, 4.3.1
  friend bool operator==(const FeedbackCounts&, const FeedbackCounts&) = default;
};
struct RoundTrips {
  uint64_t count = 0;
  double sum_s = 0;
};

// Packets of one stream that report blocks are about, and how many of them did not come.
struct ReportedLoss {
  uint64_t expected = 0, lost = 0;
};

class RtcpCounts {
 public:
  // Compound packets as they leave and come; monotonic_ns().
  void sent(std::span<const uint8_t> compound, int64_t now_ns);
  void received(std::span<const uint8_t> compound, int64_t now_ns);

  // About a stream that we receive, or one that we send.
  FeedbackCounts sent_about(uint32_t ssrc) const;
  FeedbackCounts received_about(uint32_t ssrc) const;
  RoundTrips round_trips() const;
  ReportedLoss lost_of(uint32_t ssrc) const;  // of a stream that we send

 private:
  using Counts = std::map<uint32_t, FeedbackCounts>;
  // The middle 32 bits of a sender report's NTP time, and when it left.
  struct Report {
    uint32_t middle = 0;
    int64_t sent_ns = 0;
  };
  void note_report(std::span<const uint8_t> report, int64_t now_ns);
  void take_blocks(std::span<const uint8_t> report, size_t head, int64_t now_ns);
  void note_loss(std::span<const uint8_t> block);
  uint32_t expected_first(uint32_t ssrc, uint32_t fraction, uint32_t lost) const;
  void echo(uint32_t last_report, uint32_t held, int64_t now_ns);

  mutable std::mutex mutex_;
  Counts sent_, received_;
  std::array<Report, 64> reports_{};  // the newest
  size_t next_report_ = 0;
  RoundTrips trips_;
  struct Reported {
    ReportedLoss loss;
    // As of the newest block: the extended sequence number that had come, and what had not come.
    std::optional<uint32_t> highest;
    int32_t lost = 0;
    int64_t late = 0;  // of what was counted as lost, and was not yet taken off
  };
  std::map<uint32_t, Reported> lost_;
  std::map<uint32_t, uint32_t> packets_;  // as our newest sender reports say
};

// For rtpbin's send_rtcp_src and recv_rtcp_sink pads.
void count_rtcp(GstPad* pad, const std::shared_ptr<RtcpCounts>& counts, bool sent);

}  // namespace callbot::pipelines
