#include "quality/reference.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace callbot::quality {
namespace {

constexpr double kPeak = 255;
constexpr double kMostPsnr = 100;
constexpr int kBlock = 4;      // an SSIM window is two by two of these
constexpr int kVmafEvery = 4;  // of those that are compared: 0.2 s of a processor for 1280x720

// Sums over a block of both pictures.
struct Sums {
  int a = 0, b = 0, squares = 0, product = 0;
  Sums operator+(const Sums& o) const {
    return {a + o.a, b + o.b, squares + o.squares, product + o.product};
  }
};

Sums sums_of(const LumaView& a, const LumaView& b, int column, int row) {
  Sums sums;
  for (int y = row * kBlock; y < (row + 1) * kBlock; ++y) {
    const uint8_t* la =
        a.luma + static_cast<size_t>(y) * a.stride + static_cast<ptrdiff_t>(column) * kBlock;
    const uint8_t* lb =
        b.luma + static_cast<size_t>(y) * b.stride + static_cast<ptrdiff_t>(column) * kBlock;
    for (int x = 0; x < kBlock; ++x) {
      sums.a += la[x];
      sums.b += lb[x];
      sums.squares += la[x] * la[x] + lb[x] * lb[x];
      sums.product += la[x] * lb[x];
    }
  }
  return sums;
}

double ssim_of(const Sums& window) {
  constexpr double kPixels = 4 * kBlock * kBlock;
  constexpr double kC1 = 0.01 * 0.01 * kPeak * kPeak, kC2 = 0.03 * 0.03 * kPeak * kPeak;
  const double mean_a = window.a / kPixels, mean_b = window.b / kPixels;
  const double means = mean_a * mean_a + mean_b * mean_b;
  const double variances = (window.squares - kPixels * means) / (kPixels - 1);
  const double covariance = (window.product - kPixels * mean_a * mean_b) / (kPixels - 1);
  return (2 * mean_a * mean_b + kC1) * (2 * covariance + kC2) / ((means + kC1) * (variances + kC2));
}

}  // namespace

double luma_psnr(const LumaView& a, const LumaView& b) {
  uint64_t squares = 0;
  for (int y = 0; y < a.height; ++y) {
    const uint8_t* la = a.luma + static_cast<size_t>(y) * a.stride;
    const uint8_t* lb = b.luma + static_cast<size_t>(y) * b.stride;
    uint32_t line = 0;
    for (int x = 0; x < a.width; ++x)
      line += static_cast<uint32_t>((la[x] - lb[x]) * (la[x] - lb[x]));
    squares += line;
  }
  const double mse = static_cast<double>(squares) / (static_cast<double>(a.width) * a.height);
  return mse == 0 ? kMostPsnr : std::min(kMostPsnr, 10 * std::log10(kPeak * kPeak / mse));
}

double luma_ssim(const LumaView& a, const LumaView& b) {
  const int columns = a.width / kBlock, rows = a.height / kBlock;
  if (columns < 2 || rows < 2) return 0;
  std::array<std::vector<Sums>, 2> lines;
  for (auto& line : lines) line.resize(static_cast<size_t>(columns));
  double sum = 0;
  for (int row = 0; row < rows; ++row) {
    auto& now = lines[static_cast<size_t>(row % 2)];
    const auto& above = lines[static_cast<size_t>((row + 1) % 2)];
    for (int c = 0; c < columns; ++c) now[static_cast<size_t>(c)] = sums_of(a, b, c, row);
    if (row == 0) continue;
    for (size_t c = 0; c + 1 < now.size(); ++c)
      sum += ssim_of(now[c] + now[c + 1] + above[c] + above[c + 1]);
  }
  return sum / (static_cast<double>(columns - 1) * (rows - 1));
}

Reference::Reference(Painting painting, bool vmaf) : painting_(std::move(painting)), vmaf_(vmaf) {}

LumaView Reference::scaled(const AVFrame& received, const LumaView& luma, PaintedSize to) {
  const PaintedSize from{received.width, received.height};
  if (from == to) return luma;
  if (!scaler_ || scaled_from_ != from || scaled_to_ != to) {
    scaler_.reset(sws_getContext(from.width, from.height, AV_PIX_FMT_GRAY8, to.width, to.height,
                                 AV_PIX_FMT_GRAY8, SWS_BICUBIC, nullptr, nullptr, nullptr));
    scaled_from_ = from;
    scaled_to_ = to;
  }
  scaled_.resize(static_cast<size_t>(to.width) * static_cast<size_t>(to.height));
  uint8_t* out[] = {scaled_.data()};
  const int out_stride[] = {to.width};
  const uint8_t* in[] = {luma.luma};
  const int in_stride[] = {static_cast<int>(luma.stride)};
  sws_scale(scaler_.get(), in, in_stride, 0, from.height, out, out_stride);
  return {scaled_.data(), static_cast<size_t>(to.width), to.width, to.height};
}

std::optional<LumaView> Reference::painted(const VideoMark& mark, PaintedSize size) {
  const auto width = static_cast<size_t>(size.width), height = static_cast<size_t>(size.height);
  const size_t pixels = width * height;
  const size_t half = (width + 1) / 2;
  sent_.resize(pixels * 2);  // 4:2:0, odd sizes too
  uint8_t* cb = sent_.data() + pixels;
  const PictureView view{sent_.data(), width,      cb,         cb + half * ((height + 1) / 2),
                         half,         size.width, size.height};
  if (!painting_.paint(mark.source, mark.counter, view)) return std::nullopt;
  return LumaView{sent_.data(), width, size.width, size.height};
}

std::optional<VmafPictures> Reference::for_vmaf(const LumaView& received, const VideoMark& mark,
                                                PaintedSize size) {
  if (mark.counter == 0) return std::nullopt;  // nothing was before it
  VmafPictures out{.width = size.width / 2 * 2, .height = size.height / 2 * 2};
  const auto take = [&](const LumaView& luma, std::vector<uint8_t>& to) {
    for (int y = 0; y < out.height; ++y) {
      const uint8_t* row = luma.luma + static_cast<size_t>(y) * luma.stride;
      to.insert(to.end(), row, row + out.width);
    }
  };
  take(received, out.received);
  for (const auto& [counter, to] : {std::pair{mark.counter - 1, &out.before},
                                    {mark.counter, &out.sent},
                                    {mark.counter + 1, &out.after}}) {
    VideoMark other = mark;
    other.counter = counter;
    const auto sent = painted(other, size);
    if (!sent) return std::nullopt;
    take(*sent, *to);
  }
  return out;
}

std::optional<Reference::Likeness> Reference::compare(const AVFrame& received,
                                                      const VideoMark& mark) {
  const int every = std::max(painting_.every, 1), count = count_++;
  if (count % every != 0) return std::nullopt;
  const auto luma = luma_of(received);
  const auto size =
      painting_.size ? painting_.size(mark.source, mark.counter, {received.width, received.height})
                     : std::optional(PaintedSize{painting_.width, painting_.height});
  if (!luma || !size) return std::nullopt;
  const auto sent = painted(mark, *size);
  if (!sent) return std::nullopt;
  const LumaView got = scaled(received, *luma, *size);
  Likeness likeness{luma_psnr(*sent, got), luma_ssim(*sent, got)};
  if (vmaf_ && count % (every * kVmafEvery) == 0) likeness.vmaf = for_vmaf(got, mark, *size);
  return likeness;
}

}  // namespace callbot::quality
