// quality/series_set.h: the samples of one stream, metric by metric, as they are measured.
//
// Counts come two ways: what happens often (frames, samples) is gathered and becomes a sample at
// each tick, a second apart; what should not happen (a missing frame) is a sample at its own time.
// A metric that is counted has a sample for each second, also where that is 0; one that is not has
// none, and says why.
//
// Thread:  any; locks for moments.
// Owner:   who measures.
// Fails:   a metric that is not in the table (base/metric.h) is a defect: it aborts.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/metric.h"

namespace callbot::quality {

class SeriesSet {
 public:
  SeriesSet(std::string actor, std::string from, std::string stream);

  // Metrics that this stream has, for this reason unmeasured until somebody measures them.
  void expect(std::initializer_list<const char*> metrics, const std::string& why);
  // From now on a metric is measured, whether anything of it happens or not.
  void measure(std::initializer_list<const char*> metrics);
  // What was measured is not to be believed; empty: it is again.
  void invalidate(const char* metric, const std::string& why);
  void set_uncertainty(const char* metric, double uncertainty);

  void sample(const char* metric, int64_t at_ns, double value);   // gauges and spans
  void replace(const char* metric, int64_t at_ns, double value);  // a gauge of all so far
  void count(const char* metric, double by);                      // what happens often
  void event(const char* metric, int64_t at_ns, double by = 1);   // what should not happen
  void tick(int64_t at_ns);
  // Nobody looks at these for now, where they are there at all: no sample says 0 of them.
  void rest(std::initializer_list<const char*> metrics, bool resting);

  double total(const char* metric) const;  // of a count, gathered ones too
  std::vector<Series> snapshot() const;
  // The same, and its samples are forgotten here: a call of hours takes no more memory than its
  // reader wants. States stay; a sample may be a little older than the last one taken before.
  std::vector<Series> take();

 private:
  struct Entry {
    Series series;
    std::string invalid = {};  // why
    bool counts = false, rests = false;
    double gathered = 0;
    bool happened = false;  // since the last tick
    double total = 0;
  };
  Entry& entry(const char* metric);
  static void judge(const Entry& entry, Series& series);

  mutable std::mutex mutex_;
  std::string actor_, from_, stream_;
  std::map<std::string_view, Entry> entries_;
};

}  // namespace callbot::quality
