// tests/quality/watched_call.h: bob measures alice, of whom all is known.
//
// Thread:  one.
// Owner:   values.
// Fails:   never.
#pragma once

#include <memory>
#include <utility>

#include "tests/support/measured.h"

namespace callbot::test {

constexpr double kLatency = 0.1, kDelay = 0.04;  // seconds: of the playout, of the network

inline quality::WatchConfig all(std::shared_ptr<const quality::SenderLog> log = log_of(1, 600)) {
  return {.actor = "bob",
          .verify = quality::Verify::kAll,
          .latency_ns = 100'000'000,
          .joined_ns = at_second(-0.5),
          .log = std::move(log)};
}
inline quality::Member alice(uint16_t source = 1) {
  return {.sender = {.source = source, .fps = 30}};
}

// Small, and every frame a key frame: what is dropped harms no other.
inline VideoRecipe pictures(int frames) {
  return {.width = 192, .height = 108, .frames = frames, .key_every = 1};
}

}  // namespace callbot::test
