#include "pipelines/paint.h"

#include <algorithm>
#include <cmath>

namespace callbot::pipelines {
namespace {

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

int even_below(double value) { return static_cast<int>(std::floor(value / 2)) * 2; }

struct Plane {
  uint8_t* pixels;
  size_t stride;
  int width, height;
  uint8_t value;  // what is painted into it
};
// Of a mask: how much of each sample of a plane is covered.
struct Cover {
  const std::vector<uint8_t>& samples;
  int left, top, width, height;  // on the plane
};

void paint_plane(const Plane& plane, const Cover& cover, uint32_t opacity) {
  const int from = std::max(0, -cover.left), to = std::min(cover.width, plane.width - cover.left);
  const int last = std::min(cover.height, plane.height - cover.top);
  for (int row = std::max(0, -cover.top); row < last; ++row) {
    const uint8_t* alpha = cover.samples.data() + static_cast<size_t>(row) * cover.width;
    uint8_t* line = plane.pixels + static_cast<size_t>(cover.top + row) * plane.stride + cover.left;
    for (int i = from; i < to; ++i)
      if (alpha[i] != 0) line[i] = blend(line[i], plane.value, (alpha[i] * opacity + 128) >> 8);
  }
}

}  // namespace

Colour hsl(double hue, double saturation, double lightness) {
  const double chroma = (1 - std::abs(2 * lightness - 1)) * saturation;
  const auto channel = [&](double offset) {
    const double place = (hue + offset - std::floor(hue + offset)) * 6;
    const double share = std::clamp(std::abs(place - 3) - 1, 0.0, 1.0);
    return lightness + chroma * (share - 0.5);
  };
  const double r = channel(0), g = channel(2.0 / 3), b = channel(1.0 / 3);
  return {to_byte(16 + 65.481 * r + 128.553 * g + 24.966 * b),
          to_byte(128 - 37.797 * r - 74.203 * g + 112 * b),
          to_byte(128 + 112 * r - 93.786 * g - 18.214 * b)};
}

Colour between(Colour from, Colour to, double share) {
  const auto mix = [&](uint8_t a, uint8_t b) { return to_byte(a + (b - a) * share); };
  return {mix(from.y, to.y), mix(from.u, to.u), mix(from.v, to.v)};
}

void fill_chroma(Mask& mask) {
  const size_t width = mask.width;
  mask.chroma.resize(static_cast<size_t>(mask.width / 2) * (mask.height / 2));
  for (int y = 0; y < mask.height / 2; ++y)
    for (int x = 0; x < mask.width / 2; ++x) {
      const uint8_t* p = mask.luma.data() + 2 * (static_cast<size_t>(y) * width + x);
      mask.chroma[static_cast<size_t>(y) * (width / 2) + x] =
          static_cast<uint8_t>((p[0] + p[1] + p[width] + p[width + 1] + 2) / 4);
    }
}

Mask shape(double left, double top, double right, double bottom, const Distance& distance) {
  Mask mask;
  mask.left = even_below(left - 1);
  mask.top = even_below(top - 1);
  mask.width = even_below(right + 1) + 2 - mask.left;
  mask.height = even_below(bottom + 1) + 2 - mask.top;
  mask.luma.resize(static_cast<size_t>(mask.width) * mask.height);
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      const double outside = distance(mask.left + x + 0.5, mask.top + y + 0.5);
      mask.luma[static_cast<size_t>(y) * mask.width + x] = to_byte(255 * (0.5 - outside));
    }
  fill_chroma(mask);
  return mask;
}

Mask rounded_box(double width, double height, double radius) {
  return shape(0, 0, width, height, [=](double x, double y) {
    const double dx = std::abs(x - width / 2) - width / 2 + radius;
    const double dy = std::abs(y - height / 2) - height / 2 + radius;
    return std::hypot(std::max(dx, 0.0), std::max(dy, 0.0)) + std::min(std::max(dx, dy), 0.0) -
           radius;
  });
}

Mask disc(double radius) {
  return shape(-radius, -radius, radius, radius,
               [=](double x, double y) { return std::hypot(x, y) - radius; });
}

void paint(const PictureView& picture, int x, int y, const Mask& mask, const Ink& ink) {
  const int left = even_below(x) + mask.left, top = even_below(y) + mask.top;
  const auto opacity = static_cast<uint32_t>(std::lround(ink.opacity * 256));
  const Cover whole{mask.luma, left, top, mask.width, mask.height};
  const Cover half{mask.chroma, left / 2, top / 2, mask.width / 2, mask.height / 2};
  const int half_width = (picture.width + 1) / 2, half_height = (picture.height + 1) / 2;
  paint_plane({picture.luma, picture.luma_stride, picture.width, picture.height, ink.colour.y},
              whole, opacity);
  paint_plane({picture.cb, picture.chroma_stride, half_width, half_height, ink.colour.u}, half,
              opacity);
  paint_plane({picture.cr, picture.chroma_stride, half_width, half_height, ink.colour.v}, half,
              opacity);
}

}  // namespace callbot::pipelines
