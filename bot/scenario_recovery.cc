#include "bot/scenario_recovery.h"

#include <algorithm>
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

void Recovery::look(const Series& delay, const std::vector<int64_t>& changes, int64_t until_ns) {
  const Stream stream(delay.samples);
  for (; change_ < changes.size() && changes[change_] <= until_ns; ++change_, begun_ = false) {
    const int64_t began_ns = changes[change_];
    if (!std::exchange(begun_, true)) {
      if (recovered_ || !usual_) usual_ = stream.usual_before(began_ns);
      recovered_ = !usual_;
      at_ns_ = began_ns;
    }
    const bool last = change_ + 1 == changes.size();
    const int64_t end_ns = last ? until_ns : std::min(changes[change_ + 1], until_ns);
    for (; !recovered_ && at_ns_ + kSecond <= end_ns; at_ns_ += kStep) {
      recovered_ = stream.as_usual(*usual_, at_ns_);
      if (recovered_) samples_.push_back({at_ns_ + kSecond, seconds(at_ns_ - began_ns)});
    }
    if (last || changes[change_ + 1] > until_ns) return;
  }
}

Series Recovery::series(const Series& delay, const std::vector<int64_t>& changes,
                        int64_t ended_ns) const {
  Recovery all = *this;
  all.look(delay, changes, ended_ns);
  Series out;
  out.metric = "recovery_time";
  out.actor = delay.actor;
  out.from = delay.from;
  out.stream = delay.stream;
  out.samples = std::move(all.samples_);
  if (!all.recovered_ && !changes.empty())
    out.samples.push_back({ended_ns - 1, seconds(ended_ns - changes.back())});
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

std::vector<int64_t> Recoveries::changes_of(const std::string& sender) const {
  std::vector<int64_t> all = own_;
  const auto found = of_senders_.find(sender);
  if (found == of_senders_.end()) return all;
  all.insert(all.end(), found->second.begin(), found->second.end());
  std::inplace_merge(all.begin(), all.begin() + static_cast<ptrdiff_t>(own_.size()), all.end());
  return all;
}

void Recoveries::look(const std::vector<Series>& measured, int64_t until_ns) {
  for (const Series& one : measured) {
    if (!is_followed(one)) continue;
    if (const auto changes = changes_of(one.from); !changes.empty())
      recoveries_[{one.from, one.stream}].look(one, changes, until_ns);
  }
}

std::vector<Series> Recoveries::series(const std::vector<Series>& measured,
                                       int64_t ended_ns) const {
  std::vector<Series> out;
  for (const Series& one : measured) {
    if (!is_followed(one)) continue;
    const auto changes = changes_of(one.from);
    const auto found = recoveries_.find({one.from, one.stream});
    const Recovery so_far = found == recoveries_.end() ? Recovery() : found->second;
    if (!changes.empty()) out.push_back(so_far.series(one, changes, ended_ns));
  }
  return out;
}

Series recovery_of(const Series& delay, const std::vector<int64_t>& changes, int64_t ended_ns) {
  return Recovery().series(delay, changes, ended_ns);
}

}  // namespace callbot::bot
