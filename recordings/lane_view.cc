#include "recordings/lane_view.h"

#include <algorithm>

#include "recordings/cuts.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kPausesNs = 1'000'000'000;

bool is_screen(const TimelinePiece& piece) { return piece.source == "screen"; }

std::vector<TimelinePiece> those(const std::vector<TimelinePiece>& pieces, bool screen) {
  std::vector<TimelinePiece> out;
  for (const TimelinePiece& p : pieces) {
    if (is_screen(p) == screen) out.push_back(p);
  }
  return out;
}

bool overlap(const std::vector<TimelinePiece>& a, const std::vector<TimelinePiece>& b) {
  for (const TimelinePiece& x : a) {
    for (const TimelinePiece& y : b) {
      if (x.offset_ns < y.offset_ns + y.duration_ns && y.offset_ns < x.offset_ns + x.duration_ns)
        return true;
    }
  }
  return false;
}

}  // namespace

std::vector<ParticipantView> views_of(const TimelineParticipant& p) {
  const auto screen = those(p.video.pieces, true);
  const auto camera = those(p.video.pieces, false);
  if (!overlap(screen, camera)) return {{"", p.video.pieces, p.audio.pieces}};
  const auto voice = those(p.audio.pieces, false);
  const auto shared = those(p.audio.pieces, true);
  return {{"", camera, voice}, {"-screen", screen, shared.empty() ? voice : shared}};
}

LaneView::LaneView(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces,
                   MediaKind kind, std::vector<TimeSpan> cuts)
    : reader_(std::make_unique<LaneReader>(folder, std::move(pieces), kind)),
      kind_(kind),
      cuts_(std::move(cuts)) {}

bool LaneView::shows(const LanePacket& packet) {
  const bool begins = kind_ == MediaKind::kAudio || packet.key;
  const bool newer = packet.piece > shown_;
  const bool paused = packet.time_ns - shown_until_ > kPausesNs;
  if (packet.piece != shown_ && !(begins && (newer || paused))) return false;
  shown_ = packet.piece;
  shown_until_ = packet.time_ns + packet.duration_ns;
  return true;
}

// Moves it to where it is without the cuts.
bool LaneView::keeps(LanePacket& packet) {
  const bool cut = is_cut(cuts_, packet.time_ns);
  torn_ = cut || (torn_ && kind_ == MediaKind::kVideo && !packet.key);
  packet.time_ns = without_cuts(cuts_, packet.time_ns);
  return !torn_;
}

Result<const LanePacket*> LaneView::peek() {
  while (!ahead_) {
    auto packet = reader_->next();
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) return nullptr;
    if (shows(**packet) && keeps(**packet)) ahead_ = std::move(*packet);
  }
  return &*ahead_;
}

Result<std::optional<LanePacket>> LaneView::next() {
  auto seen = peek();
  if (!seen) return tl::unexpected(seen.error());
  if (*seen == nullptr) return std::nullopt;
  std::optional<LanePacket> out = std::exchange(ahead_, std::nullopt);
  out->new_piece = out->piece != given_;
  given_ = out->piece;
  return out;
}

int64_t key_frame_time(const std::filesystem::path& folder, const std::vector<TimelinePiece>& video,
                       int64_t time_ns) {
  LaneView view(folder, video, MediaKind::kVideo);
  int64_t key_ns = time_ns;
  for (;;) {
    const auto packet = view.next();
    if (!packet || !*packet || (*packet)->time_ns > time_ns) return key_ns;
    if ((*packet)->key) key_ns = (*packet)->time_ns;
  }
}

}  // namespace callbot::recordings
