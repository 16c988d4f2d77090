#include "bot/scenario_recovery.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStep = kSecond / 10;
constexpr int64_t kBefore = 5 * kSecond;
constexpr double kTenth = 0.1, kNoise = 0.01;  // s
constexpr size_t kLeast = 10;                  // frames to say what was usual

using State = Recovery::State;

class Stream {
 public:
  explicit Stream(const std::vector<Sample>& samples) : samples_(samples) {}

  std::vector<double> between(int64_t from_ns, int64_t to_ns) const {
    const auto before = [](const Sample& s, int64_t at_ns) { return s.at_ns < at_ns; };
    std::vector<double> values;
    auto at = std::lower_bound(samples_.begin(), samples_.end(), from_ns, before);
    for (; at != samples_.end() && at->at_ns < to_ns; ++at) values.push_back(at->value);
    return values;
  }

  // In the 5 s before, or since there were frames, or the first that was captured after a stop.
  std::optional<State> usual_before(int64_t at_ns, int64_t stopped_ns) const {
    const auto first = std::find_if(samples_.begin(), samples_.end(), [&](const Sample& s) {
      return s.at_ns - std::llround(s.value * 1e9) >= stopped_ns;
    });
    if (first == samples_.end()) return std::nullopt;
    const int64_t from_ns = std::max(at_ns - kBefore, first->at_ns);
    auto values = between(from_ns, at_ns);
    if (values.size() < kLeast) return std::nullopt;
    const double rate = static_cast<double>(values.size()) * 1e9 /
                        static_cast<double>(std::max(at_ns - from_ns, kStep));
    return State{median(values), rate};
  }

  bool as_usual(const State& usual, int64_t from_ns) const {
    auto values = between(from_ns, from_ns + kSecond);
    // A frame more or less is a matter of where the second begins.
    if (values.empty() || static_cast<double>(values.size()) + 1 < (1 - kTenth) * usual.rate)
      return false;
    return median(values) <= usual.delay * (1 + kTenth) + kNoise;
  }

 private:
  static double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  const std::vector<Sample>& samples_;
};

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

void Recovery::look(const Series& delay, const Course& course, int64_t until_ns) {
  const Stream stream(delay.samples);
  const auto& [changes, stops] = course;
  for (; change_ < changes.size() && changes[change_] <= until_ns; ++change_, begun_ = false) {
    const int64_t began_ns = changes[change_];
    const auto stop = std::upper_bound(stops.begin(), stops.end(), began_ns);
    if (!std::exchange(begun_, true)) {
      if (recovered_ || !usual_)
        usual_ = stream.usual_before(began_ns, stop == stops.begin() ? 0 : *(stop - 1));
      recovered_ = !usual_;
      at_ns_ = began_ns;
    }
    const bool last = change_ + 1 == changes.size();
    int64_t end_ns = last ? until_ns : std::min(changes[change_ + 1], until_ns);
    const bool stops_then = stop != stops.end() && *stop <= end_ns;
    if (stops_then) end_ns = *stop;
    for (; !recovered_ && at_ns_ + kSecond <= end_ns; at_ns_ += kStep) {
      recovered_ = stream.as_usual(*usual_, at_ns_);
      if (recovered_) samples_.push_back({at_ns_ + kSecond, seconds(at_ns_ - began_ns)});
    }
    if (stops_then && !std::exchange(recovered_, true))
      samples_.push_back({end_ns, seconds(end_ns - began_ns)});
    if (last || changes[change_ + 1] > until_ns) return;
  }
}

Series Recovery::series(const Series& delay, const Course& course, int64_t ended_ns) const {
  Recovery all = *this;
  all.look(delay, course, ended_ns);
  Series out;
  out.metric = "recovery_time";
  out.actor = delay.actor;
  out.from = delay.from;
  out.stream = delay.stream;
  out.samples = std::move(all.samples_);
  if (!all.recovered_ && !course.changes.empty())
    out.samples.push_back({ended_ns - 1, seconds(ended_ns - course.changes.back())});
  if (out.samples.empty()) {
    out.why = "too little was measured before the network changed";
    return out;
  }
  out.state = Measured::kOk;
  return out;
}

namespace {

bool is_followed(const Series& series) {
  return series.metric == "video.e2e_delay" && series.state == Measured::kOk;
}

}  // namespace

Recovery::Course Recoveries::course_of(const Series& delay) const {
  Recovery::Course course{own_, {}};
  for (const auto& [key, at_ns] : stops_) {
    const auto& [sender, stream] = key;
    if ((sender.empty() || sender == delay.from) && (stream.empty() || stream == delay.stream))
      course.stops.push_back(at_ns);
  }
  const auto found = of_senders_.find(delay.from);
  if (found == of_senders_.end()) return course;
  auto& all = course.changes;
  all.insert(all.end(), found->second.begin(), found->second.end());
  std::inplace_merge(all.begin(), all.begin() + static_cast<ptrdiff_t>(own_.size()), all.end());
  return course;
}

void Recoveries::look(const std::vector<Series>& measured, int64_t until_ns) {
  for (const Series& one : measured) {
    if (!is_followed(one)) continue;
    if (const auto course = course_of(one); !course.changes.empty())
      recoveries_[{one.from, one.stream}].look(one, course, until_ns);
  }
}

std::vector<Series> Recoveries::series(const std::vector<Series>& measured,
                                       int64_t ended_ns) const {
  std::vector<Series> out;
  for (const Series& one : measured) {
    if (!is_followed(one)) continue;
    const auto course = course_of(one);
    const auto found = recoveries_.find({one.from, one.stream});
    const Recovery so_far = found == recoveries_.end() ? Recovery() : found->second;
    if (!course.changes.empty()) out.push_back(so_far.series(one, course, ended_ns));
  }
  return out;
}

Series recovery_of(const Series& delay, const Recovery::Course& course, int64_t ended_ns) {
  return Recovery().series(delay, course, ended_ns);
}

}  // namespace callbot::bot
