#include "base/folding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace callbot {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr auto kNever = std::numeric_limits<int64_t>::max();

// In order of value.
struct ClassKey {
  int size = 0;     // of the logarithm; below 0 mirrored
  size_t side = 0;  // of all limits
  friend auto operator<=>(const ClassKey&, const ClassKey&) = default;
};

ClassKey key_of(double value, const std::vector<double>* limits) {
  ClassKey key;
  const double size = std::abs(value);
  if (size >= kLeastClass) {
    const int n = 1 + static_cast<int>(std::floor(std::log(size / kLeastClass) / std::log(kClass)));
    key.size = value < 0 ? -n : n;
  }
  if (limits == nullptr) return key;
  const auto [least, most] = std::equal_range(limits->begin(), limits->end(), value);
  key.side =
      static_cast<size_t>(least - limits->begin()) + static_cast<size_t>(most - limits->begin());
  return key;
}

class Folder {
 public:
  Folder(Series& series, const FoldPlan& plan)
      : series_(series), plan_(plan), limits_(plan.limits(series.metric)) {
    const Metric* metric = find_metric(series.metric);
    spans_ = metric != nullptr && metric->kind == MetricKind::kSpan;
  }

  void fold() {
    auto& samples = series_.samples;
    if (samples.size() <= kWhole) return;
    const int64_t before_ns = samples.back().at_ns - plan_.keep_ns();
    const auto end = std::partition_point(samples.begin(), samples.end(),
                                          [&](const Sample& s) { return s.at_ns < before_ns; });
    // All the others are moved: not for a few.
    if (end - samples.begin() < static_cast<ptrdiff_t>(samples.size() / 4)) return;
    const auto kept =
        std::remove_if(samples.begin(), end, [&](const Sample& s) { return take(s); });
    samples.erase(kept, end);
  }

 private:
  // False: it stays as it is.
  bool take(const Sample& sample) {
    const auto [from_ns, to_ns] = plan_.around(sample.at_ns);
    const int64_t end_ns = sample.at_ns + (spans_ ? std::llround(sample.value * 1e9) : 0);
    if (spans_ && end_ns > to_ns) return false;
    Folded& into = folded_from(from_ns);
    if (into.count == 0) {
      into.first_ns = sample.at_ns;
      into.least = into.most = sample;
    }
    into.first_ns = std::min(into.first_ns, sample.at_ns);
    into.end_ns = std::max(into.end_ns, end_ns + 1);
    ++into.count;
    into.sum += sample.value;
    into.squares += sample.value * sample.value;
    if (sample.value < into.least.value) into.least = sample;
    if (sample.value > into.most.value) into.most = sample;
    classify(into.classes, sample);
    chart(sample);
    return true;
  }

  Folded& folded_from(int64_t from_ns) {
    auto& all = series_.folded;
    if (!all.empty() && all.back().from_ns == from_ns) return all.back();
    const auto at = std::partition_point(all.begin(), all.end(),
                                         [&](const Folded& f) { return f.from_ns < from_ns; });
    if (at != all.end() && at->from_ns == from_ns) return *at;
    Folded made;
    made.from_ns = from_ns;
    return *all.insert(at, std::move(made));
  }

  void classify(std::vector<Folded::Class>& classes, const Sample& sample) const {
    const ClassKey key = key_of(sample.value, limits_);
    const auto at = std::partition_point(
        classes.begin(), classes.end(),
        [&](const Folded::Class& c) { return key_of(c.value, limits_) < key; });
    if (at != classes.end() && key_of(at->value, limits_) == key)
      ++at->count;
    else
      classes.insert(at, {sample.at_ns, sample.value, 1});
  }

  void chart(const Sample& sample) {
    auto& all = series_.stretches;
    if (series_.stretch_ns == 0) series_.stretch_ns = kSecond_ns;
    const int64_t begin_ns = sample.at_ns / series_.stretch_ns * series_.stretch_ns;
    const auto at = std::partition_point(all.begin(), all.end(),
                                         [&](const Stretch& s) { return s.from_ns < begin_ns; });
    if (at != all.end() && at->from_ns == begin_ns) {
      ++at->count;
      at->sum += sample.value;
      return;
    }
    all.insert(at, {begin_ns, 1, sample.value});
    while (all.size() > kStretches) lengthen();
  }

  void lengthen() {
    const int64_t length_ns = series_.stretch_ns *= 2;
    std::vector<Stretch> longer;
    for (const Stretch& s : series_.stretches) {
      const int64_t begin_ns = s.from_ns / length_ns * length_ns;
      if (longer.empty() || longer.back().from_ns != begin_ns) longer.push_back({begin_ns, 0, 0});
      longer.back().count += s.count;
      longer.back().sum += s.sum;
    }
    series_.stretches = std::move(longer);
  }

  Series& series_;
  const FoldPlan& plan_;
  const std::vector<double>* limits_;
  bool spans_ = false;
};

}  // namespace

void FoldPlan::cut(int64_t at_ns) {
  const auto at = std::lower_bound(cuts_.begin(), cuts_.end(), at_ns);
  if (at == cuts_.end() || *at != at_ns) cuts_.insert(at, at_ns);
}

void FoldPlan::limit(const std::string& metric, double value) {
  auto& all = limits_[metric];
  // Below 0, too: of samples without their signs.
  for (const double one : {value, -value}) {
    const auto at = std::lower_bound(all.begin(), all.end(), one);
    if (at == all.end() || *at != one) all.insert(at, one);
  }
}

std::pair<int64_t, int64_t> FoldPlan::around(int64_t at_ns) const {
  const auto after = std::upper_bound(cuts_.begin(), cuts_.end(), at_ns);
  return {after == cuts_.begin() ? 0 : *(after - 1), after == cuts_.end() ? kNever : *after};
}

const std::vector<double>* FoldPlan::limits(const std::string& metric) const {
  const auto found = limits_.find(metric);
  return found == limits_.end() ? nullptr : &found->second;
}

void fold(Series& series, const FoldPlan& plan) { Folder(series, plan).fold(); }

}  // namespace callbot
