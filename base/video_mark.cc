#include "base/video_mark.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mark_cells.h"

namespace callbot {
namespace {

using namespace mark_cells;

constexpr int kNarrowest = 96;  // pixels: two a cell
constexpr uint8_t kBlack = 16, kWhite = 235, kNoColour = 128;

bool is_white(uint64_t row, int cell) {
  if (is_calibration(cell)) return calibration_is_white(cell);
  return (row >> (kBits - 1 - (cell - kEdge)) & 1) != 0;
}

int edge_of(int cell, int width) {
  return static_cast<int>(std::lround(static_cast<double>(cell) * width / kCells));
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
  return read_video_mark_at({luma, stride, width, height}, mark_place(width));
}

MarkPlace mark_place(double width) {
  return {.cell_width = width / kCells, .cell_height = width / kCells};
}

std::optional<VideoMark> read_video_mark_at(const LumaView& picture, const MarkPlace& place) {
  Rows rows{};
  for (int row = 0; row < kRows; ++row) {
    const Span lines = centre_half(place.y, row, place.cell_height, picture.height);
    const auto bits = row_bits(picture, place, lines);
    if (!bits) return std::nullopt;
    rows[row] = *bits;
  }
  return mark_of(rows);
}

}  // namespace callbot
