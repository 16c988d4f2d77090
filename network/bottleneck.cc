#include "network/bottleneck.h"

#include <algorithm>
#include <cmath>

namespace callbot::network {
namespace {

int64_t line_time(double bytes, double rate) { return std::llround(bytes * 8e9 / rate); }

}  // namespace

Bottleneck::Next Bottleneck::next(uint32_t bytes, int64_t now) const {
  if (trace_) return next_of_trace(bytes, now);
  if (rate_ <= 0) return {now, now, 0, 0};
  const int64_t leaves = std::max(now, free_ns_) + line_time(bytes, rate_);
  return {leaves, leaves, 0, 0};
}

// Takes bytes of opportunities until the packet is through; it leaves with its last byte.
Bottleneck::Next Bottleneck::next_of_trace(uint32_t bytes, int64_t now) const {
  uint64_t at = trace_->first_at(now - trace_begin_ns_);
  uint32_t used = 0;
  if (opportunity_ >= at) {
    at = opportunity_;
    used = used_;
  }
  uint32_t rest = bytes;
  while (rest > 0) {
    if (used == kOpportunityBytes) {
      ++at;
      used = 0;
    }
    const uint32_t part = std::min(rest, kOpportunityBytes - used);
    rest -= part;
    used += part;
  }
  const int64_t leaves = std::max(now, trace_begin_ns_ + trace_->time_ns(at));
  return {leaves, leaves, at, used};
}

void Bottleneck::take(const Next& next) {
  free_ns_ = next.free_ns;
  opportunity_ = next.opportunity;
  used_ = next.used;
}

bool Bottleneck::fits(uint32_t bytes, int64_t wait_ns) const {
  if (queue_bytes_ != 0 && backlog_ + bytes > queue_bytes_) return false;
  return queue_ns_ == 0 || wait_ns <= queue_ns_;
}

std::optional<int64_t> Bottleneck::admit(uint64_t id, uint32_t bytes, int64_t now) {
  settle(now);
  if (rate_ <= 0 && !trace_) return now;
  const Next found = next(bytes, now);
  // Its own time on the line is no wait.
  const int64_t wait = found.leaves_ns - now - (trace_ ? 0 : line_time(bytes, rate_));
  if (!fits(bytes, wait)) return std::nullopt;
  take(found);
  if (found.leaves_ns > now) {
    waiting_.push_back({id, bytes, found.leaves_ns});
    backlog_ += bytes;
  }
  return found.leaves_ns;
}

void Bottleneck::settle(int64_t now) {
  while (!waiting_.empty() && waiting_.front().leaves_ns <= now) {
    backlog_ -= waiting_.front().bytes;
    waiting_.pop_front();
  }
}

const std::deque<Bottleneck::Waiting>& Bottleneck::change(const Direction& d, int64_t now) {
  settle(now);
  // The part of the first packet that is still before the line.
  double first = 1;
  if (!waiting_.empty() && rate_ > 0)
    first = std::min(1.0, static_cast<double>(waiting_.front().leaves_ns - now) /
                              static_cast<double>(line_time(waiting_.front().bytes, rate_)));
  if (d.trace != trace_) {
    trace_begin_ns_ = now;
    opportunity_ = 0;
    used_ = 0;
  }
  const bool same_pace = d.trace == trace_ && (d.trace || d.rate == rate_);
  rate_ = d.trace ? 0 : d.rate;
  trace_ = d.trace;
  queue_bytes_ = d.queue_bytes;
  const bool unsaid = d.queue_bytes == 0 && d.queue_s <= 0;
  queue_ns_ = std::llround((unsaid ? kUsualQueue : d.queue_s) * 1e9);
  if (same_pace) return waiting_;  // their times stand
  free_ns_ = now;
  for (Waiting& packet : waiting_) {
    const auto bytes =
        static_cast<uint32_t>(std::max(1.0, std::round(first * static_cast<double>(packet.bytes))));
    first = 1;
    const Next found = next(bytes, now);
    take(found);
    packet.leaves_ns = found.leaves_ns;
  }
  return waiting_;
}

}  // namespace callbot::network
