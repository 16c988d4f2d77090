// network/link_impl.h: what a Link and its relays share.
//
// Thread:  any, with the relay thread's mutex held.
// Owner:   shared by the Link and its relays.
// Fails:   never.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "network/link.h"
#include "network/relay_thread.h"

namespace callbot::network {

struct Link::Impl {
  explicit Impl(Network network);

  struct Begin {  // of a phase
    int64_t at_ns;
    Conditions conditions;
    LinkStats stats;
  };

  Impairment& model(Way way) { return way == Way::kUp ? up : down; }
  WayStats& stats(Way way) { return way == Way::kUp ? counted.up : counted.down; }
  Conditions conditions() const { return {up.direction(), down.direction()}; }
  LinkStats stats_at(int64_t now_ns);
  void apply(const Conditions& conditions);
  void begin_phase(int64_t now_ns) { begins.push_back({now_ns, conditions(), stats_at(now_ns)}); }
  void next_step();
  // Relays that are done with, to be destroyed without the mutex.
  std::vector<std::unique_ptr<Carrier>> expired(int64_t now_ns);

  const std::shared_ptr<RelayThread> thread = RelayThread::get();
  Network network;
  Impairment up, down;
  LinkStats counted;  // but for `truth`
  std::vector<Begin> begins;
  std::array<uint64_t, 2> held_bytes{};
  bool scheduled = false;
  int64_t schedule_begin_ns = 0;
  size_t step = 0;
  RelayThread::Key alarm = 0;
  // Relays whose peers have ended: what these say at their end (DTLS' close) still passes.
  std::vector<std::pair<int64_t, std::unique_ptr<Carrier>>> leaving;  // until when
  bool closed = false;
};

}  // namespace callbot::network
