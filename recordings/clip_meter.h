// recordings/clip_meter.h: how much of a decoded frame of sound stands at full scale.
//
// Clipped: three samples in a row, of one channel and sign, at 98 % of full scale or more (G.711
// reaches 98.0 % at most, a clipped wave that went through Opus swings around 100 %).
//
// Thread:  any.
// Owner:   nobody; a function.
// Fails:   never; a sample format that decoders of calls do not give counts as unclipped.
#pragma once

#include "recordings/av.h"

namespace callbot::recordings {

// Samples that are clipped, of the channel that has most.
size_t clipped_samples(const AVFrame& frame);

}  // namespace callbot::recordings
