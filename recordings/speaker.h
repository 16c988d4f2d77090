// recordings/speaker.h: who speaks, and which of them is the one to look at.
//
// From spans of speech where there are any of a member, else from how loud it is.
//
// Thread:  one.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "recordings/timeline.h"

namespace callbot::recordings {

struct SpeechSpan {
  std::string participant;
  int64_t from_ns = 0, to_ns = 0;  // from the recording's start
};

class SpeakerWatch {
 public:
  SpeakerWatch(const Timeline& timeline, const std::vector<SpeechSpan>& speech);

  // How loud (RMS, 0..1) each participant is from here until the next call; time never goes back.
  void listen(int64_t time_ns, std::span<const float> levels);
  const std::vector<bool>& speaking() const { return speaking_; }
  // -1: nobody spoke so far. Stays with who spoke last.
  int speaker() const { return speaker_; }

 private:
  struct Voice {
    std::vector<TimeSpan> spans = {};
    size_t span = 0;  // the first one that is not over
    double floor_db = -70;
    int64_t loud_until_ns = -1, since_ns = 0, last_ns = 0;
  };
  bool speaks(Voice& voice, int64_t time_ns, float level, double seconds);
  void choose(int64_t time_ns);

  std::vector<Voice> voices_;
  std::vector<bool> speaking_;
  int speaker_ = -1;
  int64_t last_ns_ = 0;
};

}  // namespace callbot::recordings
