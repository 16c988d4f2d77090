// pipelines/pattern_ring.h: a ring of as many segments as a second has frames; it fills once a
// second. Plain arithmetic.
//
// Thread:  any; constant after construction.
// Owner:   PatternPicture.
// Fails:   never; a radius of 0 paints nothing.
#pragma once

#include <vector>

#include "pipelines/paint.h"

namespace callbot::pipelines {

class PatternRing {
 public:
  PatternRing(double radius, int segments);

  // The whole ring, faint: what is not lit yet.
  void paint_track(const PictureView& picture, int x, int y, Colour colour) const;
  // Segments 0 to `last`, clockwise from the top.
  void paint_lit(const PictureView& picture, int x, int y, uint64_t last, Colour colour) const;

 private:
  Mask track_;
  std::vector<Mask> segments_;
};

}  // namespace callbot::pipelines
