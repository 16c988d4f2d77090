// recordings/compose_layout.h: where the tiles of a composed picture lie.
//
// Every tile has the picture's own proportions (as far as its rounding allows), gaps are even,
// widths are multiples of 16 (what libswscale writes in one go) and everything else is even
// (4:2:0).
//
// Thread:  any; plain arithmetic.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace callbot::recordings {

enum class ComposeLayout {
  kGrid,        // all tiles of one size; a shared screen gets the large one
  kSpeaker,     // one large tile: a shared screen, else who speaks; the others below
  kSideBySide,  // two halves: a shared screen or who speaks on the left, the others on the right
  kAudio,       // no picture
};
std::optional<ComposeLayout> compose_layout(std::string_view name);
const char* name_of(ComposeLayout layout);

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Rect&, const Rect&) = default;
};

// More tiles than these are not shown.
int most_tiles(ComposeLayout layout, bool one_is_large);
// `count` tiles in their order; `large` is the index of the one that gets the large place, -1:
// none.
std::vector<Rect> arrange(ComposeLayout layout, int width, int height, int count, int large);

}  // namespace callbot::recordings
