#include "quality/rehearsal.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace callbot::quality {
namespace {

constexpr int64_t kBeat_ns = 50'000'000;                 // as the recorder's
constexpr int64_t kWall_ns = 1'795'234'842'000'000'000;  // any time
enum Order { kHappens, kFrame, kEnd, kBeat };

}  // namespace

int64_t rehearsal_ns(double second) { return kRehearsal_ns + std::llround(second * 1e9); }

void Rehearsal::at(double second, std::function<void()> happens) {
  events_.emplace_back(rehearsal_ns(second), std::move(happens));
}

std::vector<Rehearsal::Step> Rehearsal::steps(Watch& watch, FrameWriter& writer,
                                              int64_t end_ns) const {
  std::vector<Step> steps;
  for (const RehearsedTrack& track : tracks_) {
    if (track.frames.empty()) continue;
    int64_t handed_ns = track.frames.front().last_arrival_ns;
    steps.push_back({handed_ns, kHappens, [&] { return writer.begin_track(track.info); }});
    for (const Frame& frame : track.frames) {
      handed_ns = std::max(handed_ns, frame.last_arrival_ns);
      steps.push_back({handed_ns, kFrame, [&, handed_ns] {
                         Frame out = frame;
                         out.out_ns = handed_ns;
                         return writer.write(track.info.id, out);
                       }});
    }
    if (!track.dies)
      steps.push_back({handed_ns + 1, kHappens, [&, handed_ns]() -> Result<> {
                         watch.stopped(track.info.participant, stream_name(track.info), handed_ns);
                         return {};
                       }});
    if (track.end)
      steps.push_back(
          {rehearsal_ns(*track.end), kEnd, [&] { return writer.end_track(track.info.id); }});
  }
  for (const auto& [at_ns, happens] : events_)
    steps.push_back({at_ns, kHappens, [&happens = happens]() -> Result<> {
                       happens();
                       return {};
                     }});
  for (int64_t at_ns = kRehearsal_ns + kBeat_ns; at_ns <= end_ns; at_ns += kBeat_ns)
    steps.push_back({at_ns, kBeat, [&] { return writer.beat(); }});
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.order < b.order;
  });
  return steps;
}

Result<> Rehearsal::run(Watch& watch, double seconds) {
  FakeClock clock(kRehearsal_ns, kWall_ns);
  const auto writer = make_watcher(watch);
  const int64_t end_ns = rehearsal_ns(seconds);
  for (const Step& step : steps(watch, *writer, end_ns)) {
    if (step.at_ns > end_ns) break;
    clock.advance(std::chrono::nanoseconds(std::max<int64_t>(step.at_ns - monotonic_ns(), 0)));
    if (auto done = step.act(); !done) return done;
  }
  return writer->finish();
}

}  // namespace callbot::quality
