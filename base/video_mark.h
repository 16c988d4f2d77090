// base/video_mark.h: frame number and source <-> luma cells. Plain arithmetic on pixels.
//
// Two rows of 48 square cells fill the top edge of the picture, cell side = width/48 (not rounded:
// cell n of a row reaches from n*width/48 to (n+1)*width/48, so that scaling keeps the geometry):
//   row 1: B W B W calibration, 24-bit counter, 16-bit CRC of it, B W B W calibration
//   row 2: the same calibration, 16-bit source id, 8-bit flags, CRC over both payloads
// Bits come most significant first, 1 is white. The CRC is CRC-16 with polynomial 0x1021 and
// initial value 0xffff. Luma 16 and 235, chroma 128. Reading samples the centre half of each cell;
// the threshold is the midpoint of the calibration cells; contrast below 40, a calibration cell on
// the wrong side or a CRC that does not fit is "unread". Unread is an answer: nothing is guessed.
//
// Thread:  any.
// Owner:   the caller's pixels.
// Fails:   write: a picture narrower than 96 pixels, or lower than its mark, is left alone (false).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace callbot {

struct VideoMark {
  uint32_t counter = 0;  // 24 bit, frames since the source began, wraps
  uint16_t source = 0;   // who sends
  uint8_t flags = 0;     // bit 0: a chirp begins with this frame; others: 0
  friend bool operator==(const VideoMark&, const VideoMark&) = default;
};

constexpr uint8_t kMarkChirp = 1;  // VideoMark::flags

// Planes of an 8-bit 4:2:0 picture; strides in bytes.
struct PictureView {
  uint8_t* luma;
  size_t luma_stride;
  uint8_t *cb, *cr;
  size_t chroma_stride;
  int width, height;
};

bool write_video_mark(const PictureView& picture, const VideoMark& mark);
// Luma only; the mark at the picture's own top edge, whatever size it was scaled to.
std::optional<VideoMark> read_video_mark(const uint8_t* luma, size_t stride, int width, int height);

// Luma to read from.
struct LumaView {
  const uint8_t* luma;
  size_t stride;
  int width, height;
};

// Where in a picture a mark lies: cell c of row r begins at (x + c * cell_width,
// y + r * cell_height). It may reach beyond the picture, where that was cropped.
struct MarkPlace {
  double x = 0, y = 0;
  double cell_width = 0, cell_height = 0;
  int cut_left = 0, cut_right = 0;  // calibration cells there that are somebody else's pixels
};
// Where a picture of this width that fills all of the view has its mark.
MarkPlace mark_place(double width);
std::optional<VideoMark> read_video_mark_at(const LumaView& picture, const MarkPlace& place);
// Height in pixels of the marked strip of a picture this wide; even.
int video_mark_height(int width);

}  // namespace callbot
