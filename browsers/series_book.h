// browsers/series_book.h: series as they grow, found by metric and stream.
//
// Thread:  one; a value.
// Owner:   the caller.
// Fails:   never; a metric that is not in the table is a defect and aborts.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/metric.h"

namespace callbot::browsers {

struct StreamKey {
  std::string from, stream;  // as in Series; both empty: not about a stream
  auto operator<=>(const StreamKey&) const = default;
};

class SeriesBook {
 public:
  explicit SeriesBook(std::string actor) : actor_(std::move(actor)) {}

  void add(const std::string& metric, const StreamKey& key, int64_t at_ns, double value) {
    Series& series = of(metric, key);
    series.state = Measured::kOk;
    series.samples.push_back({at_ns, value});
  }
  // There, but without a sample until one is added.
  Series& of(const std::string& metric, const StreamKey& key);
  std::vector<Series> all() const;
  // All, and its samples are forgotten here: what came since the last time.
  std::vector<Series> take();

 private:
  std::string actor_;
  std::map<std::pair<StreamKey, std::string>, Series> series_;
};

}  // namespace callbot::browsers
