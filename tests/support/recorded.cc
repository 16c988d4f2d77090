#include "tests/support/recorded.h"

#include <gtest/gtest.h>

#include <numeric>

namespace callbot::test {

using namespace recordings;

Recorded::Recorded(const std::filesystem::path& folder) {
  auto loaded = load(folder);
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
  if (!loaded) return;
  EXPECT_FALSE(loaded->journal_error) << loaded->journal_error->message;
  manifest = loaded->manifest;
  events = loaded->events;
  std::vector<ProbedMedia> media;
  for (const MediaFileFacts& f : manifest.media) {
    auto probed = probe(folder / f.path, 1);
    EXPECT_TRUE(probed) << (probed ? "" : probed.error().message);
    if (probed) media.push_back({&f, std::move(*probed)});
  }
  const double duration = duration_of(manifest, media);
  lanes = make_lanes(*loaded, std::move(media), duration);
}

std::vector<std::string> Recorded::files() const {
  std::vector<std::string> names;
  for (const MediaFileFacts& f : manifest.media) names.push_back(f.path);
  return names;
}

Lane Recorded::lane(const std::string& participant, MediaKind kind) const {
  for (const Lane& l : lanes) {
    if (l.participant == participant && l.media == kind) return l;
  }
  return {};
}

std::vector<Event> Recorded::of_kind(EventKind kind) const {
  std::vector<Event> out;
  for (const Event& e : events) {
    if (e.kind == kind) out.push_back(e);
  }
  return out;
}

size_t packet_count(const Lane& lane) { return lane.packet_times().size(); }

size_t undecodable_count(const Lane& lane) {
  size_t count = 0;
  for (const LanePiece& p : lane.pieces) {
    count += p.stream.undecodable.size();
    for (const ProbedPicture& picture : p.stream.pictures) count += picture.damaged ? 1 : 0;
  }
  return count;
}

std::vector<ProbedPicture> pictures(const Lane& lane) {
  std::vector<ProbedPicture> out;
  for (const LanePiece& p : lane.pieces)
    out.insert(out.end(), p.stream.pictures.begin(), p.stream.pictures.end());
  return out;
}

std::vector<int64_t> counters(const Lane& lane) {
  std::vector<int64_t> out;
  for (const ProbedPicture& p : pictures(lane))
    out.push_back(p.mark ? static_cast<int64_t>(p.mark->counter) : -1);
  return out;
}

std::vector<int64_t> counting(int64_t from, int64_t count) {
  std::vector<int64_t> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), from);
  return out;
}

std::vector<double> chirp_times(const Lane& lane) {
  std::vector<double> out;
  for (const LanePiece& p : lane.pieces) {
    for (const ProbedChirp& c : p.stream.chirps) out.push_back(c.time);
  }
  return out;
}

}  // namespace callbot::test
