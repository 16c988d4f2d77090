// network/link.h: how one actor is connected to everybody else: two impaired directions, which all
// its peer connections share as they would share one line.
//
// Thread:  any; packets pass on the relays' one thread (relay_thread.h).
// Owner:   bot::Call, or a test. Relays keep what they need of it.
// Fails:   never.
#pragma once

#include <cstdint>
#include <memory>

#include "network/conditions.h"
#include "network/impairment.h"
#include "network/packet_kind.h"

namespace callbot::network {

// What left a relay, and arrives unless the real network loses it. Bytes of UDP payload.
struct Passed {
  std::array<uint64_t, kPacketKinds> packets{}, bytes{};
  uint64_t packets_of(PacketKind kind) const { return packets[static_cast<size_t>(kind)]; }
  uint64_t bytes_of(PacketKind kind) const { return bytes[static_cast<size_t>(kind)]; }
};

// One direction, since the beginning.
struct WayStats {
  Truth truth;
  Passed passed;
  // The bot's own faults: with any of them the conditions were not what they should have been.
  uint64_t refused = 0;                   // the system would not send it
  uint64_t overrun = 0;                   // came while the socket's buffer was full, never seen
  uint64_t overflow = 0;                  // more under way than is kept in memory
  double late_sum_s = 0, late_max_s = 0;  // of what passed: left so much after it was due
  uint64_t passed_all = 0;
  double late_mean_s() const {
    return passed_all == 0 ? 0 : late_sum_s / static_cast<double>(passed_all);
  }
};

struct LinkStats {
  WayStats up, down;
};

class Link {
 public:
  explicit Link(Network network = {});
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // From now on; ends the schedule.
  void set(const Conditions& conditions);
  Conditions conditions() const;
  // Time 0 of the schedule; only the first call counts.
  void begin_schedule();
  LinkStats stats() const;

  struct Impl;

 private:
  friend class Relay;
  std::shared_ptr<Impl> impl_;
};

}  // namespace callbot::network
