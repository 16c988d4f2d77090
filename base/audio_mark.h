// base/audio_mark.h: chirp number <-> samples. Plain arithmetic on samples.
//
// Every second an 80 ms chirp, 500 to 3500 Hz up or down, Tukey window, -12 dBFS; up or down is one
// bit of a 15-bit maximum length sequence, so any 15 chirps in a row give their place in it. Each
// source begins at another place: which way chirps of known numbers go also says whose they are.
// The chirp begins exactly with the video frame whose mark has flag bit 0 set.
//
// Thread:  any; a detector belongs to one thread.
// Owner:   the caller's samples: 48 kHz, mono, float in [-1, 1].
// Fails:   never; what is not found for sure is not reported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace callbot {

constexpr int kMarkSampleRate = 48000;
constexpr int kChirpSamples = kMarkSampleRate * 80 / 1000;
constexpr int kChirpPeriodSamples = kMarkSampleRate;

// Where in the sequence chirp `number` of a source (VideoMark::source) is. Sources whose numbers
// are less than 144 apart are more than 200 places from each other: seconds by which one would have
// to begin earlier to be taken for the other.
uint64_t chirp_place(uint16_t source, uint64_t number);
// Bit n of the sequence: does the chirp at that place go up?
bool chirp_goes_up(uint64_t place);
// Does chirp `number` of this source?
bool chirp_goes_up(uint16_t source, uint64_t number);
// Adds the chirp of a place to samples that begin where the chirp begins.
void add_chirp(std::span<float> samples, uint64_t place);

struct FoundChirp {
  double position = 0;  // in samples since the detector's beginning, sub-sample
  bool up = false;
  float level = 0;  // RMS of the found chirp, 0..1
};

// Finds chirps in a running stream: matched filter with an energy guard. Scans about a thousand
// times faster than real time. Delays of codecs are the caller's to take off: an Opus decoder that
// skips nothing gives every chirp 312 samples late (libopus' look-ahead).
class ChirpDetector {
 public:
  ChirpDetector();
  ~ChirpDetector();
  // Chirps that ended within what was pushed so far (at least 80 ms ago), in order.
  std::vector<FoundChirp> push(std::span<const float> samples);
  // What is left; nothing may be pushed afterwards.
  std::vector<FoundChirp> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The place of the first of these consecutive chirps, if their directions say it without doubt
// (at least 15 of them); a missing chirp in between makes it unknown.
std::optional<uint64_t> chirp_place(std::span<const FoundChirp> consecutive);

}  // namespace callbot
