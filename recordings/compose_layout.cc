#include "recordings/compose_layout.h"

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

constexpr int kMostInGrid = 49;  // 7 x 7: 176 pixels wide of 1280
constexpr int kMostBeside = 12;  // 96 pixels wide of 1280
constexpr int kWidthUnit = 16;

struct Region {
  Rect rect;
  int gap;
  double aspect;  // of the tiles
};

int gap_of(int width, int height) { return std::max(2, std::min(width, height) / 60 / 2 * 2); }

// The largest tile that fits into these bounds.
Rect tile_within(int width, int height, double aspect) {
  const int fits = std::min(width, static_cast<int>(height * aspect));
  Rect tile;
  tile.width = std::max(kWidthUnit, fits / kWidthUnit * kWidthUnit);
  tile.height = std::max(2, static_cast<int>(std::lround(tile.width / aspect / 2)) * 2);
  return tile;
}

Rect grid_tile(const Region& r, int count, int columns) {
  const int rows = (count + columns - 1) / columns;
  return tile_within((r.rect.width - (columns + 1) * r.gap) / columns,
                     (r.rect.height - (rows + 1) * r.gap) / rows, r.aspect);
}

// Rows of equal tiles around the region's centre; the last row is centred too.
void add_grid(std::vector<Rect>& out, const Region& r, int count) {
  if (count == 0) return;
  // The largest tiles; of two that are equal the lower block.
  int columns = 1;
  for (int c = 2; c <= count; ++c) {
    const int better = grid_tile(r, count, c).width - grid_tile(r, count, columns).width;
    const bool lower = (count + c - 1) / c < (count + columns - 1) / columns;
    if (better > 0 || (better == 0 && lower)) columns = c;
  }
  const Rect tile = grid_tile(r, count, columns);
  const int rows = (count + columns - 1) / columns;
  const int top = r.rect.y + (r.rect.height - rows * tile.height - (rows - 1) * r.gap) / 2;
  for (int i = 0; i < count; ++i) {
    const int row = i / columns;
    const int here = std::min(columns, count - row * columns);
    const int left = r.rect.x + (r.rect.width - here * tile.width - (here - 1) * r.gap) / 2;
    out.push_back({(left + i % columns * (tile.width + r.gap)) & ~1,
                   (top + row * (tile.height + r.gap)) & ~1, tile.width, tile.height});
  }
}

Rect centred(const Region& r) {
  Rect tile = tile_within(r.rect.width - 2 * r.gap, r.rect.height - 2 * r.gap, r.aspect);
  tile.x = (r.rect.x + (r.rect.width - tile.width) / 2) & ~1;
  tile.y = (r.rect.y + (r.rect.height - tile.height) / 2) & ~1;
  return tile;
}

// The large tile above, the others in one row below it.
std::vector<Rect> with_strip(const Region& all, int others) {
  const int strip_height = all.rect.height / 5;
  const Rect tile =
      tile_within((all.rect.width - (others + 1) * all.gap) / others, strip_height, all.aspect);
  const int low = tile.height + all.gap;
  std::vector<Rect> out = {
      centred({{0, 0, all.rect.width, all.rect.height - low}, all.gap, all.aspect})};
  const int left = (all.rect.width - others * tile.width - (others - 1) * all.gap) / 2;
  // The block of both is centred: as much is free above as below.
  const int free = all.rect.height - out[0].height - low;
  out[0].y = (free / 2) & ~1;
  const int top = (out[0].y + out[0].height + all.gap) & ~1;
  for (int i = 0; i < others; ++i)
    out.push_back({(left + i * (tile.width + all.gap)) & ~1, top, tile.width, tile.height});
  return out;
}

std::vector<Rect> with_half(const Region& all, int others) {
  const int half = all.rect.width / 2;
  std::vector<Rect> out = {centred({{0, 0, half, all.rect.height}, all.gap, all.aspect})};
  add_grid(out, {{half, 0, all.rect.width - half, all.rect.height}, all.gap, all.aspect}, others);
  return out;
}

}  // namespace

std::optional<ComposeLayout> compose_layout(std::string_view name) {
  for (const auto layout : {ComposeLayout::kGrid, ComposeLayout::kSpeaker,
                            ComposeLayout::kSideBySide, ComposeLayout::kAudio}) {
    if (name == name_of(layout)) return layout;
  }
  return std::nullopt;
}

const char* name_of(ComposeLayout layout) {
  switch (layout) {
    case ComposeLayout::kGrid:
      return "grid";
    case ComposeLayout::kSpeaker:
      return "speaker";
    case ComposeLayout::kSideBySide:
      return "side-by-side";
    case ComposeLayout::kAudio:
      break;
  }
  return "audio";
}

int most_tiles(ComposeLayout layout, bool one_is_large) {
  return one_is_large && layout != ComposeLayout::kSideBySide ? kMostBeside + 1 : kMostInGrid;
}

std::vector<Rect> arrange(ComposeLayout layout, int width, int height, int count, int large) {
  if (count <= 0 || layout == ComposeLayout::kAudio) return {};
  if (count == 1) return {{0, 0, width, height}};
  const Region all{{0, 0, width, height},
                   gap_of(width, height),
                   static_cast<double>(width) / static_cast<double>(height)};
  std::vector<Rect> places;
  if (large < 0 || large >= count) {
    add_grid(places, all, count);
    return places;
  }
  places =
      layout == ComposeLayout::kSideBySide ? with_half(all, count - 1) : with_strip(all, count - 1);
  // The large place is the first one.
  std::rotate(places.begin(), places.begin() + 1, places.begin() + large + 1);
  return places;
}

}  // namespace callbot::recordings
