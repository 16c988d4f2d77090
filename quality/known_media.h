// quality/known_media.h: marked pictures and sound, encoded as members of a call send them, of
// which everything is known. For the selftest.
//
// Pictures are small, VP8, 30 a second, each a key frame (what is dropped harms no other) at one
// quantiser. Sound is Opus or G.711, 20 ms a packet, a chirp at each second and a tone of 300 Hz
// below them.
//
// Thread:  any.
// Owner:   values.
// Fails:   kUnsupported where FFmpeg lacks the encoder (libvpx, libopus).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/frame.h"
#include "base/video_mark.h"

namespace callbot::quality {

constexpr int kKnownFps = 30;
constexpr int kKnownQuantiser = 25;  // y_ac_qi of each frame; libvpx' 20 (its quantizer_trans)
constexpr double kKnownTone = 0.1;   // amplitude

// Arrived when it was captured, as it were: who rehearses adds the network.
struct KnownFrame {
  double captured = 0;  // seconds from the beginning
  Frame frame;
};

struct KnownPictures {
  int frames = 300;
  uint16_t source = 1;
  int width = 192, height = 108;
  // The mark of picture n instead of the usual one; none: it has none.
  std::function<std::optional<VideoMark>(int n)> mark = {};
};
Result<std::vector<KnownFrame>> known_pictures(const KnownPictures& wanted);
// Picture n as it is before it is encoded.
void paint_known(const PictureView& view, int n);

struct KnownSound {
  int seconds = 10;
  bool g711 = false;  // A-law at 8 kHz, which keeps the wave form, instead of Opus
  // Changes 20 ms of samples at 48 kHz that begin at this second.
  std::function<void(std::span<float> samples, double second)> change = {};
};
Result<std::vector<KnownFrame>> known_sound(const KnownSound& wanted);
// Samples number first, first + 1, ... as they are before they are changed and encoded.
void play_known(std::span<float> samples, int64_t first);

TrackInfo known_picture_track();  // of the member "alice", as the following
TrackInfo known_sound_track(bool g711);

}  // namespace callbot::quality
