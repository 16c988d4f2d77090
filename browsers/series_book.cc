#include "browsers/series_book.h"

#include <algorithm>
#include <cstdlib>

namespace callbot::browsers {

Series& SeriesBook::of(const std::string& metric, const StreamKey& key) {
  Series& series = series_[{key, metric}];
  if (!series.metric.empty()) return series;
  if (find_metric(metric) == nullptr) std::abort();
  series.metric = metric;
  series.actor = actor_;
  series.from = key.from;
  series.stream = key.stream;
  return series;
}

std::vector<Series> SeriesBook::all() const {
  std::vector<Series> all;
  for (const auto& [key, series] : series_) {
    all.push_back(series);
    std::stable_sort(all.back().samples.begin(), all.back().samples.end(),
                     [](const Sample& a, const Sample& b) { return a.at_ns < b.at_ns; });
  }
  return all;
}

std::vector<Series> SeriesBook::take() {
  auto all = this->all();
  for (auto& [key, series] : series_) series.samples.clear();
  return all;
}

}  // namespace callbot::browsers
