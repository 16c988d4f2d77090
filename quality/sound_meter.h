// quality/sound_meter.h: measures one received sound track.
//
// Every packet: samples, and those concealed for packets that never came (a gap in RTP time after a
// packet was lost; a gap without a loss is a sender that was silent, RFC 7587 3.1.3). What is lost
// is heard as silence here. Packets that are decoded as well: level, silence, clipping, bandwidth,
// chirps, likeness to what was sent.
//
// Thread:  one at a time.
// Owner:   Watcher, one for each track.
// Fails:   never; a codec without a decoder is unmeasured.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/audio_mark.h"
#include "base/frame.h"
#include "quality/chirp_meter.h"
#include "quality/decoder.h"
#include "quality/mono.h"
#include "quality/picture_meter.h"
#include "quality/sound_band.h"
#include "quality/sound_level.h"
#include "quality/sound_likeness.h"

namespace callbot::quality {

struct SoundMeterConfig {
  Decode decode = Decode::kAlways;
  int64_t latency_ns = 0;  // of the modelled playout
  int64_t joined_ns = 0;
  int64_t mute_grace_ns = 500'000'000;
  Sender sender = {};
  const SenderLog* log = nullptr;  // may be null, as the following
  SkewMeter* skew = nullptr;
  PresenceLog* presence = nullptr;
  SentSound sent = {};  // may be empty
};

// RTP ticks that a packet lasts, from its bytes (Opus: RFC 6716, 3.1); 0: not known.
int64_t packet_ticks(const std::string& codec, std::span<const uint8_t> bytes);

class SoundMeter {
 public:
  SoundMeter(const TrackInfo& track, SeriesSet& out, const SoundMeterConfig& config);

  void frame(const Frame& frame, bool decode);
  void mute(bool muted, int64_t at_ns);
  bool decodes() const { return decoding_; }
  bool has_decoded() const { return !first_decoded_; }
  // No packet came until then, and nobody said that none would.
  void finish(int64_t at_ns);

 private:
  // Where a packet's samples begin in what the detector was given, or the silence before it.
  struct Place {
    double position;
    int64_t playout_ns, arrival_ns, rtp_ns;
  };
  void headers(const Frame& frame);
  void gap(const Frame& frame, int64_t playout_ns);
  void conceal(int64_t samples, int64_t from_ns);
  void nothing_until(int64_t at_ns);
  void end_decoding();
  void decode(const Frame& frame, int64_t playout_ns);
  void decoded(const AVFrame& sound, const Frame& frame, int64_t playout_ns);
  void push(std::span<const float> samples);
  void chirps(const std::vector<FoundChirp>& found);
  void band(std::span<const float> samples);
  void keep(std::span<const float> samples);
  void compare();
  int64_t codec_delay_ns() const;
  int64_t samples_of(int64_t ticks) const;

  const TrackInfo track_;
  SeriesSet& out_;
  const SoundMeterConfig config_;
  Playout playout_;
  Mute mute_;
  ChirpMeter chirp_meter_;
  SoundLevel level_;
  SoundBand band_;
  std::unique_ptr<Decoder> decoder_;
  Mono mono_;
  std::unique_ptr<ChirpDetector> detector_;
  bool decoding_ = false, first_ = true, first_decoded_ = true;
  std::optional<int64_t> next_rtp_;
  int64_t heard_until_ns_ = 0;  // at the playout
  std::deque<Place> places_;
  int64_t pushed_ = 0;
  std::vector<float> second_;  // for the band
  // For the likeness: the newest samples, and chirps whose second is not all there yet.
  std::vector<float> kept_;
  int64_t kept_begin_ = 0;
  struct Numbered {
    int64_t number, position, playout_ns;
  };
  std::deque<Numbered> to_compare_;
};

}  // namespace callbot::quality
