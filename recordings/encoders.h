// recordings/encoders.h: FFmpeg's encoders with the settings that exports use.
//
// Thread:  any; the encoder is its caller's.
// Owner:   the caller.
// Fails:   kUnsupported where this FFmpeg has no such encoder, or it refuses the settings.
#pragma once

#include <string>

#include "recordings/av.h"

namespace callbot::recordings {

struct PictureEncoding {
  std::string codec;  // "h264", "vp9"
  int width = 0, height = 0;
  AVRational time_base = {1, 90000};
  int fps = 30;  // about; for the rate control
  int threads = 0;
  bool global_header = true;
  bool rec601 = false;  // the stream says that its colours are BT.601's, limited range
};
// Pictures of 4:2:0; no reordering, so that every packet's dts is its pts.
Result<AvCodecContext> open_encoder(const PictureEncoding& encoding);

struct SoundEncoding {
  std::string codec;  // "opus", "aac", "mp3", "pcm"
  int rate = 48000, channels = 1;
  bool global_header = true;
};
Result<AvCodecContext> open_encoder(const SoundEncoding& encoding);

// Interleaved samples in the form that the encoder takes.
AvFrame sound_frame(const AVCodecContext& encoder, const float* samples, int count, int64_t pts);

}  // namespace callbot::recordings
