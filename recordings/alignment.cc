#include "recordings/alignment.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "recordings/clock_estimate.h"
#include "recordings/sender_clock.h"

namespace callbot::recordings {
namespace {

constexpr size_t kAround = 20;  // reports before and after that a line goes by
constexpr double kStep = 0.05;  // seconds between two reports: a clock was set
constexpr double kMostDrift = 1e-3;
constexpr double kMostFloorRate = 500e-6;
// Between two anchors a track moves by less than 3 ms; where it is more, the second one moved it.
constexpr int64_t kMovedAtOnceNs = 5'000'000;
// An anchor says the exact time, the file whole milliseconds.
constexpr int64_t kRoundingNs = 600'000;

struct Anchor {
  std::string file;
  int stream = 0;
  int64_t x = 0;  // RTP time, ns
  int64_t file_ns = 0, live_ns = 0, arrival_ns = 0;
};
struct Report {
  int64_t x = 0;
  int64_t ntp_ns = 0, arrival_ns = 0;
};

// What of a track was received while its RTP clock went on without a break.
struct Run {
  std::vector<Anchor> anchors;
  std::vector<Report> reports;
};

struct Line {
  int64_t x0 = 0, y0 = 0;  // y = x + y0 + rate * (x - x0)
  double rate = 0;
  int64_t at(int64_t x) const { return x + y0 + std::llround(rate * static_cast<double>(x - x0)); }
};

// Of two reports or more; what is far off does not count.
Line fit(const Report* from, const Report* to) {
  std::vector<const Report*> used;
  for (const Report* r = from; r != to; ++r) used.push_back(r);
  Line line;
  for (int pass = 0; pass < 2; ++pass) {
    const auto n = static_cast<double>(used.size());
    const int64_t x0 = used.front()->x;
    const int64_t y0 = used.front()->ntp_ns - x0;
    const auto x = [&](const Report* r) { return static_cast<double>(r->x - x0); };
    const auto y = [&](const Report* r) { return static_cast<double>(r->ntp_ns - r->x - y0); };
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
    for (const Report* r : used) {
      mean_x += x(r) / n;
      mean_y += y(r) / n;
    }
    for (const Report* r : used) {
      xx += (x(r) - mean_x) * (x(r) - mean_x);
      xy += (x(r) - mean_x) * (y(r) - mean_y);
    }
    const bool enough = used.size() >= 4 && xx > 0;
    line.rate = enough ? std::clamp(xy / xx, -kMostDrift, kMostDrift) : 0;
    line.x0 = x0 + std::llround(mean_x);
    line.y0 = y0 + std::llround(mean_y);
    for (const Report* r : used) {
      const auto off = static_cast<double>(r->ntp_ns - line.at(r->x));
      squares += off * off;
    }
    const double most = std::max(3 * std::sqrt(squares / n), 100e3);
    const size_t before = used.size();
    std::erase_if(used, [&](const Report* r) {
      return std::abs(static_cast<double>(r->ntp_ns - line.at(r->x))) > most;
    });
    if (used.empty() || used.size() == before) break;
  }
  return line;
}

int64_t line_of(const Report& r) { return r.ntp_ns - r.x; }

bool is_step(const Report& a, const Report& b) {
  const double passed = std::abs(static_cast<double>(b.x - a.x)) * 1e-9;
  const auto by = static_cast<double>(line_of(b) - line_of(a)) * 1e-9;
  return std::abs(by) > kStep + kMostDrift * passed;
}

// The least arrival minus RTP time of a few reports from `from` on.
int64_t least_delay(const std::vector<Report>& reports, size_t from, size_t to) {
  int64_t least = INT64_MAX;
  for (size_t i = from; i < to; ++i) least = std::min(least, reports[i].arrival_ns - reports[i].x);
  return least;
}

// What a sender set its clock by, and when that was first seen.
struct Step {
  int64_t arrival_ns, by_ns;
};
using Steps = std::vector<Step>;

int64_t stepped_before(const Steps& steps, int64_t arrival_ns) {
  int64_t sum = 0;
  for (const Step& step : steps) sum += step.arrival_ns < arrival_ns ? step.by_ns : 0;
  return sum;
}

// RTP time -> the sender's clock, of one run.
class ToSender {
 public:
  // A step of the sender's clock is taken out, and told; one of RTP time begins a new piece.
  ToSender(std::vector<Report> reports, int64_t stepped_ns, Steps& steps)
      : reports_(std::move(reports)) {
    for (Report& r : reports_) r.ntp_ns -= stepped_ns;
    size_t from = 0;
    for (size_t i = 1; i < reports_.size(); ++i) {
      reports_[i].ntp_ns = in_era_of(reports_[i - 1].ntp_ns, reports_[i].ntp_ns);
      if (!is_step(reports_[i - 1], reports_[i])) continue;
      const int64_t by = line_of(reports_[i]) - line_of(reports_[i - 1]);
      const int64_t came = least_delay(reports_, i, std::min(i + 5, reports_.size())) -
                           least_delay(reports_, i - std::min<size_t>(i - from, 5), i);
      if (std::abs(came) <= std::abs(came - by)) {
        for (size_t k = i; k < reports_.size(); ++k) reports_[k].ntp_ns -= by;
        steps.push_back({reports_[i].arrival_ns, by});
      } else {
        add_knots(from, i);
        from = i;
      }
    }
    add_knots(from, reports_.size());
  }

  bool known() const { return !knots_.empty(); }
  int64_t at(int64_t x) const {
    auto next = std::upper_bound(knots_.begin(), knots_.end(), x,
                                 [](int64_t v, const Knot& k) { return v < k.x; });
    if (next == knots_.begin()) return next->line.at(x);
    const Knot& a = *(next - 1);
    if (next == knots_.end() || next->piece != a.piece) return a.line.at(x);
    const double share = static_cast<double>(x - a.x) / static_cast<double>(next->x - a.x);
    const int64_t by_a = a.line.at(x);
    return by_a + std::llround(share * static_cast<double>(next->line.at(x) - by_a));
  }
  const std::vector<Report>& reports() const { return reports_; }

 private:
  struct Knot {
    int64_t x;
    size_t piece;
    Line line;
  };
  void add_knots(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      const size_t first = std::max(from, i - std::min(i, kAround));
      const size_t last = std::min(to, i + kAround + 1);
      if (!knots_.empty() && reports_[i].x <= knots_.back().x) continue;
      knots_.push_back({reports_[i].x, from, fit(&reports_[first], &reports_[0] + last)});
    }
  }
  std::vector<Report> reports_;
  std::vector<Knot> knots_;
};

struct Arrival {
  int64_t sent_ns, delay_ns;
};

// The line below all arrivals that is closest to them, as DelayFloor's.
Line floor_of(std::vector<Arrival> arrivals) {
  std::sort(arrivals.begin(), arrivals.end(),
            [](const Arrival& a, const Arrival& b) { return a.sent_ns < b.sent_ns; });
  const auto slope = [](const Arrival& a, const Arrival& b) {
    return static_cast<double>(b.delay_ns - a.delay_ns) /
           std::max(static_cast<double>(b.sent_ns - a.sent_ns), 1.0);
  };
  const int64_t middle = arrivals[arrivals.size() / 2].sent_ns;
  std::vector<Arrival> hull;
  for (const Arrival& a : arrivals) {
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) >= slope(hull.back(), a))
      hull.pop_back();
    hull.push_back(a);
  }
  Line line{middle, INT64_MAX, 0};
  for (size_t i = 1; i < hull.size(); ++i) {
    line.rate = slope(hull[i - 1], hull[i]);
    if (hull[i].sent_ns >= middle) break;
  }
  const double span =
      static_cast<double>(arrivals.back().sent_ns - arrivals.front().sent_ns) / 60e9;
  const double most = kMostFloorRate * std::min(span, 1.0);
  line.rate = std::clamp(line.rate, -most, most);
  for (const Arrival& a : arrivals) {
    const auto drifted = line.rate * static_cast<double>(a.sent_ns - middle);
    line.y0 = std::min<int64_t>(line.y0, a.delay_ns - std::llround(drifted));
  }
  return line;
}

using Runs = std::vector<Run>;

Runs runs_of(const Manifest& m, const Track& track, const std::vector<Event>& events) {
  Runs runs(1);
  const int rate = std::max(track.clock_rate, 1);
  for (const Event& e : events) {
    if (e.track != track.id) continue;
    const int64_t x = ticks_to_ns(e.rtp_time, rate);
    if (e.kind == EventKind::kSenderReport) {
      runs.back().reports.push_back({x, e.ntp_ns.value_or(0), e.arrival_ns - m.started_wall_ns});
    } else if (e.kind == EventKind::kAnchor) {
      const auto file = std::find_if(m.media.begin(), m.media.end(),
                                     [&](const MediaFileFacts& f) { return f.path == e.file; });
      if (file == m.media.end()) continue;
      if (e.reason == "disagreement" && !runs.back().anchors.empty()) runs.emplace_back();
      runs.back().anchors.push_back({e.file, e.stream, x, e.time_ns, file->offset_ns + e.time_ns,
                                     e.arrival_ns - m.started_wall_ns});
    }
  }
  std::erase_if(runs, [](const Run& run) { return run.anchors.empty(); });
  return runs;
}

struct Sender {
  std::map<std::pair<TrackId, size_t>, ToSender> clocks;  // of each track's runs
  std::vector<Arrival> arrivals;
  Steps steps;  // as its first track tells of them: a later one may begin after them
};

void learn(Sender& sender, TrackId track, Runs& runs) {
  Steps own;
  const bool leads = sender.clocks.empty();
  for (size_t i = 0; i < runs.size(); ++i) {
    auto& reports = runs[i].reports;
    // A break's first report may still tell of the time before it.
    if (i > 0 && reports.size() > 1 && is_step(reports[0], reports[1]))
      reports.erase(reports.begin());
    if (reports.empty()) continue;
    const int64_t stepped = i > 0 || leads
                                ? stepped_before(own, INT64_MAX)
                                : stepped_before(sender.steps, reports.front().arrival_ns);
    if (i == 0 && stepped != 0) own.push_back({INT64_MIN, stepped});
    const ToSender& clock =
        sender.clocks.emplace(std::pair(track, i), ToSender(reports, stepped, own)).first->second;
    for (const Report& r : clock.reports()) {
      const int64_t sent = clock.at(r.x);
      sender.arrivals.push_back({sent, r.arrival_ns - sent});
    }
    for (const Anchor& a : runs[i].anchors) {
      const int64_t sent = clock.at(a.x);
      sender.arrivals.push_back({sent, a.arrival_ns - sent});
    }
  }
  if (leads) sender.steps = own;
}

// The points of a run, a stretch for each file it is in.
void add_stretches(TrackAlignment& out, const Run& run, const ToSender* clock, const Line* floor) {
  const auto aligned = [&](const Anchor& a) {
    return clock != nullptr ? floor->at(clock->at(a.x)) : a.live_ns;
  };
  const bool believed = std::all_of(run.anchors.begin(), run.anchors.end(), [&](const Anchor& a) {
    return std::abs(aligned(a) - a.live_ns) <= SenderClock::kMostDisagreementNs;
  });
  out.by_reports |= clock != nullptr && believed;
  for (const Anchor& a : run.anchors) {
    const bool first = &a == &run.anchors.front();
    if (first || a.file != out.stretches.back().file || a.stream != out.stretches.back().stream)
      out.stretches.push_back({a.file, a.stream, {}});
    out.stretches.back().points.push_back({a.file_ns, believed ? aligned(a) : a.live_ns});
  }
}

int64_t interpolated(const std::vector<AlignedStretch::Point>& points, int64_t file_ns) {
  auto next = std::upper_bound(points.begin(), points.end(), file_ns + kRoundingNs,
                               [](int64_t v, const auto& p) { return v < p.file_ns; });
  if (next == points.begin() || next == points.end()) {
    const auto& end = next == points.begin() ? points.front() : points.back();
    return end.true_ns + (file_ns - end.file_ns);
  }
  const auto& a = *(next - 1);
  const int64_t since = file_ns - a.file_ns;
  const int64_t moved = (next->true_ns - a.true_ns) - (next->file_ns - a.file_ns);
  if (std::abs(moved) > kMovedAtOnceNs) return a.true_ns + since;
  const double share = static_cast<double>(since) / static_cast<double>(next->file_ns - a.file_ns);
  return a.true_ns + since + std::llround(share * static_cast<double>(moved));
}

}  // namespace

int64_t TrackAlignment::true_ns(const std::string& file, int64_t file_ns) const {
  const AlignedStretch* in = nullptr;
  for (const AlignedStretch& s : stretches) {
    if (s.file == file && (in == nullptr || s.points.front().file_ns <= file_ns + kRoundingNs))
      in = &s;
  }
  return in != nullptr ? interpolated(in->points, file_ns) : file_ns;
}

std::vector<TrackAlignment> align(const Manifest& manifest, const std::vector<Event>& events) {
  std::map<TrackId, Runs> runs;
  std::map<std::string, Sender> senders;
  for (const Track& track : manifest.tracks) {
    runs[track.id] = runs_of(manifest, track, events);
    learn(senders[track.participant], track.id, runs[track.id]);
  }
  std::map<std::string, Line> floors;
  for (const auto& [participant, sender] : senders) {
    if (!sender.arrivals.empty()) floors[participant] = floor_of(sender.arrivals);
  }
  std::vector<TrackAlignment> out;
  for (const Track& track : manifest.tracks) {
    TrackAlignment alignment{.track = track.id};
    const Sender& sender = senders.at(track.participant);
    for (size_t i = 0; i < runs[track.id].size(); ++i) {
      const auto clock = sender.clocks.find({track.id, i});
      const bool known = clock != sender.clocks.end();
      add_stretches(alignment, runs[track.id][i], known ? &clock->second : nullptr,
                    known ? &floors.at(track.participant) : nullptr);
    }
    if (!alignment.stretches.empty()) out.push_back(std::move(alignment));
  }
  return out;
}

}  // namespace callbot::recordings
