#include "quality/series_set.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace callbot::quality {
namespace {

// Samples come nearly in order: some belong to a playout that is a little later.
void insert(std::vector<Sample>& samples, Sample sample) {
  auto at = samples.end();
  while (at != samples.begin() && (at - 1)->at_ns > sample.at_ns) --at;
  samples.insert(at, sample);
}

}  // namespace

SeriesSet::SeriesSet(std::string actor, std::string from, std::string stream)
    : actor_(std::move(actor)), from_(std::move(from)), stream_(std::move(stream)) {}

SeriesSet::Entry& SeriesSet::entry(const char* metric) {
  const auto found = entries_.find(metric);
  if (found != entries_.end()) return found->second;
  const Metric* row = find_metric(metric);
  if (row == nullptr) std::abort();
  Entry& made = entries_[row->name];
  made.series = {.metric = metric, .actor = actor_, .from = from_, .stream = stream_};
  made.counts = row->kind == MetricKind::kCount;
  return made;
}

void SeriesSet::expect(std::initializer_list<const char*> metrics, const std::string& why) {
  const std::lock_guard lock(mutex_);
  for (const char* metric : metrics) {
    Series& series = entry(metric).series;
    if (series.state == Measured::kUnmeasured) series.why = why;
  }
}

void SeriesSet::measure(std::initializer_list<const char*> metrics) {
  const std::lock_guard lock(mutex_);
  for (const char* metric : metrics) {
    Series& series = entry(metric).series;
    if (series.state != Measured::kUnmeasured) continue;
    series.state = Measured::kOk;
    series.why.clear();
  }
}

void SeriesSet::invalidate(const char* metric, const std::string& why) {
  const std::lock_guard lock(mutex_);
  entry(metric).invalid = why;
}

void SeriesSet::set_uncertainty(const char* metric, double uncertainty) {
  const std::lock_guard lock(mutex_);
  Series& series = entry(metric).series;
  series.uncertainty = std::max(series.uncertainty, uncertainty);
}

void SeriesSet::sample(const char* metric, int64_t at_ns, double value) {
  measure({metric});
  const std::lock_guard lock(mutex_);
  insert(entry(metric).series.samples, {at_ns, value});
}

void SeriesSet::replace(const char* metric, int64_t at_ns, double value) {
  measure({metric});
  const std::lock_guard lock(mutex_);
  entry(metric).series.samples = {{at_ns, value}};
}

void SeriesSet::count(const char* metric, double by) {
  measure({metric});
  const std::lock_guard lock(mutex_);
  Entry& e = entry(metric);
  e.gathered += by;
  e.total += by;
}

void SeriesSet::event(const char* metric, int64_t at_ns, double by) {
  measure({metric});
  const std::lock_guard lock(mutex_);
  Entry& e = entry(metric);
  insert(e.series.samples, {at_ns, by});
  e.happened = true;
  e.total += by;
}

void SeriesSet::tick(int64_t at_ns) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, e] : entries_) {
    if (!e.counts || e.series.state == Measured::kUnmeasured) continue;
    if (e.gathered != 0 || (!e.happened && !e.rests)) insert(e.series.samples, {at_ns, e.gathered});
    e.gathered = 0;
    e.happened = false;
  }
}

void SeriesSet::rest(std::initializer_list<const char*> metrics, bool resting) {
  const std::lock_guard lock(mutex_);
  for (const char* metric : metrics) {
    const auto found = entries_.find(metric);
    if (found != entries_.end()) found->second.rests = resting;
  }
}

double SeriesSet::total(const char* metric) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(metric);
  return found == entries_.end() ? 0 : found->second.total;
}

std::vector<Series> SeriesSet::snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<Series> all;
  all.reserve(entries_.size());
  for (const auto& [name, e] : entries_) {
    all.push_back(e.series);
    judge(e, all.back());
  }
  return all;
}

std::vector<Series> SeriesSet::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Series> all;
  all.reserve(entries_.size());
  for (auto& [name, e] : entries_) {
    std::vector<Sample> samples = std::exchange(e.series.samples, {});
    all.push_back(e.series);
    all.back().samples = std::move(samples);
    judge(e, all.back());
  }
  return all;
}

void SeriesSet::judge(const Entry& entry, Series& series) {
  if (entry.invalid.empty() || series.state != Measured::kOk) return;
  series.state = Measured::kInvalid;
  series.why = entry.invalid;
}

}  // namespace callbot::quality
