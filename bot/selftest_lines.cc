#include "bot/selftest_lines.h"

#include <gst/gst.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/loop.h"
#include "bot/scenario_mistakes.h"
#include "bot/scenario_run.h"
#include "scenarios/decode.h"

namespace callbot::bot {
namespace {

using quality::SelftestRow;

constexpr int kAttempts = 3;
constexpr std::chrono::milliseconds kLookEvery{100};
constexpr std::chrono::milliseconds kPatience{90000};
constexpr double kUsually = 13;  // s, until it is over
constexpr double kDelay = 0.06, kTolerance = 0.005;
constexpr double kPacket = 960;  // samples of Opus, 20 ms

// Loss begins when all of them hear and see, and ends before they leave: what was lost is known to
// be lost by then. Bob's requests for what he lacks do not come through, so that nothing is sent
// again.
constexpr const char* kCall = R"(
callbot: 1
name: selftest
media:
  talk: {video: {source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}, audio: pattern}
actors:
  alice: {send: talk, verify: none}
  bob: {receive: audio, verify: all}
  carol: {receive: video, verify: all, network: {down: {delay: 60ms}}}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: heard, who: bob, from: alice, within: 20s}
  - {expect: seen, who: carol, from: alice, within: 20s}
  - {do: network, who: bob, set: {up: {block: [rtcp]}, down: {loss: 10%, loss_of: [rtp]}}}
  - wait: 5s
  - {do: network, who: bob, set: {up: {block: [rtcp]}}}
  - wait: 3s
  - {do: leave, who: "*"}
)";

class LinesCall {
 public:
  explicit LinesCall(const scenarios::Scenario& scenario) : scenario_(scenario) {}

  Result<> run(const std::function<bool(double)>& progress) {
    const int64_t began_ns = monotonic_ns();
    run_ = std::make_unique<ScenarioRun>(
        loop_, console_, scenario_, ScenarioRun::Facts{},
        [this](ScenarioRun::Remains remains) { evidence_ = std::move(remains.evidence); });
    looks_.every(kLookEvery, [&] {
      look();
      const double passed = static_cast<double>(monotonic_ns() - began_ns) / 1e9;
      if (!progress(std::min(passed / kUsually, 1.0))) run_->interrupt();
    });
    run_->start();
    const bool ended = loop_.run_until([this] { return evidence_.has_value(); }, kPatience);
    looks_.stop();
    if (!ended) return fail(Code::kTimeout, "the selftest's call did not come to its end");
    if (evidence_->interrupted) return fail(Code::kInterrupted, "stopped");
    for (const scenarios::StepFact& step : evidence_->steps)
      if (step.outcome == scenarios::Outcome::kFailed)
        return fail(Code::kConnect, "the selftest's call: " + step.what + ": " + step.text);
    return {};
  }
  // Why nothing of it can be believed; empty: it can.
  std::string invalid() const { return evidence_->invalid.empty() ? "" : evidence_->invalid[0]; }
  uint64_t lost_to_bob() const { return lost_; }

  SelftestRow row(const char* fault, const char* who, const char* from, const char* metric,
                  const char* stat, double truth, double tolerance) const {
    SelftestRow row{
        .fault = fault, .metric = metric, .stat = stat, .truth = truth, .tolerance = tolerance};
    for (const Series& series : evidence_->series) {
      const bool of_it = series.actor == who && series.from == from && series.metric == metric;
      if (!of_it || is_empty(series)) continue;
      row.state = series.state;
      for (const Sample& sample : series.samples) {
        const bool least = row.samples++ > 0 && row.stat == "least";
        row.reported = row.stat == "total" ? row.reported + sample.value
                       : least             ? std::min(row.reported, sample.value)
                                           : sample.value;
      }
    }
    return row;
  }

 private:
  // While they are there.
  void look() {
    if (run_->cast() == nullptr) return;
    for (const auto& actor : run_->cast()->all()) {
      const network::Link* link = actor->link();
      if (actor->who().name == "bob" && link != nullptr)
        lost_ = std::max(lost_, link->stats().down.truth.dropped_all());
    }
  }

  const scenarios::Scenario& scenario_;
  Loop loop_;
  Console console_{false, true};
  std::unique_ptr<ScenarioRun> run_;
  std::optional<scenarios::Evidence> evidence_;
  Timer looks_;
  uint64_t lost_ = 0;
};

std::vector<SelftestRow> rows_of(const LinesCall& call) {
  const auto lost = static_cast<double>(call.lost_to_bob());
  constexpr const char* kLoss = "a call whose line loses every tenth packet of sound for 5 s";
  constexpr const char* kLate = "a call over a line of 60 ms";
  return {
      call.row(kLoss, "bob", "alice", "rtp.lost", "total", lost, 0),
      call.row(kLoss, "bob", "alice", "audio.concealed", "total", lost * kPacket, 0),
      call.row(kLate, "carol", "alice", "video.network_delay", "least", kDelay, kTolerance),
      call.row(kLate, "alice", "carol", "rtp.rtt", "least", kDelay, kTolerance),
  };
}

}  // namespace

Result<std::vector<SelftestRow>> selftest_lines(const std::function<bool(double)>& progress) {
  gst_init(nullptr, nullptr);
  const auto scenario = scenarios::decode_scenario(kCall, "selftest", {});
  if (!scenario) return tl::unexpected(scenario.error());
  if (auto fine = can_run(*scenario); !fine) return tl::unexpected(fine.error());
  std::string why;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    LinesCall call(*scenario);
    if (auto done = call.run(progress); !done) return tl::unexpected(done.error());
    why = call.lost_to_bob() == 0 ? "no packet was lost on its line" : call.invalid();
    if (why.empty()) return rows_of(call);
  }
  return fail(Code::kUnmeasured, "the selftest's call: " + why);
}

}  // namespace callbot::bot
