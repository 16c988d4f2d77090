#include "bot/rate_pair.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "bot/call.h"
#include "bot/join.h"
#include "pipelines/filler_source.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kFirstRate = 250'000;  // bit/s
constexpr auto kTick = 50ms;
// What was lost has been repaired by then, or never will: the peers' jitterbuffers hold 600 ms.
constexpr auto kGrace = 700ms;
constexpr double kLeastShare = 0.95;  // that has to come out of what went in
constexpr double kMostDelay = 0.15;   // s that a step may be later than the first one

// Frames of the other end's filler, as they come.
class FillerSink final : public pipelines::Sink {
 public:
  struct Seen {
    size_t bytes = 0;
    double delay = 0;  // s
  };
  void add_track(const TrackInfo&) override {}
  void frame(TrackId, const Frame& frame) override {
    const auto says = pipelines::read_filler(frame.bytes);
    if (!says) return;
    const std::lock_guard lock(mutex_);
    seen_[says->number] = {frame.bytes.size(),
                           static_cast<double>(frame.last_arrival_ns - says->sent_ns) / 1e9};
  }
  void remove_track(TrackId) override {}
  void drain(Done done) override { done({}); }

  bool any() const {
    const std::lock_guard lock(mutex_);
    return !seen_.empty();
  }
  // Those from `begin` on and before `end`; older ones are forgotten.
  std::vector<Seen> take(uint32_t begin, uint32_t end) {
    const std::lock_guard lock(mutex_);
    std::vector<Seen> all;
    for (auto i = seen_.lower_bound(begin); i != seen_.end() && i->first < end; ++i)
      all.push_back(i->second);
    seen_.erase(seen_.begin(), seen_.lower_bound(end));
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::map<uint32_t, Seen> seen_;
};

RateStep step_of(std::vector<FillerSink::Seen> seen, double sent_rate, size_t frames) {
  RateStep step;
  step.sent = sent_rate;
  if (seen.empty() || frames == 0) return step;
  size_t bytes = 0;
  std::vector<double> delays;
  for (const auto& one : seen) {
    bytes += one.bytes;
    delays.push_back(one.delay);
  }
  const double seconds = static_cast<double>(frames) / pipelines::FillerSource::kFramesPerSecond;
  step.received = static_cast<double>(bytes) * 8 / seconds;
  std::nth_element(delays.begin(), delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2),
                   delays.end());
  step.delay = delays[delays.size() / 2];
  return step;
}

}  // namespace

struct RatePair::End final : CallEvents {
  explicit End(RatePair& pair) : pair(pair) {}
  void joined(const std::string&) override {
    in = true;
    pair.joined();
  }
  void done(Result<> how) override { pair.over(std::move(how)); }

  Result<> create(const RateConfig& config, int index) {
    JoinOptions join = config.join;
    join.name = fmt::format("{}-{}", config.join.name, index + 1);
    signaling::Self self;
    self.sends = self.receives = true;
    self.video = signaling::Member::State::kOn;
    auto options = call_config(join, self);
    if (!options) return tl::unexpected(options.error());
    options->source = &source;
    options->ice.relay_only = config.relay_only;
    if (index == 1) options->network.reset();  // as in EchoPair
    auto made = Call::create(pair.loop_, pair.log_.child(join.name), std::move(*options), *this);
    if (!made) return tl::unexpected(made.error());
    call = std::move(*made);
    call->add_sink(sink);
    source.set_rate(kFirstRate);
    return source.start();
  }

  RatePair& pair;
  bool in = false;
  uint32_t begin = 0, end = 0;  // the step's frames
  pipelines::FillerSource source;
  FillerSink sink;
  std::unique_ptr<Call> call;
};

RatePair::RatePair(Loop& loop, Log log, RateConfig config, Done done)
    : loop_(loop),
      log_(std::move(log)),
      config_(std::move(config)),
      calls_(loop, [this, done = std::move(done)](const Result<>& how) {
        done(how.map([this] { return result_; }));
      }) {}

RatePair::~RatePair() = default;

void RatePair::start() {
  for (int i = 0; i < 2; ++i) {
    ends_[i] = std::make_unique<End>(*this);
    if (auto made = ends_[i]->create(config_, i); !made)
      return this->end(tl::unexpected(made.error()));
  }
  calls_.start({ends_[0]->call.get(), ends_[1]->call.get()});
}

void RatePair::stop() { end(fail(Code::kInterrupted, "interrupted")); }

void RatePair::joined() {
  if (!ends_[0]->in || !ends_[1]->in) return;
  deadline_.once(config_.connect_within, [this] {
    end(fail(Code::kTimeout, fmt::format("joined, but nothing came through both ways within {} s",
                                         config_.connect_within.count() / 1000)));
  });
  tick_.every(kTick, [this] { look(); });
}

void RatePair::look() {
  if (!ends_[0]->sink.any() || !ends_[1]->sink.any()) return;
  tick_.stop();
  rate_ = kFirstRate;
  next_step();
}

// A way that has had enough stays quiet while the other one goes on.
void RatePair::next_step() {
  for (int i = 0; i < 2; ++i) {
    End& one = *ends_[i];
    one.source.set_rate(result_.way[i].open_ended ? rate_ : 0);
    one.begin = one.source.next_number() + 1;  // the one being sent may have the old rate
  }
  deadline_.once(config_.step, [this] {
    for (auto& one : ends_) {
      one->end = one->source.next_number();
      one->source.set_rate(0);
    }
    deadline_.once(kGrace, [this] { judge_step(); });
  });
}

void RatePair::judge_step() {
  result_.pair = calls_.pairs();
  bool more = false;
  for (int i = 0; i < 2; ++i) {
    RateWay& way = result_.way[i];
    End& from = *ends_[i];
    if (!way.open_ended) continue;
    const size_t frames = from.end > from.begin ? from.end - from.begin : 0;
    RateStep step =
        step_of(ends_[1 - i]->sink.take(from.begin, from.end), static_cast<double>(rate_), frames);
    const double first = way.steps.empty() ? step.delay : way.steps.front().delay;
    step.good = step.received >= kLeastShare * step.sent && step.delay <= first + kMostDelay;
    way.achieved = std::max(way.achieved, step.received);
    way.open_ended = step.good;
    way.steps.push_back(step);
    more |= step.good;
  }
  if (!more || rate_ >= config_.most) return end({});
  rate_ = std::min(rate_ * 2, config_.most);
  next_step();
}

void RatePair::end(Result<> how) {
  deadline_.stop();
  tick_.stop();
  calls_.end(std::move(how));
}

void RatePair::over(Result<> how) {
  deadline_.stop();
  tick_.stop();
  calls_.call_done(std::move(how));
}

}  // namespace callbot::bot
