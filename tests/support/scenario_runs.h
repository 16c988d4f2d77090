// tests/support/scenario_runs.h: runs scenarios in this process, and says what came of them.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   a scenario that cannot be run fails the test.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bot/scenario_mistakes.h"
#include "bot/scenario_run.h"
#include "scenarios/decode.h"
#include "scenarios/verdict.h"

namespace callbot::test {

class ScenarioRuns : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kPatience{60000};
  static constexpr int kAttempts = 3;
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  // Two who may join; `more` are steps and what follows them.
  void begin(const std::string& more, const std::string& top = "") {
    const std::string text =
        "callbot: 1\nname: t\n" + top +
        "media:\n  cam:\n    video: {source: pattern, size: 160x90, fps: 10, bitrate: 100 kbit/s}\n"
        "    audio: pattern\n"
        "actors: {alice: {send: cam, verify: all}, bob: {verify: all}}\nsteps:\n" +
        more;
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    start(*scenario);
  }
  void start(const scenarios::Scenario& scenario) {
    run_.reset();
    evidence_.reset();
    scenario_ = scenario;
    const auto fine = bot::can_run(scenario_);
    ASSERT_TRUE(fine) << fine.error().message;
    run_ = std::make_unique<bot::ScenarioRun>(loop_, console_, scenario_,
                                              bot::ScenarioRun::Facts{.keep = keep_},
                                              [this](bot::ScenarioRun::Remains remains) {
                                                media_ = std::move(remains.media);
                                                evidence_ = std::move(remains.evidence);
                                              });
    run_->start();
  }
  bool ended(std::chrono::milliseconds within = kPatience) {
    return loop_.run_until([&] { return evidence_.has_value(); }, within);
  }
  // Once more where the machine held this process up, which the run says of itself.
  void run_through(const std::function<void()>& begin_it,
                   std::chrono::milliseconds within = kPatience) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      begin_it();
      if (HasFatalFailure()) return;
      ASSERT_TRUE(ended(within));
      if (evidence_->invalid.empty()) return;
    }
  }
  void run(const std::string& more, const std::string& top = "") {
    run_through([&] { begin(more, top); });
  }
  scenarios::Judged judged() const { return scenarios::judge(scenario_, *evidence_); }
  int status() const {
    const scenarios::Judged all[] = {judged()};
    return scenarios::exit_status_of(all);
  }
  // The verdict of the case of that name; one whose name begins so.
  scenarios::Verdict verdict_of(const std::string& name) const {
    for (const auto& c : judged().cases) {
      if (c.name.starts_with(name) || c.detail.starts_with(name)) return c.verdict;
    }
    ADD_FAILURE() << "no case " << name << " in\n" << text();
    return scenarios::Verdict::kInvalid;
  }
  std::string text() const {
    std::string out = evidence_->ended + "\n";
    for (const auto& step : evidence_->steps)
      out += step.what + ": " + name_of(step.outcome) + " " + step.text + "\n";
    for (const auto& c : judged().cases)
      out += std::string(name_of(c.verdict)) + " " + c.name + ": " + c.text + "\n";
    return out;
  }

  std::filesystem::path keep_ = {};  // for what is received; empty: it is not kept
  std::vector<bot::KeptMedia> media_ = {};
  Loop loop_;
  bot::Console console_{false};
  scenarios::Scenario scenario_;
  std::unique_ptr<bot::ScenarioRun> run_;
  std::optional<scenarios::Evidence> evidence_;
};

}  // namespace callbot::test
