// pipelines/glyphs.h: an alphabet of strokes, so that no font file is needed.
//
// Thread:  any; pure functions on constant tables.
// Owner:   the caller owns the masks.
// Fails:   never; a character that the alphabet lacks, or text that is not UTF-8, is a box.
#pragma once

#include <string>
#include <string_view>

#include "pipelines/paint.h"

namespace callbot::pipelines {

struct TextStyle {
  double height = 14;    // of a capital, pixels
  double weight = 0.12;  // width of the strokes, share of the height
};

// Digits are all of one width.
double text_width(std::string_view utf8, const TextStyle& style);
// Anchored at the top left corner of its first capital.
Mask text_mask(std::string_view utf8, const TextStyle& style);
// As much of the text as fits, with an ellipsis where it was cut.
std::string fitting(std::string_view utf8, const TextStyle& style, double width);

}  // namespace callbot::pipelines
