// pipelines/pattern_ribbon.h: coloured waves that glide by along the lower edge, so that every
// frame moves and a frozen one is seen. Plain arithmetic.
//
// Thread:  any; constant after construction.
// Owner:   PatternPicture.
// Fails:   never.
#pragma once

#include <cstdint>
#include <vector>

#include "pipelines/paint.h"

namespace callbot::pipelines {

struct RibbonLook {
  int width = 0, height = 0;  // of the part that is seen
  double hue = 0;
  uint64_t seed = 0;
};

class PatternRibbon {
 public:
  explicit PatternRibbon(const RibbonLook& look);
  // From line `top` (even) to the picture's lower edge.
  void paint(const PictureView& picture, int top, uint64_t frame) const;

 private:
  void put(int x, int y, Colour colour, uint8_t cover);

  int height_;
  int period_;  // of one turn of the ribbon, pixels, even
  int step_;    // pixels a frame, even
  std::vector<uint8_t> luma_, cover_, cb_, cr_, half_cover_;
};

}  // namespace callbot::pipelines
