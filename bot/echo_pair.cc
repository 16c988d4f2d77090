#include "bot/echo_pair.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "bot/call.h"
#include "bot/join.h"
#include "bot/mark_eye.h"
#include "pipelines/recorder.h"
#include "pipelines/test_pattern.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 100ms;
constexpr uint64_t kSeed =
    241;  // of the first end's pattern and marks; the other one's is the next

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// The value below which this share of them lies.
std::optional<double> quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// -1 is unknown, and so is a sum with it.
void add_known(std::optional<int64_t>& sum, int64_t value, bool first) {
  if (value < 0 || (!first && !sum))
    sum.reset();
  else
    sum = sum.value_or(0) + value;
}

pipelines::TestPatternConfig small_pattern(const std::string& name, int index) {
  pipelines::TestPatternConfig pattern;
  pattern.name = name;
  pattern.seed = kSeed + static_cast<uint64_t>(index);
  pattern.source = static_cast<uint16_t>(pattern.seed);
  pattern.width = 640;
  pattern.height = 360;
  pattern.bitrate = 500'000;
  return pattern;
}

}  // namespace

int64_t EchoWay::sent() const { return static_cast<int64_t>(packets) + lost.value_or(0); }

std::optional<double> EchoWay::line_loss() const {
  if (!loss() || !repaired) return std::nullopt;
  return *loss() + static_cast<double>(*repaired) / static_cast<double>(sent());
}

std::optional<double> EchoWay::loss() const {
  if (!lost || packets == 0) return std::nullopt;
  return static_cast<double>(*lost) / static_cast<double>(sent());
}

double EchoWay::broken() const {
  const uint64_t all = marked + unread + undecodable;
  return all > 0 ? static_cast<double>(unread + undecodable) / static_cast<double>(all) : 0;
}

std::optional<double> EchoResult::rtt() const {
  if (!way[0].way || !way[1].way) return std::nullopt;
  return *way[0].way + *way[1].way;
}

struct EchoPair::End final : CallEvents {
  End(EchoPair& pair, int index) : pair(pair), index(index) {}

  void joined(const std::string&) override {
    in = true;
    pair.joined();
  }
  void trouble(const std::string&, const Trouble& what) override { last = what.error.message; }
  void done(Result<> how) override { pair.over(std::move(how)); }

  Result<> create(const EchoConfig& config);
  // The name of somebody who is neither we nor a recorder; empty: nobody.
  std::string stranger(const std::string& other) const {
    for (const auto& m : call->members())
      if (!m.recorder && m.name != other) return m.name;
    return "";
  }

  EchoPair& pair;
  int index;
  std::string name;
  bool in = false;
  std::string last;  // that went wrong
  std::unique_ptr<pipelines::TestPattern> source;
  std::shared_ptr<SeenMarks> seen = std::make_shared<SeenMarks>();
  std::unique_ptr<pipelines::Recorder> recorder;
  std::unique_ptr<Call> call;
};

Result<> EchoPair::End::create(const EchoConfig& config) {
  JoinOptions join = config.join;
  join.name = name = fmt::format("{}-{}", config.join.name, index + 1);
  const auto pattern = small_pattern(name, index);
  auto made = pipelines::TestPattern::create(pair.loop_, pair.log_.child(name), pattern);
  if (!made) return tl::unexpected(made.error());
  source = std::move(*made);
  recorder = std::make_unique<pipelines::Recorder>(pair.loop_, pair.log_.child(name), pair.pool_,
                                                   std::make_unique<MarkEye>(seen));
  signaling::Self self;
  self.sends = self.receives = true;
  self.audio = self.video = signaling::Member::State::kOn;
  auto call_options = call_config(join, self);
  if (!call_options) return tl::unexpected(call_options.error());
  call_options->source = source.get();
  call_options->ice.relay_only = config.relay_only;
  if (index == 1) call_options->network.reset();  // conditions are of the first end's line
  auto joined = Call::create(pair.loop_, pair.log_.child(name), std::move(*call_options), *this);
  if (!joined) return tl::unexpected(joined.error());
  call = std::move(*joined);
  call->add_sink(*recorder);
  return source->start();
}

EchoPair::EchoPair(Loop& loop, Log log, EchoConfig config, Done done)
    : loop_(loop),
      log_(std::move(log)),
      config_(std::move(config)),
      calls_(loop, [this, done = std::move(done)](const Result<>& how) {
        done(how.map([this] { return result_; }));
      }) {}

EchoPair::~EchoPair() = default;

void EchoPair::start() {
  started_ns_ = monotonic_ns();
  for (int i = 0; i < 2; ++i) {
    ends_[i] = std::make_unique<End>(*this, i);
    if (auto made = ends_[i]->create(config_); !made) return end(tl::unexpected(made.error()));
  }
  calls_.start({ends_[0]->call.get(), ends_[1]->call.get()});
}

void EchoPair::stop() {
  if (measuring_ns_ != 0) return measure();
  end(fail(Code::kInterrupted, "interrupted"));
}

void EchoPair::joined() {
  if (!ends_[0]->in || !ends_[1]->in) return;
  joined_ns_ = monotonic_ns();
  result_.join_s = seconds(joined_ns_ - started_ns_);
  deadline_.once(config_.connect_within, [this] {
    std::string why;
    for (const auto& one : ends_)
      if (!one->last.empty()) why = "; " + one->last;
    end(fail(Code::kTimeout,
             fmt::format("joined, but no media came through both ways within {} s{}",
                         config_.connect_within.count() / 1000, why)));
  });
  tick_.every(kTick, [this] { look(); });
}

void EchoPair::look() {
  for (int i = 0; i < 2; ++i) {
    const std::string stranger = ends_[i]->stranger(ends_[1 - i]->name);
    if (!stranger.empty())
      return end(fail(Code::kUsage, fmt::format("\"{}\" is in the room: give the check one of its "
                                                "own, or others see its picture",
                                                stranger)));
  }
  if (measuring_ns_ == 0 && !ends_[0]->seen->marks().empty() && !ends_[1]->seen->marks().empty())
    begin();
}

void EchoPair::begin() {
  measuring_ns_ = monotonic_ns();
  result_.connect_s = seconds(measuring_ns_ - joined_ns_);
  deadline_.once(config_.duration, [this] { measure(); });
}

// What the calls know now; the marks once all that came is decoded.
void EchoPair::measure() {
  if (std::exchange(measured_, true)) return;
  deadline_.stop();
  tick_.stop();
  result_.pair = calls_.pairs();
  for (int i = 0; i < 2; ++i) {
    const CallStats stats = ends_[i]->call->stats();
    EchoWay& way = result_.way[1 - i];  // received by i
    bool first = true;
    for (const CallTrack& track : stats.tracks) {
      way.packets += track.stats.packets;
      add_known(way.lost, track.stats.packets_lost, first);
      add_known(way.repaired, track.stats.packets_repaired, std::exchange(first, false));
      if (track.info.kind == MediaKind::kVideo && track.stats.jitter_s >= 0)
        way.jitter = track.stats.jitter_s;
    }
  }
  auto waiting = std::make_shared<int>(2);
  for (auto& one : ends_)
    one->recorder->drain(alive_.guard([this, waiting](const Result<>&) {
      if (--*waiting == 0) settle();
    }));
}

void EchoPair::settle() {
  for (int i = 0; i < 2; ++i) {
    EchoWay& way = result_.way[1 - i];
    const auto source = static_cast<uint16_t>(kSeed + static_cast<uint64_t>(1 - i));
    std::map<uint32_t, pipelines::SentFrame> sent;
    for (const auto& frame : ends_[1 - i]->source->sent_frames())
      sent[static_cast<uint32_t>(frame.number & 0xffffff)] = frame;
    std::set<uint32_t> numbers;
    std::vector<double> ways, delays;
    for (const SeenMark& seen : ends_[i]->seen->marks()) {
      const auto frame = sent.find(seen.mark.counter);
      if (seen.arrival_ns < measuring_ns_ || seen.mark.source != source || frame == sent.end())
        continue;
      numbers.insert(seen.mark.counter);
      // On one host it may be there before its sender knows that it is gone.
      ways.push_back(seconds(std::max<int64_t>(0, seen.arrival_ns - frame->second.sent_ns)));
      delays.push_back(seconds(seen.arrival_ns - frame->second.captured_ns));
    }
    way.marked = numbers.size();
    way.unread = ends_[i]->seen->unread();
    way.undecodable = ends_[i]->seen->undecodable();
    // What was never sent (a sender that was too slow) is not missing.
    for (const auto& [number, frame] : sent)
      if (!numbers.empty() && number >= *numbers.begin() && number <= *numbers.rbegin())
        ++way.expected;
    way.missing = way.expected - std::min(way.expected, way.marked);
    way.way = quantile(ways, 0.5);
    way.way_95 = quantile(ways, 0.95);
    way.delay = quantile(delays, 0.5);
    way.delay_95 = quantile(delays, 0.95);
  }
  end({});
}

void EchoPair::end(Result<> how) {
  deadline_.stop();
  tick_.stop();
  calls_.end(std::move(how));
}

void EchoPair::over(Result<> how) {
  deadline_.stop();
  tick_.stop();
  calls_.call_done(std::move(how));
}

}  // namespace callbot::bot
