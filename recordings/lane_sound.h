// recordings/lane_sound.h: a participant's sound as samples without holes, from one moment on.
//
// Where nothing was received (mute, silence suppression, loss, before the first packet, after the
// last one) there is silence, so that every sample lies where the recording's clock says: a packet
// that comes 10 ms or more after the end of what was there is put at its time, one that comes so
// early loses its beginning, and what is between is made up by resampling a little faster or
// slower.
//
// Thread:  worker; decodes, blocks on the file system. Memory does not grow.
// Owner:   the caller.
// Fails:   as LaneReader; kUnsupported where FFmpeg has no decoder. Packets that do not decode are
//          silence.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "recordings/lane_view.h"

namespace callbot::recordings {

struct SoundFormat {
  int rate = 48000;
  int channels = 1;  // 1 or 2
};

class LaneSound {
 public:
  // Where spans are cut out, from_ns is what it is without them.
  LaneSound(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
            SoundFormat format, int64_t from_ns, std::vector<TimeSpan> cuts = {});
  ~LaneSound();

  // The next samples, interleaved; as many frames as the span holds. Silence after the end.
  Result<> read(std::span<float> samples);
  // Nothing but silence comes any more.
  bool ended() const { return ended_ && chunk_used_ * channels() >= chunk_.size(); }
  const std::vector<std::string>& notes() const { return view_.reader().notes(); }

 private:
  size_t channels() const { return static_cast<size_t>(format_.channels); }
  Result<> refill();
  Result<> open_decoder(int piece);
  void decode(const AVPacket* packet);
  void conceal(int64_t from_ns, int64_t to_ns);
  void take(const AVFrame& frame);
  bool fit_resampler(const AVFrame& frame);
  void place(int64_t wanted, size_t count);

  LaneView view_;
  SoundFormat format_;
  int64_t from_ns_;
  AvCodecContext decoder_;
  AvResampler resampler_;
  int resampler_rate_ = 0, resampler_channels_ = 0, resampler_format_ = -1;
  AvFrame frame_;
  std::vector<float> chunk_;  // decoded, not yet read, begins at frame chunk_at_
  int64_t chunk_at_ = 0;
  size_t chunk_used_ = 0;  // frames of it that were read
  int64_t position_ = 0;   // frames read so far
  int64_t end_ = 0;        // where what was decoded so far ends
  bool began_ = false, ended_ = false;
  int64_t until_ns_ = 0;             // the end of the packet before
  std::optional<uint8_t> toc_ = {};  // and its first byte, if it is of Opus, of the same piece
};

}  // namespace callbot::recordings
