#include "pipelines/header_log.h"

#include <gst/gst.h>

#include <algorithm>
#include <iterator>

namespace callbot::pipelines {

void HeaderLog::note(int64_t at_ns, std::span<const uint8_t> head, size_t bytes) {
  if (head.size() < 12) return;
  const RtpArrival one{.at_ns = at_ns,
                       .ssrc = GST_READ_UINT32_BE(head.data() + 8),
                       .rtp_time = GST_READ_UINT32_BE(head.data() + 4),
                       .bytes = static_cast<uint32_t>(bytes),
                       .sequence = GST_READ_UINT16_BE(head.data() + 2),
                       .payload_type = static_cast<uint8_t>(head[1] & 0x7f),
                       .marker = (head[1] & 0x80) != 0};
  const std::lock_guard lock(mutex_);
  if (newest_.size() < most_)
    newest_.push_back(one);
  else
    newest_[next_] = one;
  next_ = (next_ + 1) % most_;
}

std::vector<RtpArrival> HeaderLog::between(int64_t from_ns, int64_t to_ns) const {
  std::vector<RtpArrival> found;
  {
    const std::lock_guard lock(mutex_);
    std::copy_if(newest_.begin(), newest_.end(), std::back_inserter(found),
                 [&](const RtpArrival& one) { return one.at_ns >= from_ns && one.at_ns < to_ns; });
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const RtpArrival& a, const RtpArrival& b) { return a.at_ns < b.at_ns; });
  return found;
}

}  // namespace callbot::pipelines
