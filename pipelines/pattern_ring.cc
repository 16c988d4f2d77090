#include "pipelines/pattern_ring.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace callbot::pipelines {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kThickness = 0.16;  // share of the radius
constexpr double kGap = 0.022;       // between segments, share of the radius

// One piece of the ring: between two circles and two rays. Gaps thinner than a pixel are left out.
Mask segment_of(double radius, int number, int count) {
  const double middle = radius * (1 - kThickness / 2);
  const double gap = kGap * radius >= 1 && count > 1 ? kGap * radius : 0;
  const double half = kPi / count, centre = 2 * kPi * (number + 0.5) / count;
  const double cos = std::cos(centre), sin = std::sin(centre);
  const auto distance = [=](double x, double y) {
    // Turned so that the segment looks up: `up` along its middle, `side` across.
    const double up = x * sin - y * cos, side = std::abs(x * cos + y * sin);
    const double around = std::abs(std::hypot(x, y) - middle) - radius * kThickness / 2;
    const double ray = side * std::cos(half) - up * std::sin(half);
    const double across = count <= 2 ? -up : ray;
    return std::max(around, count == 1 ? around : across + gap / 2);
  };
  double left = radius, right = -radius, top = radius, bottom = -radius;
  for (int i = 0; i <= 32; ++i)
    for (const double r : {radius, radius * (1 - kThickness)}) {
      const double angle = centre + half * (i / 16.0 - 1);
      left = std::min(left, r * std::sin(angle)), right = std::max(right, r * std::sin(angle));
      top = std::min(top, -r * std::cos(angle)), bottom = std::max(bottom, -r * std::cos(angle));
    }
  return shape(left, top, right, bottom, distance);
}

}  // namespace

PatternRing::PatternRing(double radius, int segments) {
  if (radius <= 0) return;
  const double middle = radius * (1 - kThickness / 2), half = radius * kThickness / 2;
  track_ = shape(-radius, -radius, radius, radius,
                 [=](double x, double y) { return std::abs(std::hypot(x, y) - middle) - half; });
  for (int i = 0; i < segments; ++i) segments_.push_back(segment_of(radius, i, segments));
}

void PatternRing::paint_track(const PictureView& picture, int x, int y, Colour colour) const {
  paint(picture, x, y, track_, {colour, 0.55});
}

void PatternRing::paint_lit(const PictureView& picture, int x, int y, uint64_t last,
                            Colour colour) const {
  for (size_t i = 0; i < segments_.size() && i <= last; ++i)
    paint(picture, x, y, segments_[i], colour);
}

}  // namespace callbot::pipelines
