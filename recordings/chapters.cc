#include "recordings/chapters.h"

#include <algorithm>

#include "base/files.h"
#include "recordings/cuts.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kTogetherNs = 2'000'000'000;
constexpr size_t kMostTitle = 120;
// QuickTime's list of chapters counts them in one byte; the other one of MP4 has no limit, but no
// player shows more.
constexpr size_t kMostChapters = 255;

// A marker is exactly where it was set; what merely happened may be told together.
struct Happening {
  int64_t at_ns;
  std::string title;
  bool exact = false;
};

std::string called(const TimelineParticipant& p) {
  return printable(p.name.empty() ? p.id : p.name, 60);
}

void add_member(const TimelineParticipant& p, std::vector<Happening>& out) {
  if (p.recorder) return;
  bool before = false;
  for (const TimeSpan& s : p.present) {
    out.push_back({s.from_ns, called(p) + (before ? " joined again" : " joined")});
    before = true;
  }
  const std::string shares = called(p) + " shares a screen";
  int64_t last_end = -kTogetherNs;
  const auto share = [&](int64_t from, int64_t to) {
    if (from - last_end >= kTogetherNs) out.push_back({from, shares});
    last_end = std::max(last_end, to);
  };
  const bool said = std::any_of(p.video.on.begin(), p.video.on.end(),
                                [](const TimeSpan& s) { return s.source == "screen"; });
  for (const TimeSpan& s : p.video.on) {
    if (s.source == "screen") share(s.from_ns, s.to_ns);
  }
  for (const TimelinePiece& piece : p.video.pieces) {
    if (!said && piece.source == "screen")
      share(piece.offset_ns, piece.offset_ns + piece.duration_ns);
  }
}

}  // namespace

std::vector<ChapterMark> marks_of(const Manifest& manifest) {
  std::vector<ChapterMark> marks;
  for (const Marker& marker : manifest.markers) marks.push_back({marker.at_ns, marker.text});
  return marks;
}

std::vector<Chapter> chapters_of(const Timeline& timeline, const std::vector<ChapterMark>& markers,
                                 const std::vector<TimeSpan>& cuts) {
  std::vector<Happening> all;
  for (const TimelineParticipant& p : timeline.participants) add_member(p, all);
  for (const ChapterMark& m : markers) all.push_back({m.at_ns, printable(m.title, 100), true});
  for (Happening& h : all) h.at_ns = without_cuts(cuts, h.at_ns);
  const int64_t end_ns = without_cuts(cuts, timeline.duration_ns);
  std::stable_sort(all.begin(), all.end(),
                   [](const Happening& a, const Happening& b) { return a.at_ns < b.at_ns; });
  std::vector<Chapter> chapters;
  bool last_exact = false;
  for (const Happening& h : all) {
    const int64_t at = std::max<int64_t>(h.at_ns, 0);
    if (at >= end_ns || chapters.size() == kMostChapters) break;
    const int64_t together = h.exact || last_exact ? 1 : kTogetherNs;
    if (!chapters.empty() && at - chapters.back().from_ns < together) {
      std::string& title = chapters.back().title;
      if (title.size() < kMostTitle) title += ", " + h.title;
      continue;
    }
    // The first chapter begins with the file.
    if (chapters.empty() && at >= together) chapters.push_back({0, 0, "Beginning"});
    chapters.push_back({chapters.empty() ? 0 : at, 0, h.title});
    last_exact = h.exact;
  }
  for (size_t i = 0; i < chapters.size(); ++i)
    chapters[i].to_ns = i + 1 < chapters.size() ? chapters[i + 1].from_ns : end_ns;
  return chapters;
}

}  // namespace callbot::recordings
