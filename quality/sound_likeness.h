// quality/sound_likeness.h: received sound against the samples that were sent (audio.snr).
//
// The sender's samples are made again through a callback and laid where a chirp of known number was
// found. Of each second r and sent second s: the part of r that is s, a s with a = <r,s> / <s,s>,
// against what is left, r - a s. Gain is no noise so; a codec that keeps no wave form (speech
// modes, noise filling) has little SNR and may sound well.
//
// Thread:  one at a time.
// Owner:   SoundMeter.
// Fails:   nullopt where nothing was sent, or nobody makes it again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace callbot::quality {

// Samples number first, first + 1, ... of a source at 48 kHz, mono; false: it has none.
using SentSound = std::function<bool(uint16_t source, int64_t first, std::span<float> samples)>;

// dB; `received` begins where sample `first` of the source was sent, but for `most_off` samples,
// within which the best place is looked for. At most 100.
std::optional<double> sound_snr(std::span<const float> received, uint16_t source, int64_t first,
                                int most_off, const SentSound& sent);

}  // namespace callbot::quality
