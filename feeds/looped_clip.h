// feeds/looped_clip.h: prepared clips, one after another, again and again, without a seam.
//
// Time goes on over files and rounds. A round is as long as its picture. Sound keeps its step: it
// begins again with the packet that is nearest to the picture's beginning, so at most half a packet
// (10 ms) off, and never further off however many rounds there are; in a clip of whole packets, as
// `callbot pattern` writes them, exactly. Where one of several has no sound, silence is sent.
//
// Thread:  one at a time.
// Owner:   the sender.
// Fails:   next(): kBadInput where a file has become shorter since it was prepared.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/clip.h"
#include "feeds/prepare.h"

namespace callbot::feeds {

struct LoopConfig {
  uint64_t rounds = 0;  // of all clips; 0: for ever
  int64_t at_ns = 0;    // where the very first clip begins: with the key frame there or before
};

class LoopedClip final : public ClipReader {
 public:
  // kUsage where the first clip is shorter than `at_ns`.
  static Result<std::unique_ptr<LoopedClip>> create(std::vector<PreparedClip> clips,
                                                    LoopConfig config);

  const std::vector<ClipStream>& streams() const override { return streams_; }
  Result<std::optional<ClipFrame>> next() override;

 private:
  LoopedClip(std::vector<PreparedClip> clips, LoopConfig config);
  Result<> begin_round();
  Result<bool> end_round();
  Result<> take(const AVPacket& packet);
  Result<> take_video(const AVPacket& packet, int64_t at_ns);
  void take_packet(std::vector<uint8_t> bytes, int64_t at_ns);
  void take_g711(const AVPacket& packet, int64_t at_ns);
  void send_g711();
  void be_silent_until(int64_t end_ns);
  uint8_t silent_byte() const;
  PreparedClip& clip() { return clips_[current_]; }

  std::vector<PreparedClip> clips_;
  LoopConfig config_;
  std::vector<ClipStream> streams_;
  size_t video_ = 0, audio_ = 0;  // in streams_

  size_t current_ = 0;
  uint64_t rounds_done_ = 0;
  bool reading_ = false, ended_ = false;
  int64_t base_ns_ = 0;   // time of the current clip's beginning
  int64_t start_ns_ = 0;  // of the clip left out; only of the very first
  uint64_t video_packets_ = 0, audio_packets_ = 0;
  AvFilter annex_b_;  // H.264 of MP4 and Matroska
  // Sound: the step it keeps, and where the round's first packet was put.
  std::optional<int64_t> sound_end_ns_;
  std::optional<int64_t> first_ns_, slot_ns_;
  int64_t last_step_ = -1;
  std::vector<uint8_t> g711_;        // not sent yet
  std::optional<int64_t> g711_end_;  // of it, in samples since time 0
  bool g711_goes_on_ = false;        // in this round
  AvPacket packet_{av_packet_alloc()};
  std::deque<ClipFrame> ready_;
};

}  // namespace callbot::feeds
