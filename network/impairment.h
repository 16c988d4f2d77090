// network/impairment.h: what one direction of a path does to each packet: a pure model on virtual
// time.
//
// A packet goes in at a time and comes out at another, twice, or not at all, for a reason. In this
// order: blackout and blocked kinds, loss, the bottleneck with its queue, delay with jitter,
// reordering, duplication. The same seed, packets and conditions give the same fates; each packet
// draws the same number of random numbers, so that one condition does not shift another's chances.
//
// Thread:  one at a time; the caller's.
// Owner:   Link, or a test.
// Fails:   never.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "network/bottleneck.h"
#include "network/conditions.h"
#include "network/packet_kind.h"

namespace callbot::network {

enum class Drop { kBlackout, kBlocked, kLoss, kBurst, kQueue };
inline constexpr size_t kDrops = 5;
inline constexpr std::array<const char*, kDrops> kDropNames = {"blackout", "blocked", "loss",
                                                               "burst", "queue"};

struct Fate {
  uint64_t id = 0;           // of this packet, from 1
  std::optional<Drop> drop;  // why it never comes out
  int64_t out_ns = 0;        // when it does
  bool twice = false;        // and a copy of it
};

// What really happened: in = out + all dropped + waiting.
struct Truth {
  uint64_t in = 0;
  uint64_t bytes_to_bottleneck = 0;  // of what was not lost or blocked before it
  uint64_t out = 0, bytes_out = 0;   // has left the bottleneck; copies not counted
  uint64_t waiting = 0;              // before the bottleneck now
  std::array<uint64_t, kDrops> dropped{};
  uint64_t duplicated = 0;
  uint64_t reordered = 0;                   // held back; jitter that reorders is not counted
  double delay_sum_s = 0, delay_max_s = 0;  // of `out`
  // Behind the bottleneck, where jitter is, of those that were not held back: how many, the sum of
  // their delays, and of these squared.
  uint64_t jittered = 0;
  double jittered_sum_s = 0, jittered_squares = 0;

  uint64_t dropped_all() const;
  double delay_mean_s() const { return out == 0 ? 0 : delay_sum_s / static_cast<double>(out); }
};

class Impairment {
 public:
  explicit Impairment(uint64_t seed, const Direction& direction = {}, int64_t begin_ns = 0);

  // `bytes` of the IP packet. A time before that of the packet before counts as that.
  Fate take(uint32_t bytes, PacketKind kind, int64_t in_ns);

  // From now on. What is past the bottleneck stays under way; what waits before it leaves at the
  // new pace, and its new times are returned.
  struct Moved {
    uint64_t id;
    int64_t out_ns;
  };
  std::vector<Moved> change(const Direction& direction, int64_t now_ns);
  const Direction& direction() const { return direction_; }

  Truth truth(int64_t now_ns);

 private:
  struct Draws {
    double loss, burst, state, jitter, jitter_too, reorder, duplicate;
  };
  struct Queued {  // of a packet that waits before the bottleneck
    int64_t in_ns;
    int64_t leaves_ns;  // the bottleneck
    int64_t after_ns;   // what it takes from there, by itself
    int64_t out_ns;
    uint32_t bytes;
    bool held_back;
  };
  Draws draw();
  double uniform();
  std::optional<Drop> lost(PacketKind kind, const Draws& draws);
  int64_t after_bottleneck(const Draws& draws) const;
  int64_t in_order(int64_t out_ns, bool held_back);
  void left(const Queued& packet);
  void settle(int64_t now_ns);

  std::mt19937_64 random_;  // the standard says what it gives, unlike the distributions
  Direction direction_;
  Bottleneck bottleneck_;
  bool bad_ = false;  // Gilbert-Elliott's state
  uint64_t last_id_ = 0;
  int64_t last_in_ns_ = 0;
  int64_t last_out_ns_ = 0;  // of those that nobody may overtake
  int64_t past_out_ns_ = 0;  // the same, of those past the bottleneck
  std::unordered_map<uint64_t, Queued> queued_;
  Truth truth_;
};

}  // namespace callbot::network
