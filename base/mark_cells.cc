#include "base/mark_cells.h"

#include <algorithm>
#include <cmath>

namespace callbot::mark_cells {
namespace {

constexpr double kLeastContrast = 40;
constexpr int kMostSampledLines = 8;  // a line; more say nothing new and cost time
constexpr int kLeastCalibration = 4;  // cells: one whole end

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

constexpr double kNotThere = -1;
using Levels = std::array<double, kCells>;

double level_of(const LumaView& picture, Span columns, Span lines, int step) {
  if (columns.empty()) return kNotThere;
  uint32_t sum = 0, count = 0;
  for (int y = lines.begin; y < lines.end; y += step) {
    const uint8_t* line = picture.luma + static_cast<size_t>(y) * picture.stride;
    for (int x = columns.begin; x < columns.end; ++x) sum += line[x];
    count += static_cast<uint32_t>(columns.end - columns.begin);
  }
  return static_cast<double>(sum) / count;
}

bool is_cut(const MarkPlace& place, int cell) {
  return cell < place.cut_left || cell >= kCells - place.cut_right;
}

std::optional<uint64_t> bits_of(const Levels& levels) {
  double black = 0, white = 0;
  int blacks = 0, whites = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    if (levels[cell] == kNotThere) {
      if (!is_calibration(cell)) return std::nullopt;
    } else if (is_calibration(cell)) {
      (calibration_is_white(cell) ? white : black) += levels[cell];
      ++(calibration_is_white(cell) ? whites : blacks);
    }
  }
  if (blacks + whites < kLeastCalibration || blacks == 0 || whites == 0) return std::nullopt;
  black /= blacks;
  white /= whites;
  if (white - black < kLeastContrast) return std::nullopt;
  const double threshold = (black + white) / 2;
  uint64_t bits = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    const bool bright = levels[cell] > threshold;
    if (!is_calibration(cell))
      bits = bits << 1 | (bright ? 1 : 0);
    else if (levels[cell] != kNotThere && bright != calibration_is_white(cell))
      return std::nullopt;
  }
  return bits;
}

}  // namespace

Rows rows_of(const VideoMark& mark) {
  const uint32_t counter = mark.counter & 0xffffff;
  const uint32_t rest = uint32_t{mark.source} << 8 | mark.flags;
  const uint16_t first = crc16(0xffff, counter, 3);
  return {with_crc(counter, first), with_crc(rest, crc16(first, rest, 3))};
}

std::optional<VideoMark> mark_of(const Rows& rows) {
  VideoMark mark;
  mark.counter = static_cast<uint32_t>(rows[0] >> 16);
  mark.source = static_cast<uint16_t>(rows[1] >> 24);
  mark.flags = static_cast<uint8_t>(rows[1] >> 16);
  if (rows_of(mark) != rows) return std::nullopt;
  return mark;
}

bool counter_fits(uint64_t first_row) {
  const auto counter = static_cast<uint32_t>(first_row >> 16);
  return with_crc(counter, crc16(0xffff, counter, 3)) == first_row;
}

Span centre_half(double origin, int cell, double side, int limit) {
  const double centre = origin + (cell + 0.5) * side;
  int begin = static_cast<int>(std::ceil(centre - side / 4 - 0.5));
  int end = static_cast<int>(std::floor(centre + side / 4 - 0.5)) + 1;
  if (end <= begin) {
    begin = static_cast<int>(std::floor(centre));
    end = begin + 1;
  }
  return {std::max(begin, 0), std::min(end, limit)};
}

std::optional<uint64_t> row_bits(const LumaView& picture, const MarkPlace& place, Span lines) {
  if (lines.empty()) return std::nullopt;
  Levels levels{};
  const int step = std::max(1, (lines.end - lines.begin) / kMostSampledLines);
  for (int cell = 0; cell < kCells; ++cell) {
    const Span columns =
        is_cut(place, cell) ? Span{} : centre_half(place.x, cell, place.cell_width, picture.width);
    levels[cell] = level_of(picture, columns, lines, step);
  }
  return bits_of(levels);
}

}  // namespace callbot::mark_cells
