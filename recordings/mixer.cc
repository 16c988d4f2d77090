#include "recordings/mixer.h"

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kOpenEarlyNs = kSecond / 10;  // more than what any decoder moves a packet by

int64_t time_of(int64_t frame) { return av_rescale(frame, kSecond, Mixer::kFormat.rate); }

}  // namespace

Mixer::Mixer(std::filesystem::path folder, const Timeline& timeline)
    : folder_(std::move(folder)), levels_(timeline.participants.size()) {
  for (size_t i = 0; i < timeline.participants.size(); ++i) {
    const TimelineParticipant& p = timeline.participants[i];
    if (p.recorder) continue;
    // A voice and what sounds on a shared screen are to be heard together.
    for (const bool screen : {false, true}) {
      Lane lane{i, {}};
      for (const TimelinePiece& piece : p.audio.pieces) {
        if ((piece.source == "screen") == screen) lane.pieces.push_back(piece);
      }
      if (!lane.pieces.empty()) lanes_.push_back(std::move(lane));
    }
  }
}

Result<> Mixer::add(Lane& lane, std::span<float> sum) {
  const size_t frames = sum.size() / 2;
  const int64_t end_ns = time_of(position_ + static_cast<int64_t>(frames));
  if (lane.over || lane.pieces.front().offset_ns - kOpenEarlyNs > end_ns) return {};
  if (!lane.sound)
    lane.sound = std::make_unique<LaneSound>(folder_, lane.pieces, kFormat, time_of(position_));
  one_.resize(sum.size());
  if (auto read = lane.sound->read(one_); !read) {
    if (read.error().code != Code::kUnsupported) return read;
    notes_.push_back(read.error().message);
    lane.over = true;
    lane.sound.reset();
    return {};
  }
  double energy = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i] += one_[i];
    energy += static_cast<double>(one_[i]) * one_[i];
  }
  float& level = levels_[lane.participant];
  level = std::max(level, static_cast<float>(std::sqrt(energy / static_cast<double>(sum.size()))));
  if (!lane.sound->ended()) return {};
  for (const std::string& note : lane.sound->notes()) {
    if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(note);
  }
  lane.over = true;
  lane.sound.reset();
  return {};
}

Result<> Mixer::mix(std::span<float> sum) {
  std::fill(sum.begin(), sum.end(), 0.0F);
  std::fill(levels_.begin(), levels_.end(), 0.0F);
  for (Lane& lane : lanes_) {
    if (auto added = add(lane, sum); !added) return added;
  }
  position_ += static_cast<int64_t>(sum.size() / 2);
  limiter_.process(sum);
  return {};
}

Result<> Mixer::read(std::span<float> samples) {
  if (position_ == 0) {
    std::vector<float> ahead(static_cast<size_t>(Limiter::kLookAhead) * 2);
    if (auto mixed = mix(ahead); !mixed) return mixed;
  }
  return mix(samples);
}

}  // namespace callbot::recordings
