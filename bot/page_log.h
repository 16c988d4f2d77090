// bot/page_log.h: when pages sent the frames and the chirps of their files, for who measures what
// comes of them.
//
// A page says of each frame of its camera when it read it from its own track, a moment before it is
// encoded; that is when the frame counts as captured. A file is played again and again, so that its
// numbers come again: what is older than half a round is forgotten. Chirps have no numbers; they
// are told seconds later, when they were found in what the page heard of its own microphone.
//
// Thread:  any; locks for moments.
// Owner:   shared by all who measure.
// Fails:   nullopt for what no page said, or too long ago.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "quality/sender_log.h"

namespace callbot::bot {

class PageLog final : public quality::SenderLog {
 public:
  // Frames in a round of this source's file.
  void begin(uint16_t source, uint32_t frames, int64_t uncertainty_ns);
  void add(uint16_t source, uint32_t counter, int64_t at_ns);
  std::optional<Captured> captured(uint16_t source, uint32_t counter) const override;
  std::optional<uint32_t> newest(uint16_t source, int64_t at_ns) const override;

  // It sent a chirp; and all that it sent until then are told.
  void chirp(uint16_t source, bool up, const Captured& when);
  void told_until(uint16_t source, int64_t until_ns);
  std::optional<Captured> chirp_before(uint16_t source, bool up, int64_t at_ns) const override;
  int64_t chirps_told_until(uint16_t source) const override;

 private:
  struct Round {
    std::vector<int64_t> at_ns;  // by counter; 0: not known
    uint32_t last = 0;
    int64_t uncertainty_ns = 0;
  };
  struct Voice {
    struct Chirp {
      bool up;
      Captured when;
    };
    std::deque<Chirp> chirps;  // the newest
    int64_t told_until_ns = 0;
  };
  mutable std::mutex mutex_;
  std::map<uint16_t, Round> rounds_;
  std::map<uint16_t, Voice> voices_;
};

}  // namespace callbot::bot
