// pipelines/pattern_seed.h: numbers that look random and are always the same.
//
// Thread:  any; pure functions.
// Owner:   nobody.
// Fails:   never.
#pragma once

#include <cstdint>

namespace callbot::pipelines {

// Well mixed bits of both (the finaliser of SplitMix64).
constexpr uint64_t mix_seed(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// In [0, 1).
constexpr double seed_unit(uint64_t seed, uint64_t number) {
  return static_cast<double>(mix_seed(seed, number) >> 11) * 0x1p-53;
}

}  // namespace callbot::pipelines
