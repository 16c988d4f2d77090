// network/link.h: how one actor is connected to everybody else: two impaired directions, which all
// its peer connections share as they would share one line.
//
// Thread:  any; packets pass on the relays' one thread (relay_thread.h).
// Owner:   bot::Call, bot::ScenarioPage, or a test. Relays keep what they need of it.
// Fails:   never.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "network/conditions.h"
#include "network/impairment.h"
#include "network/packet_kind.h"

namespace callbot::network {

// Packets by kind, and bytes of UDP payload.
struct Traffic {
  std::array<uint64_t, kPacketKinds> packets{}, bytes{};
  uint64_t packets_of(PacketKind kind) const { return packets[static_cast<size_t>(kind)]; }
  uint64_t bytes_of(PacketKind kind) const { return bytes[static_cast<size_t>(kind)]; }
};

// One direction, since the beginning.
struct WayStats {
  Truth truth;
  Traffic arrived;  // at a relay
  Traffic passed;   // left it, copies too; the real network may lose them yet
  // The bot's own faults: with any of them the conditions were not what they should have been.
  uint64_t refused = 0;                   // the system would not send it
  uint64_t overrun = 0;                   // came while the socket's buffer was full, never seen
  uint64_t overflow = 0;                  // more under way than is kept in memory
  uint64_t strangers = 0;                 // of nobody that is known, and did not begin with STUN
  double late_sum_s = 0, late_max_s = 0;  // of what passed: left so much after it was due
  uint64_t passed_all = 0;
  double late_mean_s() const {
    return passed_all == 0 ? 0 : late_sum_s / static_cast<double>(passed_all);
  }
};

struct LinkStats {
  WayStats up, down;
};

// A while under the same conditions.
struct Phase {
  Conditions conditions;
  int64_t begin_ns = 0, end_ns = 0;  // monotonic_ns(); the last one has lasted until now
  LinkStats before, after;
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
  uint64_t seed() const;
  // Time 0 of the schedule; only the first call counts.
  void begin_schedule();
  LinkStats stats() const;
  // Since the beginning, the last one being the current one. begin_schedule() starts anew if
  // nothing has come until then.
  std::vector<Phase> phases() const;

  struct Impl;

 private:
  friend class Relay;
  std::shared_ptr<Impl> impl_;
};

}  // namespace callbot::network
