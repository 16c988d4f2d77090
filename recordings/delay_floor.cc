#include "recordings/delay_floor.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace callbot::recordings {
namespace {

constexpr double kMostRate = 500e-6;
constexpr double kSureAfterNs = 60e9;  // until then less is believed

int64_t scaled(double rate, int64_t ns) { return std::llround(rate * static_cast<double>(ns)); }

}  // namespace

void DelayFloor::forget() {
  known_ = false;
  buckets_.clear();
  rate_ = 0;
}

int64_t DelayFloor::arrival_of(int64_t sent_ns) const {
  return sent_ns + floor_ns_ + scaled(rate_, sent_ns - origin_ns_);
}

int64_t DelayFloor::latest_ns() const {
  return buckets_.empty() ? lowest_.delay_ns : std::min(lowest_.delay_ns, buckets_.back().delay_ns);
}

void DelayFloor::add(int64_t sent_ns, int64_t arrival_ns) {
  const Point point{sent_ns, arrival_ns - sent_ns};
  if (!known_) {
    known_ = true;
    origin_ns_ = bucket_began_ns_ = sent_ns;
    floor_ns_ = point.delay_ns;
    lowest_ = point;
    return;
  }
  if (sent_ns - bucket_began_ns_ >= kBucketNs) {
    if (buckets_.empty() || lowest_.sent_ns > buckets_.back().sent_ns) buckets_.push_back(lowest_);
    if (buckets_.size() > kBuckets) buckets_.pop_front();
    bucket_began_ns_ = sent_ns;
    lowest_ = point;
    fit();
  } else if (point.delay_ns < lowest_.delay_ns) {
    lowest_ = point;
  }
  floor_ns_ -= std::max<int64_t>(arrival_of(sent_ns) - arrival_ns, 0);
}

// The slope of the side of the lower convex hull that is over the middle of the points: of all
// lines below them the closest on the average (Moon, Skelly and Towsley, "Estimation and removal
// of clock skew from network delay measurements", 1999).
double DelayFloor::hull_slope() const {
  const auto slope = [](const Point& a, const Point& b) {
    return static_cast<double>(b.delay_ns - a.delay_ns) /
           static_cast<double>(b.sent_ns - a.sent_ns);
  };
  std::vector<Point> hull;
  double middle = 0;
  for (const Point& p : buckets_) {
    middle += static_cast<double>(p.sent_ns - buckets_.front().sent_ns) /
              static_cast<double>(buckets_.size());
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) >= slope(hull.back(), p))
      hull.pop_back();
    hull.push_back(p);
  }
  for (size_t i = 1; i < hull.size(); ++i) {
    if (static_cast<double>(hull[i].sent_ns - buckets_.front().sent_ns) >= middle)
      return slope(hull[i - 1], hull[i]);
  }
  return 0;
}

void DelayFloor::fit() {
  const int64_t span = buckets_.back().sent_ns - buckets_.front().sent_ns;
  const double most = kMostRate * std::min(static_cast<double>(span) / kSureAfterNs, 1.0);
  rate_ = std::clamp(hull_slope(), -most, most);
  origin_ns_ = buckets_.back().sent_ns;
  floor_ns_ = buckets_.back().delay_ns;
  for (const Point& p : buckets_)
    floor_ns_ = std::min(floor_ns_, p.delay_ns - scaled(rate_, p.sent_ns - origin_ns_));
}

}  // namespace callbot::recordings
