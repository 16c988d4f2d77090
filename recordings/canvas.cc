#include "recordings/canvas.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace callbot::recordings {
namespace {

uint8_t mixed(uint8_t below, uint8_t above, int alpha) {
  return static_cast<uint8_t>((below * (255 - alpha) + above * alpha + 127) / 255);
}

// How much of the pixel lies inside of a circle of this radius around (0, 0).
uint8_t inside(double x, double y, double radius) {
  const double covered = std::clamp(radius - std::hypot(x, y) + 0.5, 0.0, 1.0);
  return static_cast<uint8_t>(std::lround(covered * 255));
}

Rect within(const AVFrame& frame, Rect r) {
  const int right = std::min(r.x + r.width, frame.width);
  const int bottom = std::min(r.y + r.height, frame.height);
  r.x = std::max(r.x, 0);
  r.y = std::max(r.y, 0);
  return {r.x, r.y, std::max(0, right - r.x), std::max(0, bottom - r.y)};
}

uint8_t* row(const AVFrame& frame, int plane, int y) {
  return frame.data[plane] + static_cast<ptrdiff_t>(y) * frame.linesize[plane];
}

// The mean of the four luma pixels that one chroma pixel covers.
int chroma_alpha(const Mask& mask, int x, int y) {
  int sum = 0;
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      if (x + dx < mask.width && y + dy < mask.height)
        sum += mask.alpha[static_cast<size_t>(y + dy) * static_cast<size_t>(mask.width) +
                          static_cast<size_t>(x + dx)];
    }
  }
  return (sum + 2) / 4;
}

}  // namespace

Colour colour_of(int red, int green, int blue) {
  const auto clip = [](double v) {
    return static_cast<uint8_t>(std::clamp(std::lround(v), 0L, 255L));
  };
  return {clip(16 + 0.257 * red + 0.504 * green + 0.098 * blue),
          clip(128 - 0.148 * red - 0.291 * green + 0.439 * blue),
          clip(128 + 0.439 * red - 0.368 * green - 0.071 * blue)};
}

Mask rounded_mask(int width, int height, int radius) {
  Mask mask{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height), 255)};
  for (int y = 0; y < radius; ++y) {
    for (int x = 0; x < radius; ++x) {
      const uint8_t alpha = inside(radius - x - 0.5, radius - y - 0.5, radius);
      for (const int at : {y * width + x, y * width + width - 1 - x, (height - 1 - y) * width + x,
                           (height - 1 - y) * width + width - 1 - x})
        mask.alpha[static_cast<size_t>(at)] = alpha;
    }
  }
  return mask;
}

AvFrame make_picture(int width, int height) {
  AvFrame frame(av_frame_alloc());
  frame->width = width;
  frame->height = height;
  frame->format = AV_PIX_FMT_YUV420P;
  if (av_frame_get_buffer(frame.get(), 0) < 0) return {};
  return frame;
}

void fill(AVFrame& frame, const Rect& rect, Colour colour) {
  const Rect r = within(frame, rect);
  for (int y = r.y; y < r.y + r.height; ++y)
    std::memset(row(frame, 0, y) + r.x, colour.y, static_cast<size_t>(r.width));
  for (int y = r.y / 2; y < (r.y + r.height + 1) / 2; ++y) {
    const auto count = static_cast<size_t>((r.x + r.width + 1) / 2 - r.x / 2);
    std::memset(row(frame, 1, y) + r.x / 2, colour.cb, count);
    std::memset(row(frame, 2, y) + r.x / 2, colour.cr, count);
  }
}

void blend(AVFrame& frame, int x, int y, const Mask& mask, Colour colour, int opacity) {
  x &= ~1;
  y &= ~1;
  const Rect r = within(frame, {x, y, mask.width, mask.height});
  for (int at = r.y; at < r.y + r.height; ++at) {
    uint8_t* luma = row(frame, 0, at);
    const uint8_t* alpha = mask.alpha.data() + static_cast<ptrdiff_t>(at - y) * mask.width - x;
    for (int i = r.x; i < r.x + r.width; ++i) {
      if (alpha[i] != 0) luma[i] = mixed(luma[i], colour.y, alpha[i] * opacity / 255);
    }
  }
  for (int at = r.y & ~1; at < r.y + r.height; at += 2) {
    for (int i = r.x & ~1; i < r.x + r.width; i += 2) {
      const int alpha = chroma_alpha(mask, i - x, at - y) * opacity / 255;
      if (alpha == 0) continue;
      uint8_t& cb = row(frame, 1, at / 2)[i / 2];
      uint8_t& cr = row(frame, 2, at / 2)[i / 2];
      cb = mixed(cb, colour.cb, alpha);
      cr = mixed(cr, colour.cr, alpha);
    }
  }
}

void cut_corners(AVFrame& frame, const Rect& rect, int radius, Colour behind) {
  if (radius <= 0) return;
  for (const bool right : {false, true}) {
    for (const bool low : {false, true}) {
      Mask mask{radius, radius, std::vector<uint8_t>(static_cast<size_t>(radius * radius))};
      for (int y = 0; y < radius; ++y) {
        for (int x = 0; x < radius; ++x) {
          const double dx = right ? x + 0.5 : radius - x - 0.5;
          const double dy = low ? y + 0.5 : radius - y - 0.5;
          mask.alpha[static_cast<size_t>(y) * static_cast<size_t>(radius) +
                     static_cast<size_t>(x)] = static_cast<uint8_t>(255 - inside(dx, dy, radius));
        }
      }
      blend(frame, right ? rect.x + rect.width - radius : rect.x,
            low ? rect.y + rect.height - radius : rect.y, mask, behind);
    }
  }
}

void copy_rect(AVFrame& to, const AVFrame& from, const Rect& rect) {
  const Rect r = within(to, rect);
  for (int plane = 0; plane < 3; ++plane) {
    const int shift = plane == 0 ? 0 : 1;
    for (int y = r.y >> shift; y < (r.y + r.height) >> shift; ++y)
      std::memcpy(row(to, plane, y) + (r.x >> shift), row(from, plane, y) + (r.x >> shift),
                  static_cast<size_t>(r.width >> shift));
  }
}

}  // namespace callbot::recordings
