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
  // In the order of their frames.
  void begin(std::optional<PatternLook> look);
  // Other media come with this frame, at the rate there is; none: they are no pattern. The first
  // frames from there on may be of either, and are nobody's.
  void change_media(uint32_t frame, std::optional<PatternLook> look);
  void change_rate(uint32_t frame, int fps);  // a second begins with it
  void change_size(uint32_t frame, int width, int height);

  std::optional<PatternLook> at(uint32_t frame) const;

 private:
  struct Stretch {
    uint32_t first = 0;
    std::optional<PatternLook> look;
  };
  void change(uint32_t frame, std::optional<PatternLook> look);

  mutable std::mutex mutex_;
  std::vector<Stretch> all_;         // in order
  std::optional<PatternLook> last_;  // of a pattern
};

}  // namespace callbot::bot
