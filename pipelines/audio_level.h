// pipelines/audio_level.h: how loud a packet of sound is: the header extension of RFC 6464, read
// from RTP packets and put into those we make.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never: a packet without it, or with a broken one, says nothing.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <span>

#include "base/frame.h"
#include "base/gref.h"

namespace callbot::pipelines {

constexpr char kAudioLevelUri[] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

// `head`: the packet's beginning with all of its header. `id`: the negotiated one (RFC 8285), in
// either form.
std::optional<AudioLevel> audio_level_of(std::span<const uint8_t> head, int id);

// Root mean square of the samples against overload (RFC 6465, appendix A).
AudioLevel measure_level(std::span<const int16_t> samples);

// The same packet with the level in its header; only for packets with a bare header of 12 bytes.
GRef<GstBuffer> with_audio_level(const GRef<GstBuffer>& packet, int id, AudioLevel level);

}  // namespace callbot::pipelines
