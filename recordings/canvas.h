// recordings/canvas.h: filling, blending and copying in 8-bit 4:2:0 pictures.
//
// Thread:  any; two threads may draw on one picture where their rectangles do not touch.
// Owner:   the caller's frames.
// Fails:   never; what lies outside of the picture is not drawn. Rectangles begin and end at even
//          pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "recordings/av.h"
#include "recordings/compose_layout.h"

namespace callbot::recordings {

// BT.601, limited range: what WebRTC's senders make.
struct Colour {
  uint8_t y = 16, cb = 128, cr = 128;
};
Colour colour_of(int red, int green, int blue);

// How much of each pixel is covered.
struct Mask {
  int width = 0, height = 0;
  std::vector<uint8_t> alpha;
};
// A rounded rectangle; a circle where the radius is half of its side.
Mask rounded_mask(int width, int height, int radius);

AvFrame make_picture(int width, int height);
void fill(AVFrame& frame, const Rect& rect, Colour colour);
// Mixes `colour` in where the mask says; `opacity` 255 is all of it.
void blend(AVFrame& frame, int x, int y, const Mask& mask, Colour colour, int opacity = 255);
// Paints what is outside of the rounded corners.
void cut_corners(AVFrame& frame, const Rect& rect, int radius, Colour behind);
void copy_rect(AVFrame& to, const AVFrame& from, const Rect& rect);

}  // namespace callbot::recordings
