// base/mark_cells.h: rows of cells <-> bits. What writing, reading and finding marks share; the
// geometry and the code stand in base/video_mark.h.
//
// Thread:  any; plain arithmetic.
// Owner:   the caller's pixels.
// Fails:   what is not there for sure is nullopt.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/video_mark.h"

namespace callbot::mark_cells {

constexpr int kCells = 48;
constexpr int kRows = 2;
constexpr int kEdge = 4;  // calibration cells at each end
constexpr int kBits = kCells - 2 * kEdge;

inline bool calibration_is_white(int cell) { return cell % 2 == 1; }  // both ends begin black
inline bool is_calibration(int cell) { return cell < kEdge || cell >= kCells - kEdge; }

// 24 bits of payload and 16 of CRC, of each row.
using Rows = std::array<uint64_t, kRows>;
Rows rows_of(const VideoMark& mark);
std::optional<VideoMark> mark_of(const Rows& rows);
// Does the first row's CRC fit its counter?
bool counter_fits(uint64_t first_row);

// The pixels whose centres lie in the centre half of a cell, of those that there are.
struct Span {
  int begin = 0, end = 0;
  bool empty() const { return end <= begin; }
};
Span centre_half(double origin, int cell, double side, int limit);

// One row, of which these lines are looked at. A calibration cell that is cut off is not asked, all
// others have to be as they must.
std::optional<uint64_t> row_bits(const LumaView& picture, const MarkPlace& place, Span lines);

}  // namespace callbot::mark_cells
