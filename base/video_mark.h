// base/video_mark.h: frame number and source <-> luma cells. Plain arithmetic on pixels.
//
// Two rows of 48 square cells at the top of the picture, cell side = width/48:
//   row 1: B W B W B W B W calibration split 4+4 at both ends, 24-bit counter, 16-bit CRC
//   row 2: the same calibration, 16-bit source id, 8-bit flags, CRC over both payloads
// Luma 16 and 235, chroma 128. Reading samples the centre half of each cell; the threshold is the
// midpoint of the calibration cells; contrast below 40 or a CRC that does not fit is "unread".
//
// Thread:  any.
// Owner:   the caller's pixels.
// Fails:   write: a picture narrower than 96 pixels is left alone (false).
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
// Height in pixels of the marked strip of a picture this wide.
int video_mark_height(int width);

}  // namespace callbot
