// quality/picture_meter.h: measures one received picture track.
//
// Every frame: how many, key frames, size, quantiser (VP8), times, frames a second, interval,
// freeze and pause at the modelled playout (quality/playout.h); interval and freeze as they came.
// Frames that are decoded as well: marks, likeness to what was sent. Where frames are decoded,
// those are what is shown; else those that came.
//
// Thread:  one at a time.
// Owner:   Watcher, one for each track.
// Fails:   never; a codec without a decoder is unmeasured.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/frame.h"
#include "base/mark_finder.h"
#include "base/rhythm.h"
#include "quality/decoder.h"
#include "quality/mark_meter.h"
#include "quality/playout.h"
#include "quality/presence.h"
#include "quality/reference.h"

namespace callbot::quality {

enum class Decode { kNever, kInTurn, kAlways };

struct PictureMeterConfig {
  Decode decode = Decode::kAlways;
  int64_t latency_ns = 0;  // of the modelled playout
  int64_t joined_ns = 0;   // when the actor began to join; 0: not known
  int64_t mute_grace_ns = 500'000'000;
  Sender sender = {};
  const SenderLog* log = nullptr;  // may be null, as the following
  SkewMeter* skew = nullptr;
  PresenceLog* presence = nullptr;
  std::optional<Painting> painting = {};
  std::function<void(VmafPictures, int64_t at_ns)> vmaf = {};  // measures VMAF; none:
  std::string no_vmaf = "nothing asks for it";
  bool bare = false;  // its pictures carry no marks, and are not searched for any
};

class PictureMeter {
 public:
  PictureMeter(const TrackInfo& track, SeriesSet& out, const PictureMeterConfig& config);

  // `decode`: this one too; the first one after one that was not has to be a key frame.
  void frame(const Frame& frame, bool decode);
  void tick(int64_t now_ns);
  void mute(bool muted, int64_t at_ns);
  // What comes until then (arrival), and on until a mark is read, need not carry one, and is
  // nobody's if it carries none. 0: not covered.
  void cover(int64_t until_ns) {
    covered_ = until_ns == covered_until_ns_ ? covered_ : until_ns != 0;
    covered_until_ns_ = until_ns;
  }
  // No frame came until then, and nobody said that none would.
  void finish(int64_t at_ns);
  bool decodes() const { return decoding_; }
  bool has_decoded() const { return !first_decoded_; }

 private:
  bool headers(const Frame& frame);  // is it to be shown?
  void decode(const Frame& frame, const Shown& shown);
  void decoded(const AVFrame& picture, const Shown& shown);
  void shown(const Shown& shown);
  void came(const Rhythm::Interval& interval);
  void stood(const Rhythm::Interval& interval);
  void seconds_ended(const std::deque<PerSecond::Second>& seconds);
  void size(int width, int height, int64_t at_ns);

  const TrackInfo track_;
  SeriesSet& out_;
  const PictureMeterConfig config_;
  Playout playout_;
  Rhythm rhythm_;
  ArrivalRhythm arrivals_;
  PerSecond per_second_;
  Mute mute_;
  MarkMeter marks_;
  MarkFinder finder_;
  std::unique_ptr<Decoder> decoder_;
  std::optional<Reference> reference_;
  bool decoding_ = false, first_ = true, first_key_ = true, first_decoded_ = true;
  int64_t number_ = 0;
  std::map<int64_t, Shown> waiting_;  // in the decoder
  int width_ = 0, height_ = 0;
  bool covered_ = false;
  int64_t covered_until_ns_ = 0;
};

}  // namespace callbot::quality
