#include "pipelines/rtp_run.h"

#include <algorithm>

namespace callbot::pipelines {
namespace {

// The depayloaders' own "max-reorder": a sequence number this much older is a new beginning.
constexpr int kMostReordered = 100;

uint32_t big_endian(std::span<const uint8_t> bytes) {
  uint32_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

std::optional<RtpPacket> read_rtp_header(std::span<const uint8_t> head) {
  constexpr size_t kFixed = 12;
  if (head.size() < kFixed || head[0] >> 6 != 2) return std::nullopt;
  RtpPacket packet;
  packet.marker = (head[1] & 0x80) != 0;
  packet.sequence = static_cast<uint16_t>(big_endian(head.subspan(2, 2)));
  packet.time = big_endian(head.subspan(4, 4));
  packet.ssrc = big_endian(head.subspan(8, 4));
  packet.header_bytes = kFixed + size_t{4} * (head[0] & 0x0fu);
  if ((head[0] & 0x10) != 0 && head.size() >= packet.header_bytes + 4)
    packet.header_bytes += 4 + 4 * big_endian(head.subspan(packet.header_bytes + 2, 2));
  return packet;
}

void RtpRun::extend(const RtpPacket& packet) {
  if (!last_) {
    extended_ = packet.time;
  } else if (packet.ssrc == last_->ssrc) {
    extended_ += static_cast<int32_t>(packet.time - last_->time);
  } else {
    // Another SSRC counts from a number of its own: go on by the time that passed.
    const int64_t passed_ns = std::max<int64_t>(packet.arrival_ns - last_->arrival_ns, 0);
    extended_ += std::max<int64_t>(
        static_cast<int64_t>(static_cast<double>(passed_ns) * 1e-9 * clock_rate_), 1);
  }
}

RtpRun::Step RtpRun::take(const RtpPacket& packet) {
  Step step = Step::kNext;
  if (last_ && packet.ssrc != last_->ssrc) {
    step = Step::kOtherSender;
  } else if (last_) {
    const int ahead = static_cast<int16_t>(packet.sequence - last_->sequence);
    if (ahead <= 0 && ahead > -kMostReordered) return Step::kOld;
    if (ahead != 1) step = Step::kAfterLoss;
  }
  const bool same_unit = last_ && step != Step::kOtherSender && packet.time == last_->time;
  extend(packet);
  const bool kept = !same_unit && unit_before_.ended && !unit_before_.hole && !unit_before_.seen;
  kept_one_ = kept ? std::optional(unit_before_.rtp_time) : std::nullopt;
  if (same_unit) {
    unit_.first_arrival_ns = std::min(unit_.first_arrival_ns, packet.arrival_ns);
    unit_.last_arrival_ns = std::max(unit_.last_arrival_ns, packet.arrival_ns);
    unit_.hole |= step != Step::kNext;
    ++unit_.packets;
  } else {
    unit_before_ = unit_;
    unit_before_.hole |= last_ && step != Step::kNext && !last_->marker;
    unit_ = {.pts = packet.pts,
             .rtp_time = extended_,
             .first_arrival_ns = packet.arrival_ns,
             .last_arrival_ns = packet.arrival_ns,
             .ntp_ns = packet.ntp_ns,
             .packets = 1};
  }
  unit_.ended |= packet.marker;
  last_ = packet;
  return step;
}

const RtpUnit& RtpRun::see(uint64_t frame_pts) {
  const bool before =
      frame_pts != UINT64_MAX && frame_pts != unit_.pts && frame_pts == unit_before_.pts;
  RtpUnit& unit = before ? unit_before_ : unit_;
  unit.seen = true;
  return unit;
}

}  // namespace callbot::pipelines
