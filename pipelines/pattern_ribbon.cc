#include "pipelines/pattern_ribbon.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "pipelines/pattern_seed.h"

namespace callbot::pipelines {
namespace {

constexpr int kLayers = 4;
constexpr int kGlowSteps = 256;

// The edge of a wave, as a share of the height from the top: whole turns only, so that the ribbon
// closes.
double wave_at(int x, int period, int layer, uint64_t seed) {
  double sum = 0;
  for (int turn = 0; turn < 4; ++turn) {
    const auto pick = static_cast<uint64_t>(layer) * 8 + static_cast<uint64_t>(turn) * 2;
    const double turns = 2 + layer + 3 * turn + std::floor(3 * seed_unit(seed, pick));
    const double phase = seed_unit(seed, pick + 1);
    sum += std::sin(2 * std::numbers::pi * (turns * x / period + phase)) / (turn + 1);
  }
  return 0.22 + 0.2 * layer + 0.085 * sum;
}

// How bright a wave is, by its depth: from its edge down to the height of the ribbon.
using Glow = std::array<double, kGlowSteps + 1>;

struct Layer {
  double top;  // share of the height
  Colour dim, bright;
};
struct Column {
  std::array<Layer, kLayers> layers;
};

// Each wave glows at its edge and changes its hue slowly along the way.
Column column_at(int x, int period, const RibbonLook& look) {
  Column column{};
  const double turn = std::sin(2 * std::numbers::pi * x / period);
  for (int i = 0; i < kLayers; ++i) {
    const double hue = look.hue + 0.1 * turn + 0.055 * i, light = 0.2 + 0.07 * i;
    column.layers[i] = {wave_at(x, period, i, look.seed), hsl(hue, 0.75, light),
                        hsl(hue, 0.75, light + 0.26)};
  }
  return column;
}

struct Spot {
  Colour colour;
  uint8_t cover;
};

// From the front wave back, until one covers all of the pixel.
Spot spot_at(const Column& column, int y, int height, const Glow& glow) {
  Colour front;
  double covered = 0;
  for (int i = kLayers - 1; i >= 0 && covered < 1; --i) {
    const Layer& layer = column.layers[i];
    const double deep = y + 0.5 - layer.top * height;  // pixels below the edge
    const double share = std::clamp(deep + 0.5, 0.0, 1.0);
    if (share <= 0) continue;
    const double at = std::clamp(deep / height, 0.0, 1.0) * kGlowSteps;
    const Colour own = between(layer.dim, layer.bright, glow[static_cast<size_t>(at)]);
    front = covered > 0 ? between(own, front, covered) : own;
    covered += (1 - covered) * share;
  }
  return {front, static_cast<uint8_t>(std::lround(255 * covered))};
}

struct Strip {
  const std::vector<uint8_t>&pixels, &cover;
  int period;
};

// One line, beginning at `shift` and going round.
void lay_line(uint8_t* line, const Strip& strip, size_t row, int shift, int count) {
  const uint8_t* pixels = strip.pixels.data() + row * strip.period;
  const uint8_t* cover = strip.cover.data() + row * strip.period;
  for (int done = 0; done < count;) {
    const int at = (shift + done) % strip.period, piece = std::min(count - done, strip.period - at);
    for (int i = 0; i < piece; ++i)
      line[done + i] = blend(line[done + i], pixels[at + i], cover[at + i]);
    done += piece;
  }
}

}  // namespace

PatternRibbon::PatternRibbon(const RibbonLook& look)
    : height_(look.height),
      period_((look.width * 3 / 2 + 1) / 2 * 2),
      step_(2 * std::max(1, (look.width + 320) / 640)) {
  const size_t size = static_cast<size_t>(period_) * height_;
  const size_t quarter = static_cast<size_t>(period_ / 2) * ((height_ + 1) / 2);
  luma_.resize(size), cover_.resize(size);
  cb_.resize(quarter), cr_.resize(quarter), half_cover_.resize(quarter);
  const Glow glow = [] {
    Glow made{};
    for (int i = 0; i <= kGlowSteps; ++i) made[i] = std::exp(-9.0 * i / kGlowSteps);
    return made;
  }();
  for (int x = 0; x < period_; ++x) {
    const Column column = column_at(x, period_, look);
    for (int y = 0; y < height_; ++y) {
      const Spot spot = spot_at(column, y, height_, glow);
      put(x, y, spot.colour, spot.cover);
    }
  }
}

void PatternRibbon::put(int x, int y, Colour colour, uint8_t cover) {
  const size_t i = static_cast<size_t>(y) * period_ + x;
  luma_[i] = colour.y;
  cover_[i] = cover;
  if (x % 2 != 0 || y % 2 != 0) return;
  const size_t half = static_cast<size_t>(y / 2) * (period_ / 2) + x / 2;
  cb_[half] = colour.u;
  cr_[half] = colour.v;
  half_cover_[half] = cover;
}

void PatternRibbon::paint(const PictureView& picture, int top, uint64_t frame) const {
  const auto shift = static_cast<int>(frame * step_ % period_);
  for (int y = 0; y < height_; ++y)
    lay_line(picture.luma + (top + y) * picture.luma_stride, {luma_, cover_, period_}, y, shift,
             picture.width);
  const Strip cb{cb_, half_cover_, period_ / 2}, cr{cr_, half_cover_, period_ / 2};
  const int width = (picture.width + 1) / 2;
  for (int y = 0; y < (height_ + 1) / 2; ++y) {
    const size_t offset = (top / 2 + y) * picture.chroma_stride;
    lay_line(picture.cb + offset, cb, y, shift / 2, width);
    lay_line(picture.cr + offset, cr, y, shift / 2, width);
  }
}

}  // namespace callbot::pipelines
