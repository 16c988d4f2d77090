// pipelines/paint.h: colours and soft-edged shapes on 8-bit 4:2:0 pictures. Plain arithmetic.
//
// Thread:  any; pure functions on the caller's pixels.
// Owner:   the caller.
// Fails:   never; what lies outside the picture is not painted.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/video_mark.h"

namespace callbot::pipelines {

// BT.601, limited range.
struct Colour {
  uint8_t y = 16, u = 128, v = 128;
};
// Hue in turns (any number), saturation and lightness in 0..1.
Colour hsl(double hue, double saturation, double lightness);
Colour between(Colour from, Colour to, double share);

// How much of each pixel a shape covers, 0..255; and of each chroma sample. Sizes and place are
// even, so that chroma samples belong to whole pixels.
struct Mask {
  int left = 0, top = 0;  // of the mask, seen from where the shape is anchored
  int width = 0, height = 0;
  std::vector<uint8_t> luma, chroma;
};

// A shape by the distance of each point to its edge in pixels, negative inside. The box is widened
// to even numbers.
using Distance = std::function<double(double x, double y)>;
Mask shape(double left, double top, double right, double bottom, const Distance& distance);
Mask rounded_box(double width, double height, double radius);
Mask disc(double radius);  // anchored at its centre

// Sets chroma from luma coverage; for masks whose luma was made by hand.
void fill_chroma(Mask& mask);

struct Ink {
  Ink(Colour colour, double opacity = 1) : colour(colour), opacity(opacity) {}
  Colour colour;
  double opacity;
};
// Paints the shape with its anchor at (x, y), moved to even numbers.
void paint(const PictureView& picture, int x, int y, const Mask& mask, const Ink& ink);

inline uint8_t blend(uint8_t under, uint8_t over, uint32_t alpha) {
  return static_cast<uint8_t>(((255 - alpha) * under + alpha * over + 127) / 255);
}

}  // namespace callbot::pipelines
