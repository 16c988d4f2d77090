// bot/page_ear.h: finds the chirps in one track of sound that a page hears or sends, in our time.
//
// A page gives a track's sound in stretches, each with when it came at the earliest. What a page is
// late by to look is not the sound's: the earliest of the last stretches counts, unless a stretch
// came so much later that the sound itself stood still. Where it came later by half a second some
// of it may be lost, and it is begun with anew.
//
// Thread:  loop.
// Owner:   PageListener, one for each track; ScenarioPage, of its own microphone.
// Fails:   never; what is not found for sure is not reported.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/audio_mark.h"
#include "browsers/page_sound.h"

namespace callbot::bot {

struct EarChirp {
  bool up = false;
  int64_t at_ns = 0;        // its beginning, monotonic_ns()
  int64_t in_sound_ns = 0;  // its place in the track
  double position = 0;      // in samples of 48 kHz since this ear began with the track
};

class PageEar {
 public:
  // It does not go on where the last stretch ended: another track, or some of it is lost.
  bool begins_with(const browsers::HeardSound& sound) const;
  // Chirps that ended within it, 80 ms ago at least.
  std::vector<EarChirp> push(const browsers::HeardSound& sound);
  // The end of the newest stretch; 0: there was none.
  int64_t heard_until_ns() const;

 private:
  int64_t begin_ns() const;  // of the track's sample 0

  std::string track_;
  std::unique_ptr<browsers::Thickened> thickened_;
  std::unique_ptr<ChirpDetector> detector_;
  double rate_ = 0;
  int64_t begin_ = 0, next_ = 0;   // numbers of samples: where the detector began, what comes next
  std::deque<int64_t> begins_ns_;  // as the last stretches say
};

}  // namespace callbot::bot
