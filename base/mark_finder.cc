#include "base/mark_finder.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/mark_cells.h"

namespace callbot {
namespace {

using namespace mark_cells;

constexpr int kSearchEvery = 30;    // pictures
constexpr size_t kMostKnown = 64;   // places
constexpr int kForgetAfter = 30;    // pictures in a row that a tile's mark cannot be read
constexpr int kLeastStep = 30;      // of luma between two cells, for the search
constexpr double kLeastSide = 1.9;  // pixels of a cell
constexpr int kMostWrongBits = 3;   // of 40: still a line of the same row

struct Edge {
  double at;
  bool rises;
};

// Where the line crosses the middle between each of its valleys and the peaks beside it.
class LineEdges {
 public:
  const std::vector<Edge>& of(const uint8_t* line, int width) {
    edges_.clear();
    int low = line[0], high = line[0], low_at = 0, high_at = 0;
    int last = 0, last_at = 0;  // the extreme before
    int direction = 0;
    for (int x = 1; x < width; ++x) {
      const int v = line[x];
      if (v > high) high = v, high_at = x;
      if (v < low) low = v, low_at = x;
      if (direction >= 0 && high - v > kLeastStep) {
        if (direction > 0) cross(line, last_at, last, high_at, high);
        last = high, last_at = high_at, low = v, low_at = x, direction = -1;
      } else if (direction <= 0 && v - low > kLeastStep) {
        if (direction < 0) cross(line, last_at, last, low_at, low);
        last = low, last_at = low_at, high = v, high_at = x, direction = 1;
      }
    }
    if (direction > 0) cross(line, last_at, last, high_at, high);
    if (direction < 0) cross(line, last_at, last, low_at, low);
    return edges_;
  }

 private:
  void cross(const uint8_t* line, int from, int from_level, int to, int to_level) {
    const double middle = (from_level + to_level) / 2.0;
    const bool rises = to_level > from_level;
    for (int x = from + 1; x <= to; ++x) {
      if ((line[x] > middle) != rises) continue;
      const double before = line[x - 1], now = line[x];
      edges_.push_back({x - 0.5 + (now == before ? 0 : (middle - before) / (now - before)), rises});
      return;
    }
  }
  std::vector<Edge> edges_;
};

// Three edges as between the cells of B W B W: up, down, up, evenly spaced.
struct Calibration {
  size_t first;  // edge
  double at, side;
};

std::vector<Calibration> calibrations(const std::vector<Edge>& edges) {
  std::vector<Calibration> found;
  for (size_t i = 0; i + 2 < edges.size(); ++i) {
    if (!edges[i].rises) continue;
    const double a = edges[i + 1].at - edges[i].at, b = edges[i + 2].at - edges[i + 1].at;
    const double side = (a + b) / 2;
    if (side >= kLeastSide && std::abs(a - b) < 0.25 * side + 1)
      found.push_back({i, edges[i].at, side});
  }
  return found;
}

Span line_span(int y) { return {y, y + 1}; }

// Edges lie on a lattice of cells: fitted from three of them on, edge by edge.
class Lattice {
 public:
  void add(double cell, double at) {
    ++n_, c_ += cell, a_ += at, cc_ += cell * cell, ca_ += cell * at;
  }
  double side() const { return (n_ * ca_ - c_ * a_) / (n_ * cc_ - c_ * c_); }
  double origin() const { return (a_ - side() * c_) / n_; }
  // Takes the edge if it is on the lattice. False: too many are not, this is no row of cells.
  bool offer(const Edge& edge) {
    const double cell = (edge.at - origin()) / side();
    const double nearest = std::round(cell);
    if (std::abs(cell - nearest) < 0.3)
      add(nearest, edge.at);
    else
      ++off_;
    return off_ <= 2 + n_ / 6;
  }

 private:
  double n_ = 0, c_ = 0, a_ = 0, cc_ = 0, ca_ = 0;
  double off_ = 0;
};

class Search {
 public:
  explicit Search(const LumaView& picture) : picture_(picture) {}

  std::vector<MarkReading> run() {
    const int step = std::max(2, picture_.height / 360);
    for (int y = 0; y < picture_.height; y += step) look_at(y);
    return std::move(found_);
  }

 private:
  void look_at(int y) {
    const auto& edges =
        line_edges_.of(picture_.luma + static_cast<size_t>(y) * picture_.stride, picture_.width);
    const auto candidates = calibrations(edges);
    for (const Calibration& c : candidates) {
      if (is_known(c.at, y)) continue;
      if (whole(edges, candidates, c, y)) continue;
      cut(edges, c, y, kEdge - 1, 0, kEdge);   // as the left end
      cut(edges, c, y, kCells - 1, kEdge, 0);  // as the right one
    }
  }

  bool is_known(double x, int y) const {
    return std::any_of(found_.begin(), found_.end(), [&](const MarkReading& f) {
      const MarkPlace& p = f.place;
      return x > p.x - p.cell_width && x < p.x + (kCells + 1) * p.cell_width &&
             y > p.y - p.cell_height && y < p.y + (kRows + 1) * p.cell_height;
    });
  }

  // Both ends are there.
  bool whole(const std::vector<Edge>& edges, const std::vector<Calibration>& candidates,
             const Calibration& left, int y) {
    constexpr int kApart = kCells - kEdge;  // cells between the same edges of both ends
    const auto at = [](const Calibration& c, double x) { return c.at < x; };
    auto right = std::lower_bound(candidates.begin(), candidates.end(),
                                  left.at + kApart * (left.side * 0.75 - 0.5), at);
    for (; right != candidates.end() && right->at < left.at + kApart * (left.side * 1.25 + 0.5);
         ++right) {
      const double side = (right->at - left.at) / kApart;
      if (side < kLeastSide || std::abs(right->side - side) > 0.25 * side + 0.5) continue;
      if (!on_one_lattice(edges, left, *right, side)) continue;
      if (confirm({.x = left.at - side, .cell_width = side, .cell_height = side}, y)) return true;
    }
    return false;
  }

  // Do the edges between both ends lie where cells meet? All but a few, as in Lattice.
  static bool on_one_lattice(const std::vector<Edge>& edges, const Calibration& left,
                             const Calibration& right, double side) {
    int on = 0, off = 0;
    for (size_t i = left.first; i < right.first; ++i) {
      const double cell = (edges[i].at - left.at) / side;
      ++(std::abs(cell - std::round(cell)) < 0.3 ? on : off);
      if (off > 2 + on / 6) return false;
    }
    return true;
  }

  // Only one end is there; `last` is the cell behind its third edge.
  void cut(const std::vector<Edge>& edges, const Calibration& end, int y, int last, int cut_left,
           int cut_right) {
    Lattice lattice;
    for (int i = 0; i < 3; ++i)
      lattice.add(last - 2 + i, edges[end.first + static_cast<size_t>(i)].at);
    if (cut_left == 0) {
      for (size_t i = end.first + 3; i < edges.size() && fits(lattice, edges[i]); ++i) {
        if (!lattice.offer(edges[i])) return;
      }
    } else {
      for (size_t i = end.first; i-- > 0 && fits(lattice, edges[i]);) {
        if (!lattice.offer(edges[i])) return;
      }
    }
    const double side = lattice.side();
    if (side < kLeastSide) return;
    confirm({.x = lattice.origin(),
             .cell_width = side,
             .cell_height = side,
             .cut_left = cut_left,
             .cut_right = cut_right},
            y);
  }
  static bool fits(const Lattice& lattice, const Edge& edge) {
    const double cell = (edge.at - lattice.origin()) / lattice.side();
    return cell > kEdge - 0.5 && cell < kCells - kEdge + 0.5;
  }

  // Is line y one of the first row? Then where the row begins and ends says the rest.
  bool confirm(MarkPlace place, int y) {
    const auto bits = row_bits(picture_, place, line_span(y));
    if (!bits || !counter_fits(*bits)) return false;
    int top = y, bottom = y + 1;
    while (top > 0 && is_same_row(place, top - 1, *bits)) --top;
    while (bottom < picture_.height && is_same_row(place, bottom, *bits)) ++bottom;
    const double height = bottom - top, side = place.cell_width;
    const MarkPlace square = moved(place, bottom - side, side);
    const MarkPlace measured = moved(place, top, height);
    const bool even = std::abs(height - side) < 0.2 * side + 1.5;
    for (const MarkPlace& p : {even ? square : measured, even ? measured : square}) {
      const auto mark = read_video_mark_at(picture_, p);
      if (!mark || rows_of(*mark)[0] != *bits) continue;
      found_.push_back({p, mark, mark->source});
      return true;
    }
    return false;
  }
  static MarkPlace moved(MarkPlace place, double y, double cell_height) {
    place.y = y;
    place.cell_height = cell_height;
    return place;
  }
  bool is_same_row(const MarkPlace& place, int y, uint64_t bits) const {
    const auto here = row_bits(picture_, place, line_span(y));
    return here && std::popcount(*here ^ bits) <= kMostWrongBits;
  }

  const LumaView& picture_;
  LineEdges line_edges_;
  std::vector<MarkReading> found_;
};

// By more than a cell, or half of one down: tiles side by side touch, within a pixel or so.
bool overlap(const MarkPlace& a, const MarkPlace& b) {
  const double across =
      std::min(a.x + kCells * a.cell_width, b.x + kCells * b.cell_width) - std::max(a.x, b.x);
  const double down =
      std::min(a.y + kRows * a.cell_height, b.y + kRows * b.cell_height) - std::max(a.y, b.y);
  return across > std::min(a.cell_width, b.cell_width) &&
         down > std::min(a.cell_height, b.cell_height) / 2;
}

}  // namespace

std::vector<MarkReading> search_video_marks(const LumaView& picture) {
  return Search(picture).run();
}

const std::vector<MarkReading>& MarkFinder::read(const LumaView& picture) {
  if (picture.width != width_ || picture.height != height_) {
    // Scaled, most likely: what is known lies where it lay, in proportion.
    for (Known& k : known_) {
      const double fx = static_cast<double>(picture.width) / width_;
      const double fy = static_cast<double>(picture.height) / height_;
      MarkPlace& p = k.reading.place;
      p.x *= fx, p.cell_width *= fx, p.y *= fy, p.cell_height *= fy;
    }
    width_ = picture.width;
    height_ = picture.height;
    wait_ = 0;
    next_wait_ = 1;
  }
  const bool all_read = read_known(picture);
  if (search_is_due(all_read)) search(picture);
  readings_.clear();
  for (const Known& k : known_) {
    if (k.unread <= kForgetAfter || tiles_ == Tiles::kOne) readings_.push_back(k.reading);
  }
  return readings_;
}

bool MarkFinder::read_known(const LumaView& picture) {
  if (known_.empty()) {
    const MarkPlace usual = mark_place(picture.width);
    const auto mark = read_video_mark_at(picture, usual);
    if (mark) known_.push_back({{usual, mark, mark->source}});
    return mark.has_value();
  }
  bool any = false, all = true;
  for (Known& k : known_) {
    k.reading.mark = read_video_mark_at(picture, k.reading.place);
    k.unread = k.reading.mark ? 0 : k.unread + 1;
    if (k.reading.mark) k.reading.source = k.reading.mark->source;
    any = any || k.reading.mark;
    all = all && (k.reading.mark || k.unread > kForgetAfter);
  }
  return any && all;
}

bool MarkFinder::search_is_due(bool all_read) {
  ++since_search_;
  if (all_read) {
    wait_ = 0;
    next_wait_ = 1;
    return tiles_ == Tiles::kMany && since_search_ >= search_every_;
  }
  if (wait_ > 0) {
    --wait_;
    return false;
  }
  wait_ = next_wait_;
  next_wait_ = std::min(2 * next_wait_, kSearchEvery);
  return true;
}

void MarkFinder::search(const LumaView& picture) {
  since_search_ = 0;
  search_every_ = std::min(2 * search_every_, kSearchEvery);
  auto found = search_video_marks(picture);
  if (tiles_ == Tiles::kOne && found.size() > 1) {
    std::swap(found[0], *std::max_element(found.begin(), found.end(), [](auto& a, auto& b) {
                return a.place.cell_width < b.place.cell_width;
              }));
    found.resize(1);
  }
  for (const MarkReading& f : found) {
    // What cannot be read there any more has moved here, or is gone.
    const bool read = std::any_of(known_.begin(), known_.end(), [&](const Known& k) {
      return k.reading.mark && overlap(k.reading.place, f.place);
    });
    if (read) continue;
    std::erase_if(known_, [&](const Known& k) {
      return !k.reading.mark && (tiles_ == Tiles::kOne || k.reading.source == f.mark->source ||
                                 overlap(k.reading.place, f.place));
    });
    known_.push_back({f});
    search_every_ = 1;
    wait_ = 0;
    next_wait_ = 1;
  }
  // Where a tile was it may come again: those places are read on, the newest of them.
  while (known_.size() > kMostKnown) {
    known_.erase(std::max_element(known_.begin(), known_.end(),
                                  [](auto& a, auto& b) { return a.unread < b.unread; }));
  }
}

}  // namespace callbot
