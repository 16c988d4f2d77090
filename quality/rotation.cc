#include "quality/rotation.h"

#include <algorithm>
#include <cmath>

#include "base/cpu_allowance.h"

namespace callbot::quality {
namespace {

constexpr int64_t kRound_ns = 15'000'000'000;  // in which everybody has a turn
constexpr size_t kEachProcessor = 4;

}  // namespace

size_t Rotation::usual_together() {
  return kEachProcessor * static_cast<size_t>(std::ceil(CpuAllowance().processors()));
}

size_t Rotation::together() const {
  int64_t all_ns = 0;
  for (const Place& place : places_) all_ns += place.window_ns;
  return std::clamp<size_t>(static_cast<size_t>((all_ns + kRound_ns - 1) / kRound_ns), 1,
                            most_together_);
}

Rotation::Member Rotation::enroll(int64_t window_ns) {
  const std::lock_guard lock(mutex_);
  places_.push_back({++newest_, window_ns});
  return newest_;
}

void Rotation::leave(Member member) {
  const std::lock_guard lock(mutex_);
  places_.remove_if([&](const Place& place) { return place.member == member; });
}

bool Rotation::is_turn(Member member, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  const size_t turns = std::min(together(), places_.size());
  auto place = places_.begin();
  for (size_t i = 0; i < turns; ++i) {
    if (place->since_ns == 0) place->since_ns = now_ns;
    const auto next = std::next(place);
    if (now_ns - place->since_ns >= (place->begun ? 1 : 2) * place->window_ns) {
      place->since_ns = 0;
      place->begun = false;
      places_.splice(places_.end(), places_, place);
    }
    place = next;
  }
  place = places_.begin();
  for (size_t i = 0; i < turns; ++i, ++place) {
    if (place->since_ns == 0) place->since_ns = now_ns;
    if (place->member == member) return true;
  }
  return false;
}

void Rotation::begun(Member member, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  const auto place = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& p) { return p.member == member; });
  if (place == places_.end() || place->since_ns == 0 || place->begun) return;
  place->begun = true;
  place->since_ns = now_ns;
}

}  // namespace callbot::quality
