#include "recordings/lip_sync.h"

#include <algorithm>
#include <cstdlib>

namespace callbot::recordings {

int64_t LipSync::place(TrackId track, std::optional<int64_t> ntp_ns, int64_t time_ns) {
  const auto [found, fresh] = shifts_.try_emplace(track, Shift{0, time_ns});
  Shift& s = found->second;
  const int64_t most = std::max<int64_t>(time_ns - s.last_ns, 0) / kSlowness;
  s.last_ns = std::max(s.last_ns, time_ns);
  if (ntp_ns && offset_ns_) {
    const int64_t target = *ntp_ns - time_ns - *offset_ns_;
    if (std::abs(target) <= kMostShiftNs)
      s.shift_ns += std::clamp(target - s.shift_ns, -most, most);
  }
  return time_ns + s.shift_ns;
}

}  // namespace callbot::recordings
