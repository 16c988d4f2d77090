// recordings/tile_painter.h: paints the tiles of a composed picture: pictures in their own
// proportions, names, stills with initials, a ring around who speaks.
//
// Only what has changed since the canvas was painted last is painted; what the canvas before it has
// already is copied from there. The result is the same either way.
//
// Thread:  one; works on several.
// Owner:   compose().
// Fails:   never; a picture that libswscale cannot read is shown as a still.
#pragma once

extern "C" {
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
}

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "recordings/canvas.h"
#include "recordings/crew.h"
#include "recordings/stage.h"
#include "recordings/text_mask.h"

namespace callbot::recordings {

struct Tile {
  Rect rect;
  Role role;
  bool speaking = false;
};

// What a tile of a canvas shows.
struct TileState {
  Rect rect = {}, picture = {};
  size_t member = 0;
  bool screen = false, speaking = false;
  uint64_t lane = 0, number = 0;
  bool valid = false;
  friend bool operator==(const TileState&, const TileState&) = default;
};

struct Canvas {
  AvFrame frame;
  std::vector<TileState> tiles = {};
  bool painted = false;
};

class TilePainter {
 public:
  TilePainter(std::vector<std::string> names, int width, int height, int threads);
  ~TilePainter();

  // `before`: the canvas painted last; null if there is none, or the same one.
  void paint(Canvas& canvas, const Canvas* before, const std::vector<Tile>& tiles);
  bool has_fonts() const { return text_.available(); }

 private:
  struct Label;
  struct Scaler;
  struct Job;
  const Label& label_for(const Tile& tile);
  TileState state_of(const Tile& tile) const;
  void paint_tile(const Job& job) const;
  bool paint_picture(AVFrame& to, const Job& job) const;
  void paint_still(AVFrame& to, const Job& job) const;

  int width_, height_, ring_;
  std::vector<std::string> names_;
  TextMasks text_;
  Crew crew_;
  std::map<std::tuple<size_t, bool, int, int>, std::unique_ptr<Label>> labels_;
  std::map<uint64_t, std::unique_ptr<Scaler>> scalers_;
};

}  // namespace callbot::recordings
