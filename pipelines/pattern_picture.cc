#include "pipelines/pattern_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "pipelines/glyphs.h"
#include "pipelines/paint.h"
#include "pipelines/pattern_ribbon.h"
#include "pipelines/pattern_ring.h"
#include "pipelines/pattern_seed.h"

namespace callbot::pipelines {
namespace {

constexpr Colour kWhite{235, 128, 128}, kGrey{150, 128, 128}, kShade{24, 128, 128};
constexpr double kSafe = 0.05;         // share of the width left free at each side
constexpr double kTightWidth = 118.5;  // of "00:00:00.000", grid units of 1/14 of its height
constexpr uint64_t kSlideSeconds = 4;
constexpr double kSmallestText = 7;  // pixels of a capital; below it is only noise

int even(double value) { return static_cast<int>(std::lround(value / 2)) * 2; }

// Where things are, in pixels.
struct Layout {
  int top = 0;                 // below the mark
  int ribbon_top = 0;          // the ribbon reaches to the lower edge
  int ring_x = 0, ring_y = 0;  // centre
  double ring = 0;             // outer radius; 0: there is no room for a ring
  // The block of text: name, clock, frame number, small print.
  int text_x = 0, name_y = 0, clock_y = 0, number_y = 0, small_y = 0;
  double text_width = 0, capital = 0;  // of the clock
};

// Heights of the lines, in heights of the clock.
constexpr double kNameHeight = 0.5, kNumberHeight = 0.6, kSmallHeight = 0.24;
constexpr double kLines = kNameHeight + 1 + kNumberHeight + kSmallHeight;

void lay_out_text(Layout& at, double left, double right, double top, double bottom) {
  at.text_width = right - left;
  const double height = bottom - top;
  at.capital = std::min(at.text_width / kTightWidth * 14, height / (kLines + 3 * 0.32));
  const double gap = std::min(height / at.capital - kLines, 3 * 0.48) / 3;
  at.text_x = even(left);
  const double name = (top + bottom) / 2 - (kLines + 3 * gap) * at.capital / 2;
  const double clock = name + (kNameHeight + gap) * at.capital;
  const double number = clock + (1 + gap) * at.capital;
  at.name_y = even(name);
  at.clock_y = even(clock);
  at.number_y = even(number);
  at.small_y = even(number + (kNumberHeight + gap) * at.capital);
}

// The ring stands beside the text, or above it in upright pictures, or nowhere in tiny ones.
Layout lay_out(int width, int height) {
  Layout at;
  at.top = video_mark_height(width);
  at.ribbon_top = even(height - 0.16 * (height - at.top));
  const double room = at.ribbon_top - at.top, margin = std::max(kSafe * width, 4.0);
  double left = margin, right = width - margin;
  double top = at.top + 0.07 * room, bottom = at.ribbon_top - 0.03 * room;
  if (width > 1.9 * room && room >= 110) {
    at.ring = std::min(0.37 * room, 0.145 * width);
    at.ring_x = even(left + at.ring);
    at.ring_y = even((top + bottom) / 2);
    left += 2 * at.ring + 0.045 * width;
  } else if (room >= 200) {
    at.ring = std::min(0.22 * room, 0.3 * width);
    at.ring_x = even(width / 2.0);
    at.ring_y = even(top + at.ring);
    top = at.ring_y + at.ring + 0.05 * room;
  }
  lay_out_text(at, left, right, top, bottom);
  return at;
}

// Text that changes with each frame: masks of the digits, one cell each.
struct Digits {
  explicit Digits(TextStyle style) : style(style) {
    for (size_t i = 0; i < masks.size(); ++i)
      masks[i] = text_mask(std::string(1, "0123456789:."[i]), style);
  }
  void paint_at(const PictureView& picture, int x, int y, std::string_view text,
                Colour colour) const {
    double pen = x;
    for (const char c : text) {
      const size_t i = c == ':' ? 10 : c == '.' ? 11 : c - '0';
      paint(picture, even(pen), y, masks[i], colour);
      pen += (i < 10 ? 11.4 : 5.4) * style.height / 14;
    }
  }

  TextStyle style;
  std::array<Mask, 12> masks;
};

// A picture of our own, to copy from.
struct Sheet {
  Sheet(int width, int height)
      : width(width),
        height(height),
        luma(static_cast<size_t>(width) * height),
        cb(static_cast<size_t>((width + 1) / 2) * ((height + 1) / 2)),
        cr(cb.size()) {}
  PictureView view() {
    return {luma.data(), static_cast<size_t>(width),           cb.data(),
            cr.data(),   static_cast<size_t>((width + 1) / 2), width,
            height};
  }
  void copy_to(const PictureView& to) const {
    const auto copy = [](const std::vector<uint8_t>& from, size_t row, uint8_t* out,
                         size_t stride) {
      for (size_t i = 0; i * row < from.size(); ++i)
        std::memcpy(out + i * stride, from.data() + i * row, row);
    };
    copy(luma, width, to.luma, to.luma_stride);
    copy(cb, (width + 1) / 2, to.cb, to.chroma_stride);
    copy(cr, (width + 1) / 2, to.cr, to.chroma_stride);
  }

  int width, height;
  std::vector<uint8_t> luma, cb, cr;
};

// A slope of colour from the upper left to the lower right; rounding is scattered, or broad dark
// slopes would show steps.
void fill_field(Sheet& sheet, Colour from, Colour to, uint64_t seed) {
  constexpr size_t kGrain = 64;  // sizes of the scattering, repeated
  std::array<float, kGrain * kGrain> grain{};
  for (size_t i = 0; i < grain.size(); ++i) grain[i] = static_cast<float>(seed_unit(seed, i));
  const auto fill = [&](std::vector<uint8_t>& plane, int width, uint8_t a, uint8_t b) {
    const int height = static_cast<int>(plane.size()) / width;
    const float across = 0.6F * static_cast<float>(b - a) / static_cast<float>(width);
    for (int y = 0; y < height; ++y) {
      const float left = a + 0.4F * static_cast<float>((b - a) * y) / static_cast<float>(height);
      uint8_t* line = plane.data() + static_cast<size_t>(y) * width;
      const float* scatter = grain.data() + y % kGrain * kGrain;
      for (int x = 0; x < width; ++x)
        line[x] = static_cast<uint8_t>(left + across * static_cast<float>(x) + scatter[x % kGrain]);
    }
  };
  fill(sheet.luma, sheet.width, from.y, to.y);
  fill(sheet.cb, (sheet.width + 1) / 2, from.u, to.u);
  fill(sheet.cr, (sheet.width + 1) / 2, from.v, to.v);
}

std::string clock_of(uint64_t frame, int fps) {
  const uint64_t ms = frame % fps * 1000 / fps, s = frame / fps;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", s / 3600 % 100, s / 60 % 60, s % 60, ms);
}

// Neighbours get hues far apart: steps of the golden ratio never come near each other soon.
double hue_of(uint16_t source) { return 0.58 + 0.61803398875 * (source - 1); }

}  // namespace

struct PatternPicture::Impl {
  explicit Impl(PictureConfig given)
      : config(std::move(given)),
        at(lay_out(config.width, config.height)),
        hue(hue_of(config.source)),
        accent(hsl(hue, 0.85, 0.66)),
        back(config.width, config.height),
        ribbon({config.width, config.height - at.ribbon_top, hue, config.seed}),
        ring(at.ring, config.fps),
        lamp(disc(0.66 * at.ring)),
        clock({at.capital, 0.115}),
        number({kNumberHeight * at.capital, 0.125}),
        seconds({0.5 * at.ring, 0.12}) {
    fill_field(back, hsl(hue, 0.55, 0.13), hsl(hue + 0.06, 0.6, 0.29), config.seed);
    draw_words();
    if (at.ring > 0) {
      ring.paint_track(back.view(), at.ring_x, at.ring_y, kShade);
      paint(back.view(), at.ring_x, at.ring_y, lamp, {kShade, 0.55});
    }
  }

  // Everything that stays: name, labels, colour chips.
  void draw_words() {
    const PictureView view = back.view();
    const TextStyle name{kNameHeight * at.capital, 0.14};
    paint(view, at.text_x, at.name_y, text_mask(fitting(config.name, name, at.text_width), name),
          accent);
    const TextStyle small{kSmallHeight * at.capital, 0.13};
    if (small.height < kSmallestText) return;
    const double after_number = text_width("00000000", number.style);
    paint(view, even(at.text_x + after_number),
          even(at.number_y + number.style.height - small.height), text_mask("frame", small), kGrey);
    const std::string words = fmt::format("source {} \u00b7 {}\u00d7{} \u00b7 {} fps",
                                          config.source, config.width, config.height, config.fps);
    paint(view, at.text_x, at.small_y, text_mask(words, small), kGrey);
    draw_chips(view, at.small_y, small.height);
  }

  // The colours of a test card, at the right end of the last line.
  void draw_chips(const PictureView& view, int y, double height) const {
    const double size = 1.2 * height, step = 1.5 * height;
    const Mask chip = rounded_box(size, size, 0.25 * size);
    constexpr double kHues[] = {1.0 / 6, 1.0 / 2, 1.0 / 3, 5.0 / 6, 0, 2.0 / 3};
    double x = at.text_x + at.text_width - size;
    for (auto h = std::rbegin(kHues); h != std::rend(kHues); ++h, x -= step)
      paint(view, even(x), even(y - 0.1 * height), chip, hsl(*h, 0.75, 0.52));
  }

  void draw(uint64_t frame, bool chirp, const PictureView& view) {
    const auto fps = static_cast<uint64_t>(config.fps);
    // As if all frames had come at this rate.
    const uint64_t place = config.since_second * fps + frame - config.since_frame;
    if (config.slides) draw_slide(place / (kSlideSeconds * fps));
    back.copy_to(view);
    if (!config.slides) {
      ribbon.paint(view, at.ribbon_top, frame);
      clock.paint_at(view, at.text_x, at.clock_y, clock_of(place, config.fps), kWhite);
      number.paint_at(view, at.text_x, at.number_y, fmt::format("{:07}", frame), kWhite);
      if (at.ring > 0) {
        ring.paint_lit(view, at.ring_x, at.ring_y, place % fps, accent);
        draw_lamp(view, place % fps, place / fps % 60);
      }
    }
    const auto flags = static_cast<uint8_t>(chirp ? kMarkChirp : 0);
    write_video_mark(view, {static_cast<uint32_t>(frame & 0xffffff), config.source, flags});
  }

  // Lights up with each second, as the chirp does, and goes out in a third of it.
  void draw_lamp(const PictureView& view, uint64_t into, uint64_t second) const {
    const double light = std::max(0.0, 1 - 3.0 * static_cast<double>(into) / config.fps);
    if (light > 0) paint(view, at.ring_x, at.ring_y, lamp, {accent, light * light});
    const double unit = seconds.style.height / 14;
    seconds.paint_at(view, even(at.ring_x - 9.7 * unit), even(at.ring_y - 7 * unit),
                     fmt::format("{:02}", second), between(kWhite, kShade, light * light));
  }

  // Dark words on white, as long as the slide before was another one.
  void draw_slide(uint64_t number) {
    if (slide == number) return;
    slide = number;
    std::fill(back.luma.begin(), back.luma.end(), uint8_t{235});
    std::fill(back.cb.begin(), back.cb.end(), uint8_t{128});
    std::fill(back.cr.begin(), back.cr.end(), uint8_t{128});
    const PictureView view = back.view();
    const double line = std::max((config.height - at.top) / 11.0, 6.0);
    const int left = even(kSafe * config.width);
    const double room = (1 - 2 * kSafe) * config.width;
    const TextStyle title{0.75 * line, 0.14}, words{0.5 * line, 0.12};
    double y = at.top + 0.8 * line;
    const auto write = [&](const std::string& text, const TextStyle& style, Colour colour) {
      paint(view, left, even(y), text_mask(fitting(text, style, room), style), colour);
      y += line;
    };
    write(fmt::format("{}: {}", config.name, number + 1), title, hsl(hue, 0.8, 0.3));
    for (uint64_t n = 0; y + line < config.height; ++n)
      write(sentence(mix_seed(config.seed + number, n)), words, kShade);
  }

  static std::string sentence(uint64_t choice) {
    constexpr const char* kWords[] = {"screen", "budget", "review",  "delay",   "next",  "quarter",
                                      "plan",   "team",   "network", "release", "open",  "result",
                                      "change", "login",  "window",  "report",  "draft", "status"};
    std::string text;
    for (int i = 0; i < 7; ++i, choice = mix_seed(choice, i))
      text += (i > 0 ? " " : "") + std::string(kWords[choice % std::size(kWords)]);
    return text;
  }

  const PictureConfig config;
  std::optional<uint64_t> slide;  // that lies in `back`
  const Layout at;
  const double hue;
  const Colour accent;
  Sheet back;
  PatternRibbon ribbon;
  PatternRing ring;
  Mask lamp;
  Digits clock, number, seconds;
};

Result<std::unique_ptr<PatternPicture>> PatternPicture::create(const PictureConfig& config) {
  if (config.width < kNarrowestPicture || config.width > kWidestPicture ||
      config.height < kLowestPicture || config.height > kHighestPicture)
    return fail(Code::kUsage, fmt::format("a picture of {}x{}: 160x90 to 1920x1920 is possible",
                                          config.width, config.height));
  if (config.fps < 1 || config.fps > kMostFps)
    return fail(Code::kUsage,
                fmt::format("{} frames a second: 1 to {} is possible", config.fps, kMostFps));
  return std::unique_ptr<PatternPicture>(new PatternPicture(std::make_unique<Impl>(config)));
}

PatternPicture::PatternPicture(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PatternPicture::~PatternPicture() = default;

void PatternPicture::draw(uint64_t frame, bool chirp, const PictureView& picture) const {
  impl_->draw(frame, chirp, picture);
}

}  // namespace callbot::pipelines
