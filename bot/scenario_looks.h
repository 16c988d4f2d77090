// bot/scenario_looks.h: how one actor's pattern looks in each of its frames, so that what was
// received can be compared with what was sent also after a `switch` to another size, rate or media.
//
// Thread:  any; locks for moments.
// Owner:   the actor that sends, shared with all who measure it.
// Fails:   nullopt for frames that nobody can paint.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "pipelines/pattern_picture.h"

namespace callbot::bot {

struct PatternLook {
  pipelines::PictureConfig picture;
  bool sound = false;  // it lights up with the chirps
  // Does its sound have a chirp with this frame?
  bool chirps(uint32_t frame) const;
};

class PatternLooks {
 public:
  // From this frame on; none: there is nothing to paint.
  void change(uint32_t frame, std::optional<PatternLook> look);
  std::optional<PatternLook> at(uint32_t frame) const;
  // The last one.
  std::optional<PatternLook> newest() const;

 private:
  struct Stretch {
    uint32_t first = 0;
    std::optional<PatternLook> look;
  };
  mutable std::mutex mutex_;
  std::vector<Stretch> all_;  // in order
};

// The same at another rate, from this frame on, with which a second begins.
PatternLook at_rate(PatternLook look, int fps, uint32_t since);

}  // namespace callbot::bot
