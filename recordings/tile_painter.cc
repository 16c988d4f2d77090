#include "recordings/tile_painter.h"

#include <algorithm>
#include <cmath>

namespace callbot::recordings {
namespace {

struct Look {
  Colour behind = colour_of(14, 16, 20), tile = colour_of(36, 40, 48),
         text = colour_of(245, 246, 248), pill = colour_of(0, 0, 0), ring = colour_of(64, 196, 120);
  int pill_opacity = 150;  // of 255
  Colour avatars[8] = {colour_of(38, 98, 188),  colour_of(124, 77, 190), colour_of(178, 58, 104),
                       colour_of(183, 82, 36),  colour_of(140, 112, 24), colour_of(48, 124, 68),
                       colour_of(20, 120, 130), colour_of(86, 96, 112)};
};

const Look& look() {
  static const Look the;
  return the;
}

constexpr size_t kMostLabels = 400;  // a size each; they are drawn again where there are more
constexpr int kSpill = 14;           // libswscale may write so many pixels behind a row's end

// FNV-1a: the same name has the same colour in every recording.
size_t colour_number(const std::string& name) {
  uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  return hash % std::size(look().avatars);
}

int even(double v) { return static_cast<int>(std::lround(v / 2)) * 2; }

int radius_of(const Rect& tile) { return std::clamp(tile.width / 64 & ~1, 2, 12); }

Rect grown(const Rect& r, int by) {
  return {r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by};
}

// The picture in the middle of the tile; all of it where only a rounding is missing.
Rect place_of(const AVFrame& picture, const Rect& tile) {
  double aspect = static_cast<double>(picture.width) / std::max(picture.height, 1);
  if (picture.sample_aspect_ratio.num > 0) aspect *= av_q2d(picture.sample_aspect_ratio);
  Rect r{tile.x, tile.y, std::min(tile.width, even(tile.height * aspect)),
         std::min(tile.height, even(tile.width / aspect))};
  r.width = std::max(r.width, 2);
  r.height = std::max(r.height, 2);
  if (tile.width - r.width <= 4) r.width = tile.width;
  if (tile.height - r.height <= 4) r.height = tile.height;
  r.x += (tile.width - r.width) / 2 & ~1;
  r.y += (tile.height - r.height) / 2 & ~1;
  return r;
}

}  // namespace

struct TilePainter::Label {
  Mask name, pill;
  Mask circle, initials;
  size_t avatar = 0;
};

struct TilePainter::Scaler {
  struct Freer {
    void operator()(SwsContext* context) const { sws_freeContext(context); }
  };
  std::unique_ptr<SwsContext, Freer> context;
  AvFrame scratch;
  int range = -1, matrix = -1;

  bool prepare(const AVFrame& from, int width, int height) {
    const SwsContext* before = context.get();
    context.reset(sws_getCachedContext(context.release(), from.width, from.height,
                                       static_cast<AVPixelFormat>(from.format), width, height,
                                       AV_PIX_FMT_YUV420P, SWS_BICUBIC, nullptr, nullptr, nullptr));
    if (!context) return false;
    const int full = from.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
    const int source = from.colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    if (context.get() == before && full == range && source == matrix) return true;
    range = full;
    matrix = source;
    if (full != 0 || source != SWS_CS_ITU601)
      sws_setColorspaceDetails(context.get(), sws_getCoefficients(source), full,
                               sws_getCoefficients(SWS_CS_ITU601), 0, 0, 1 << 16, 1 << 16);
    return true;
  }

  void scale(const AVFrame& from, AVFrame& to, int x, int y) const {
    uint8_t* planes[4] = {};
    for (int p = 0; p < 3; ++p) {
      const int shift = p == 0 ? 0 : 1;
      planes[p] = to.data[p] + static_cast<ptrdiff_t>(y >> shift) * to.linesize[p] + (x >> shift);
    }
    sws_scale(context.get(), from.data, from.linesize, 0, from.height, planes, to.linesize);
  }
};

struct TilePainter::Job {
  Canvas* canvas;
  TileState want;
  const Tile* tile;
  const Label* label;
  Scaler* scaler;
  bool afresh;  // more than another picture in the same place
};

TilePainter::TilePainter(std::vector<std::string> names, int width, int height, int threads)
    : width_(width),
      height_(height),
      ring_(std::min(4, std::min(width, height) / 120 & ~1)),
      names_(std::move(names)),
      crew_(threads) {}

TilePainter::~TilePainter() = default;

const TilePainter::Label& TilePainter::label_for(const Tile& tile) {
  const Rect& r = tile.rect;
  auto& label = labels_[{tile.role.member, tile.role.screen, r.width, r.height}];
  if (label) return *label;
  label = std::make_unique<Label>();
  const std::string& name = names_[tile.role.member];
  label->avatar = colour_number(name);
  const int circle = even(std::min(r.width, r.height) * 0.38);
  label->circle = rounded_mask(circle, circle, circle / 2);
  label->initials = text_.draw(initials_of(name), circle * 2 / 5, circle, true);
  const int size = std::clamp(r.height / 18, 11, 20);
  const int pad = size * 2 / 3;
  label->name = text_.draw(tile.role.screen ? line_of(name) + " (screen)" : name, size,
                           r.width - 2 * pad - size);
  if (!label->name.alpha.empty() && label->name.height + pad < r.height) {
    const int height = even(label->name.height + size * 0.4);
    label->pill = rounded_mask(even(label->name.width + pad * 2), height, std::min(height / 2, 8));
  }
  return *label;
}

TileState TilePainter::state_of(const Tile& tile) const {
  TileState state{.rect = tile.rect,
                  .member = tile.role.member,
                  .screen = tile.role.screen,
                  .speaking = tile.speaking && tile.rect.width < width_,
                  .valid = true};
  if (tile.role.picture == nullptr) return state;
  state.lane = tile.role.lane;
  state.number = tile.role.number;
  state.picture = place_of(*tile.role.picture->frame, tile.rect);
  return state;
}

void TilePainter::paint(Canvas& canvas, const Canvas* before, const std::vector<Tile>& tiles) {
  const auto same_places = [&](const std::vector<TileState>& states) {
    return std::equal(states.begin(), states.end(), tiles.begin(), tiles.end(),
                      [](const TileState& s, const Tile& t) { return s.rect == t.rect; });
  };
  if (!canvas.painted || !same_places(canvas.tiles)) {
    fill(*canvas.frame, {0, 0, width_, height_}, look().behind);
    canvas.tiles.assign(tiles.size(), TileState{});
    canvas.painted = true;
  }
  if (before != nullptr && !same_places(before->tiles)) before = nullptr;
  if (labels_.size() + tiles.size() > kMostLabels) labels_.clear();
  std::vector<Crew::Job> jobs;
  for (size_t i = 0; i < tiles.size(); ++i) {
    const TileState want = state_of(tiles[i]);
    const TileState is = std::exchange(canvas.tiles[i], want);
    if (is == want) continue;
    if (before != nullptr && before->tiles[i] == want) {
      jobs.emplace_back([this, &canvas, before, want] {
        copy_rect(*canvas.frame, *before->frame, grown(want.rect, ring_));
      });
      continue;
    }
    auto& scaler = scalers_[want.lane];
    if (!scaler) scaler = std::make_unique<Scaler>();
    TileState but_for_number = is;
    but_for_number.number = want.number;
    const bool afresh = but_for_number != want || want.picture != want.rect;
    jobs.emplace_back([this, job = Job{&canvas, want, &tiles[i], &label_for(tiles[i]), scaler.get(),
                                       afresh}] { paint_tile(job); });
  }
  crew_.run(std::move(jobs));
}

void TilePainter::paint_tile(const Job& job) const {
  AVFrame& to = *job.canvas->frame;
  const Rect& rect = job.want.rect;
  const bool whole = rect.width == width_ && rect.height == height_;
  const int radius = whole ? 0 : radius_of(rect);
  const Colour around = job.want.speaking && ring_ > 0 ? look().ring : look().behind;
  if (job.afresh && !whole) {
    const Rect outer = grown(rect, ring_);
    fill(to, outer, around);
    if (job.want.speaking) cut_corners(to, outer, radius + ring_, look().behind);
  }
  if (job.afresh && job.want.picture != rect) fill(to, rect, look().tile);
  if (job.tile->role.picture == nullptr || !paint_picture(to, job)) paint_still(to, job);
  cut_corners(to, rect, radius, around);
  const Label& label = *job.label;
  const int inset = std::max(4, rect.height / 45 & ~1);
  const int x = rect.x + inset;
  const int y = rect.y + rect.height - inset - label.pill.height;
  blend(to, x, y, label.pill, look().pill, look().pill_opacity);
  blend(to, x + (label.pill.width - label.name.width) / 2,
        y + (label.pill.height - label.name.height) / 2,
        label.pill.alpha.empty() ? Mask{} : label.name, look().text);
}

bool TilePainter::paint_picture(AVFrame& to, const Job& job) const {
  const AVFrame& from = *job.tile->role.picture->frame;
  const Rect& place = job.want.picture;
  const Rect& rect = job.want.rect;
  Scaler& scaler = *job.scaler;
  if (!scaler.prepare(from, place.width, place.height)) return false;
  const int right = rect.x + rect.width - place.x - place.width;
  if (place.width % 16 != 0 && right < kSpill && rect.width < width_) {
    if (!scaler.scratch || scaler.scratch->width != place.width ||
        scaler.scratch->height != place.height)
      scaler.scratch = make_picture(place.width, place.height);
    if (!scaler.scratch) return false;
    scaler.scale(from, *scaler.scratch, 0, 0);
    for (int p = 0; p < 3; ++p) {
      const int shift = p == 0 ? 0 : 1;
      av_image_copy_plane(to.data[p] + static_cast<ptrdiff_t>(place.y >> shift) * to.linesize[p] +
                              (place.x >> shift),
                          to.linesize[p], scaler.scratch->data[p], scaler.scratch->linesize[p],
                          place.width >> shift, place.height >> shift);
    }
    return true;
  }
  scaler.scale(from, to, place.x, place.y);
  // What was written behind the rows' ends.
  if (right > 0) fill(to, {place.x + place.width, place.y, right, place.height}, look().tile);
  return true;
}

void TilePainter::paint_still(AVFrame& to, const Job& job) const {
  const Rect& rect = job.want.rect;
  fill(to, rect, look().tile);
  const Label& label = *job.label;
  const int cx = rect.x + rect.width / 2;
  const int cy = rect.y + rect.height / 2;
  blend(to, cx - label.circle.width / 2, cy - label.circle.height / 2, label.circle,
        look().avatars[label.avatar]);
  blend(to, cx - label.initials.width / 2, cy - label.initials.height / 2, label.initials,
        look().text);
}

}  // namespace callbot::recordings
