// What is read of RTCP, ours and the other end's: requests and round trip times.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "pipelines/rtcp_counts.h"

// The first byte says how much of the rest is ours.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  const size_t ours = std::min<size_t>(size_t{4} * data[0], bytes.size());
  callbot::pipelines::RtcpCounts counts;
  counts.sent(bytes.first(ours), 1'000'000'000);
  counts.received(bytes.subspan(ours), 3'000'000'000);
  const auto trips = counts.round_trips();
  if (trips.sum_s < 0 || trips.sum_s > 2 * static_cast<double>(trips.count)) std::abort();
  if (trips.count > bytes.size() / 24) std::abort();
  for (const uint32_t ssrc : {0U, 1U}) {
    const auto asked = counts.received_about(ssrc);
    if (asked.nack + asked.pli > bytes.size() / 12 || asked.fir > bytes.size() / 8) std::abort();
  }
  return 0;
}
