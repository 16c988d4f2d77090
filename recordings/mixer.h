// recordings/mixer.h: everybody's sound together, on the recording's clock, and how loud each is.
//
// 48 kHz stereo. Everybody counts as it is; where the sum would clip, the limiter turns it down for
// a moment. Lanes are opened when their time comes.
//
// Thread:  one; decodes, blocks on the file system.
// Owner:   compose().
// Fails:   as LaneSound; a codec without a decoder is a note and silence.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "recordings/lane_sound.h"
#include "recordings/limiter.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

class Mixer {
 public:
  static constexpr SoundFormat kFormat{48000, 2};

  Mixer(std::filesystem::path folder, const Timeline& timeline);

  // The next samples, interleaved.
  Result<> read(std::span<float> samples);
  // Of the last read, RMS, 0..1, one for each participant.
  const std::vector<float>& levels() const { return levels_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Lane {
    size_t participant;
    std::vector<TimelinePiece> pieces;
    std::unique_ptr<LaneSound> sound = {};
    bool over = false;
  };
  Result<> add(Lane& lane, std::span<float> sum);
  Result<> mix(std::span<float> sum);

  std::filesystem::path folder_;
  std::vector<Lane> lanes_;
  int64_t position_ = 0;  // frames mixed so far
  Limiter limiter_;
  std::vector<float> one_;  // a lane's samples
  std::vector<float> levels_;
  std::vector<std::string> notes_;
};

}  // namespace callbot::recordings
