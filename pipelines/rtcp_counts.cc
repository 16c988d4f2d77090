#include "pipelines/rtcp_counts.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "pipelines/gst_glue.h"
#include "pipelines/rtcp.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kFeedbackHead = 12, kFirEntry = 8;
constexpr size_t kReportBlock = 24;
constexpr size_t kMostSsrcs = 1000;
constexpr uint32_t kMostExpected = 1u << 24;  // more is a stream that began anew
constexpr uint32_t kMostOvertaken = 3000;     // packets; a block so old was overtaken by another
constexpr double kMostTripSeconds = 60;       // an older echo is of another connection

// Each packet of a compound one, as far as they are whole.
void each_packet(std::span<const uint8_t> compound,
                 const std::function<void(std::span<const uint8_t>)>& take) {
  for (auto packet = first_rtcp_packet(compound); !packet.empty();
       packet = first_rtcp_packet(compound)) {
    take(packet);
    compound = compound.subspan(packet.size());
  }
}

template <class T>
T* of(std::map<uint32_t, T>& all, uint32_t ssrc) {
  const auto found = all.find(ssrc);
  if (found != all.end()) return &found->second;
  return all.size() < kMostSsrcs ? &all[ssrc] : nullptr;
}

void count(std::map<uint32_t, FeedbackCounts>& all, std::span<const uint8_t> packet) {
  if (packet.size() < kFeedbackHead) return;
  const uint8_t type = packet[1], format = packet[0] & 0x1f;
  const uint32_t media = rtcp_word(packet, 8);
  if (type == kTransportFeedback && format == kNack) {
    if (auto* counts = of(all, media)) ++counts->nack;
  } else if (type == kPayloadFeedback && format == kPli) {
    if (auto* counts = of(all, media)) ++counts->pli;
  } else if (type == kPayloadFeedback && format == kFir) {
    // Whose picture it is stands in the entries; in the head there is 0.
    for (size_t at = kFeedbackHead; at + kFirEntry <= packet.size(); at += kFirEntry)
      if (auto* counts = of(all, rtcp_word(packet, at))) ++counts->fir;
  }
}

}  // namespace

void RtcpCounts::sent(std::span<const uint8_t> compound, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  each_packet(compound, [&](std::span<const uint8_t> packet) {
    if (packet[1] == kSenderReport) note_report(packet, now_ns);
    count(sent_, packet);
  });
}

void RtcpCounts::received(std::span<const uint8_t> compound, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  each_packet(compound, [&](std::span<const uint8_t> packet) {
    if (packet[1] == kSenderReport) take_blocks(packet, kSenderReportHead, now_ns);
    if (packet[1] == kReceiverReport) take_blocks(packet, kReceiverReportHead, now_ns);
    count(received_, packet);
  });
}

void RtcpCounts::note_report(std::span<const uint8_t> report, int64_t now_ns) {
  if (report.size() < kSenderReportHead) return;
  if (auto* packets = of(packets_, rtcp_word(report, 4))) *packets = rtcp_word(report, 20);
  reports_[next_report_++ % reports_.size()] = {
      rtcp_word(report, 8) << 16 | rtcp_word(report, 12) >> 16, now_ns};
}

void RtcpCounts::take_blocks(std::span<const uint8_t> report, size_t head, int64_t now_ns) {
  const size_t blocks = report[0] & 0x1f;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t at = head + i * kReportBlock;
    if (at + kReportBlock > report.size()) return;
    note_loss(report.subspan(at, kReportBlock));
    echo(rtcp_word(report, at + 16), rtcp_word(report, at + 20), now_ns);
  }
}

// 0: it is not known.
uint32_t RtcpCounts::expected_first(uint32_t ssrc, uint32_t fraction, uint32_t lost) const {
  const auto sent = packets_.find(ssrc);
  if (sent != packets_.end()) return std::max(sent->second, lost);
  return fraction == 0 ? 0 : lost * 256 / fraction;
}

void RtcpCounts::note_loss(std::span<const uint8_t> block) {
  const uint32_t ssrc = rtcp_word(block, 0), highest = rtcp_word(block, 8);
  auto* reported = of(lost_, ssrc);
  if (reported == nullptr) return;
  // 24 bits with a sign: what came twice is taken off.
  const auto lost = static_cast<int32_t>(rtcp_word(block, 4) << 8) >> 8;
  const auto before = reported->highest;
  const uint32_t expected = before ? highest - *before : 0;
  if (before && 0 - expected <= kMostOvertaken) return;  // nothing new, or an old block
  const int32_t more = lost - reported->lost;
  reported->highest = highest;
  reported->lost = lost;
  if (!before) {
    const auto so_far = static_cast<uint32_t>(std::max(lost, 0));
    const uint32_t first = expected_first(ssrc, block[4], so_far);
    reported->loss.expected += std::max(first, 1u);
    reported->loss.lost += first == 0 ? 0 : so_far;
    return;
  }
  if (expected > kMostExpected) return;
  reported->loss.expected += expected;
  const int64_t news = int64_t{more} - reported->late;
  const int64_t counted = std::clamp<int64_t>(news, 0, expected);
  reported->loss.lost += static_cast<uint64_t>(counted);
  reported->late = std::max<int64_t>(-news, 0);
}

// No sender report has come there yet: both are 0 (W3C webrtc-stats, roundTripTime).
void RtcpCounts::echo(uint32_t last_report, uint32_t held, int64_t now_ns) {
  if (last_report == 0 || held == 0) return;
  const auto sent = std::find_if(reports_.begin(), reports_.end(), [&](const Report& r) {
    return r.sent_ns != 0 && r.middle == last_report;
  });
  if (sent == reports_.end()) return;
  const double trip = static_cast<double>(now_ns - sent->sent_ns) / 1e9 - held / 65536.0;
  if (trip > kMostTripSeconds || trip < -kMostTripSeconds) return;
  ++trips_.count;
  trips_.sum_s += std::max(trip, 0.0);  // both are rounded
}

FeedbackCounts RtcpCounts::sent_about(uint32_t ssrc) const {
  const std::lock_guard lock(mutex_);
  const auto found = sent_.find(ssrc);
  return found == sent_.end() ? FeedbackCounts() : found->second;
}

FeedbackCounts RtcpCounts::received_about(uint32_t ssrc) const {
  const std::lock_guard lock(mutex_);
  const auto found = received_.find(ssrc);
  return found == received_.end() ? FeedbackCounts() : found->second;
}

RoundTrips RtcpCounts::round_trips() const {
  const std::lock_guard lock(mutex_);
  return trips_;
}

ReportedLoss RtcpCounts::lost_of(uint32_t ssrc) const {
  const std::lock_guard lock(mutex_);
  const auto found = lost_.find(ssrc);
  return found == lost_.end() ? ReportedLoss() : found->second.loss;
}

void count_rtcp(GstPad* pad, const std::shared_ptr<RtcpCounts>& counts, bool sent) {
  add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, [counts, sent](GstPadProbeInfo* info) {
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    GstMapInfo map;
    // None: a probe before this one has taken it.
    if (buffer == nullptr || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
    if (sent)
      counts->sent({map.data, map.size}, monotonic_ns());
    else
      counts->received({map.data, map.size}, monotonic_ns());
    gst_buffer_unmap(buffer, &map);
    return GST_PAD_PROBE_OK;
  });
}

}  // namespace callbot::pipelines
