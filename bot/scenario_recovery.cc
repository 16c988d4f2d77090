#include "bot/scenario_recovery.h"

#include <algorithm>
#include <optional>

namespace callbot::bot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStep = kSecond / 10;
constexpr int64_t kBefore = 5 * kSecond;
constexpr double kTenth = 0.1, kNoise = 0.01;  // s
constexpr size_t kLeast = 10;                  // frames to say what was usual

struct State {
  double delay = 0, rate = 0;  // s, frames a second
};

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

  // In the 5 s before, or since there were frames.
  std::optional<State> usual_before(int64_t at_ns) const {
    auto values = between(at_ns - kBefore, at_ns);
    if (values.size() < kLeast) return std::nullopt;
    const int64_t from_ns = std::max(at_ns - kBefore, samples_.front().at_ns);
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

Series recovery_of(const Series& delay, const std::vector<int64_t>& changes, int64_t ended_ns) {
  Series out;
  out.metric = "recovery_time";
  out.actor = delay.actor;
  out.from = delay.from;
  out.stream = delay.stream;
  out.why = "too little was measured before the network changed";
  const Stream stream(delay.samples);
  std::optional<State> usual;
  bool recovered = true;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (recovered || !usual) usual = stream.usual_before(changes[i]);
    if (!usual) continue;
    const bool last = i + 1 == changes.size();
    const int64_t until_ns = last ? ended_ns : changes[i + 1];
    recovered = false;
    int64_t at_ns = changes[i];
    for (; !recovered && at_ns + kSecond <= until_ns; at_ns += kStep)
      recovered = stream.as_usual(*usual, at_ns);
    if (recovered) {
      const int64_t begin_ns = at_ns - kStep;
      out.samples.push_back({begin_ns + kSecond, seconds(begin_ns - changes[i])});
    } else if (last) {
      out.samples.push_back({ended_ns - 1, seconds(ended_ns - changes[i])});
    }
  }
  if (out.samples.empty()) return out;
  out.state = Measured::kOk;
  out.why.clear();
  return out;
}

}  // namespace callbot::bot
