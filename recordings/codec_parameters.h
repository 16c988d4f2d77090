// recordings/codec_parameters.h: what a Matroska header must know of a track, from the track's
// facts and, for video, from its first key frame.
//
// Thread:  any; plain functions.
// Owner:   the caller.
// Fails:   an empty optional: not known (yet), or a codec this build cannot store.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/frame.h"
#include "recordings/av.h"

namespace callbot::recordings {

struct PictureSize {
  uint32_t width = 0, height = 0;
  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

struct StreamParameters {
  MediaKind media = MediaKind::kAudio;
  std::string codec;
  int sample_rate = 0, channels = 0;  // audio
  PictureSize size;                   // video
  std::vector<uint8_t> extradata;     // OpusHead; Annex B parameter sets for H.264 and H.265
};

AVCodecID codec_id(const std::string& codec);
// As in TrackInfo; FFmpeg's own name for a codec that is not ours.
std::string codec_name(AVCodecID id);

// Audio is known from its TrackInfo alone.
std::optional<StreamParameters> audio_parameters(const TrackInfo& track);
// Video needs a key frame: VP8 and VP9 for the size, H.264 and H.265 for the parameter sets.
std::optional<StreamParameters> video_parameters(const TrackInfo& track,
                                                 std::span<const uint8_t> key_frame);

std::optional<PictureSize> picture_size(const std::string& codec,
                                        std::span<const uint8_t> key_frame);
// The parameter sets of an Annex B access unit, with start codes; empty if one is missing.
std::vector<uint8_t> parameter_sets(const std::string& codec, std::span<const uint8_t> annex_b);

// Does a decoder give a picture for this packet? (VP8 and VP9 have packets that only refresh.)
bool is_shown(const std::string& codec, std::span<const uint8_t> packet);

// How long an Opus packet sounds (RFC 6716, 3.1 and 3.2); 0 for one that is none.
int64_t opus_duration_ns(std::span<const uint8_t> packet);
// A packet that is this byte alone stands for a lost one like that whose first byte is `toc`: one
// frame without data (RFC 6716, 3.1 and 3.2.1). libopus then goes on with what was before, up to
// 0.1 s or so; FFmpeg's own decoder is silent (both measured).
inline uint8_t opus_lost(uint8_t toc) { return toc & 0xFC; }
constexpr int64_t kMostLostNs = 120'000'000;  // what is longer is no lost packet but a pause

}  // namespace callbot::recordings
