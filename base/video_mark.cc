#include "base/video_mark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace callbot {
namespace {

constexpr int kCells = 48;
constexpr int kRows = 2;
constexpr int kEdge = 4;  // calibration cells at each end
constexpr int kBits = kCells - 2 * kEdge;
constexpr int kNarrowest = 96;  // pixels: two a cell
constexpr uint8_t kBlack = 16, kWhite = 235, kNoColour = 128;
constexpr double kLeastContrast = 40;
constexpr int kMostSampledLines = 8;  // a line; more say nothing new and cost time

uint16_t crc16(uint16_t crc, uint64_t payload, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    crc ^= static_cast<uint16_t>((payload >> (8 * i) & 0xff) << 8);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

// The 24 bits of a payload and the check over it and what came before.
uint64_t with_crc(uint32_t payload, uint16_t crc) { return uint64_t{payload} << 16 | crc; }

std::array<uint64_t, kRows> rows_of(const VideoMark& mark) {
  const uint32_t counter = mark.counter & 0xffffff;
  const uint32_t rest = uint32_t{mark.source} << 8 | mark.flags;
  const uint16_t first = crc16(0xffff, counter, 3);
  return {with_crc(counter, first), with_crc(rest, crc16(first, rest, 3))};
}

bool calibration_is_white(int cell) { return cell % 2 == 1; }  // both ends begin black

bool is_calibration(int cell) { return cell < kEdge || cell >= kCells - kEdge; }

bool is_white(uint64_t row, int cell) {
  if (is_calibration(cell)) return calibration_is_white(cell);
  return (row >> (kBits - 1 - (cell - kEdge)) & 1) != 0;
}

int edge_of(int cell, int width) {
  return static_cast<int>(std::lround(static_cast<double>(cell) * width / kCells));
}

// The pixels whose centres lie in the centre half of a cell; at least one.
struct Span {
  int begin, end;
};
Span centre_half(int cell, double side, int limit) {
  const double centre = (cell + 0.5) * side;
  int begin = static_cast<int>(std::ceil(centre - side / 4 - 0.5));
  int end = static_cast<int>(std::floor(centre + side / 4 - 0.5)) + 1;
  if (end <= begin) {
    begin = static_cast<int>(centre);
    end = begin + 1;
  }
  return {std::max(begin, 0), std::min(end, limit)};
}

using Levels = std::array<double, kCells>;

Levels levels_of(const uint8_t* luma, size_t stride, int width, Span lines) {
  Levels levels{};
  const double side = static_cast<double>(width) / kCells;
  const int step = std::max(1, (lines.end - lines.begin) / kMostSampledLines);
  for (int cell = 0; cell < kCells; ++cell) {
    const Span columns = centre_half(cell, side, width);
    uint32_t sum = 0, count = 0;
    for (int y = lines.begin; y < lines.end; y += step) {
      const uint8_t* line = luma + static_cast<size_t>(y) * stride;
      for (int x = columns.begin; x < columns.end; ++x) sum += line[x];
      count += static_cast<uint32_t>(columns.end - columns.begin);
    }
    levels[cell] = static_cast<double>(sum) / count;
  }
  return levels;
}

std::optional<uint64_t> bits_of(const Levels& levels) {
  double black = 0, white = 0;
  for (int cell = 0; cell < kCells; ++cell)
    if (is_calibration(cell)) (calibration_is_white(cell) ? white : black) += levels[cell] / kEdge;
  if (white - black < kLeastContrast) return std::nullopt;
  const double threshold = (black + white) / 2;
  uint64_t bits = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    const bool bright = levels[cell] > threshold;
    if (!is_calibration(cell))
      bits = bits << 1 | (bright ? 1 : 0);
    else if (bright != calibration_is_white(cell))
      return std::nullopt;
  }
  return bits;
}

}  // namespace

int video_mark_height(int width) {
  const int lines = edge_of(kRows, width);
  return lines + lines % 2;  // no chroma sample half inside
}

bool write_video_mark(const PictureView& picture, const VideoMark& mark) {
  const int height = video_mark_height(picture.width);
  if (picture.width < kNarrowest || picture.height < height) return false;
  const auto rows = rows_of(mark);
  for (int row = 0; row < kRows; ++row) {
    const int top = edge_of(row, picture.width);
    const int bottom = row + 1 < kRows ? edge_of(row + 1, picture.width) : height;
    uint8_t* first = picture.luma + static_cast<size_t>(top) * picture.luma_stride;
    for (int cell = 0; cell < kCells; ++cell) {
      const int left = edge_of(cell, picture.width);
      std::memset(first + left, is_white(rows[row], cell) ? kWhite : kBlack,
                  edge_of(cell + 1, picture.width) - left);
    }
    for (int y = top + 1; y < bottom; ++y)
      std::memcpy(picture.luma + static_cast<size_t>(y) * picture.luma_stride, first,
                  picture.width);
  }
  for (int y = 0; y < height / 2; ++y)
    for (uint8_t* plane : {picture.cb, picture.cr})
      std::memset(plane + static_cast<size_t>(y) * picture.chroma_stride, kNoColour,
                  (picture.width + 1) / 2);
  return true;
}

std::optional<VideoMark> read_video_mark(const uint8_t* luma, size_t stride, int width,
                                         int height) {
  if (width < kNarrowest || height < video_mark_height(width)) return std::nullopt;
  std::array<uint64_t, kRows> rows{};
  for (int row = 0; row < kRows; ++row) {
    const Span lines = centre_half(row, static_cast<double>(width) / kCells, height);
    const auto bits = bits_of(levels_of(luma, stride, width, lines));
    if (!bits) return std::nullopt;
    rows[row] = *bits;
  }
  VideoMark mark;
  mark.counter = static_cast<uint32_t>(rows[0] >> 16);
  mark.source = static_cast<uint16_t>(rows[1] >> 24);
  mark.flags = static_cast<uint8_t>(rows[1] >> 16);
  if (rows_of(mark) != rows) return std::nullopt;
  return mark;
}

}  // namespace callbot
