#include "bot/scenario_network.h"

#include <gmock/gmock.h>
#include <gst/gst.h>

#include "bot/scenario_mistakes.h"
#include "bot/scenario_run.h"
#include "scenarios/decode.h"
#include "scenarios/verdict.h"

namespace callbot::bot {
namespace {

using scenarios::Outcome;
using scenarios::Verdict;
using ::testing::AllOf;
using ::testing::HasSubstr;

scenarios::Scenario scenario_of(const std::string& actors, const std::string& steps) {
  auto scenario = scenarios::decode_scenario(
      "callbot: 1\nname: t\nseed: 7\n"
      "media:\n  cam:\n    video: {source: pattern, size: 160x90, fps: 15, bitrate: 100 kbit/s}\n"
      "    audio: pattern\nactors: {" +
          actors + "}\nsteps:\n" + steps,
      "t.yaml", {});
  EXPECT_TRUE(scenario) << scenario.error().message;
  return scenario.value_or(scenarios::Scenario());
}

TEST(ScenarioNetwork, SaysWhatOfItCannotBeRead) {
  const auto scenario =
      scenario_of("a: {send: cam, network: {trace: none.trace}}, b: {network: clean}",
                  "  - {do: join, who: '*'}\n"
                  "  - {do: network, who: b, set: {schedule: [{at: 1s, blackout: true}]}}\n");
  const auto mistakes = network_mistakes(scenario);
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_THAT(scenarios::text_of(mistakes[0], "t.yaml"),
              AllOf(HasSubstr("t.yaml:8:42: actors.a.network.trace: "), HasSubstr("none.trace")));
  EXPECT_THAT(scenarios::text_of(mistakes[1], "t.yaml"),
              HasSubstr("t.yaml:11:32: steps[1].set: a schedule belongs to"));
  const auto fine = scenario_of("a: {network: 3g}", "  - {do: join, who: a}\n");
  EXPECT_TRUE(network_mistakes(fine).empty());
}

TEST(ScenarioNetwork, IsThereForWhomAStepChangesIt) {
  const auto scenario =
      scenario_of("a: {count: 2, network: 3g}, b: , c: ",
                  "  - {do: join, who: '*'}\n  - {do: network, who: b, set: {loss: 10%}}\n");
  const auto all = scenarios::instances(scenario);
  ASSERT_EQ(all.size(), 4u);
  const ScenarioNetwork a1(scenario, all[0], 1), a2(scenario, all[1], 2), b(scenario, all[2], 3),
      c(scenario, all[3], 4);
  ASSERT_TRUE(a1.network() && a2.network() && b.network());
  EXPECT_NE(a1.network()->seed, a2.network()->seed);
  EXPECT_GT(a1.network()->conditions.up.delay_s, 0);
  EXPECT_EQ(b.network()->conditions, network::Conditions());
  EXPECT_FALSE(c.network());
}

TEST(ScenarioNetwork, WhatWasInNoCallIsNotProved) {
  const auto scenario = scenario_of("a: {network: clean}", "  - {do: join, who: a}\n");
  const auto all = scenarios::instances(scenario);
  ScenarioNetwork network(scenario, all[0], 1);
  network.change({.step = 3, .proof = true}, {});
  EXPECT_TRUE(network.take_proofs().empty());
  network.judge({});
  const auto proofs = network.take_proofs();
  ASSERT_EQ(proofs.size(), 1u);
  EXPECT_EQ(proofs[0].step, 3u);
  EXPECT_EQ(proofs[0].fact.outcome, Outcome::kInvalid);
  EXPECT_EQ(proofs[0].fact.text, "not proved: it was in no call then");
}

// It goes with him from call to call, and is told of each.
TEST(ScenarioNetwork, WhatAStepSetIsInForceInTheNextCallToo) {
  const auto scenario = scenario_of("a: {network: clean}", "  - {do: join, who: a}\n");
  const auto all = scenarios::instances(scenario);
  ScenarioNetwork network(scenario, all[0], 1);
  const auto lossy = network::read_conditions(Json::object().set("loss", "10%"), "", {}, "");
  ASSERT_TRUE(lossy);
  network.change({.conditions = *lossy, .step = 3}, {});
  EXPECT_TRUE(network.take_proofs().empty()) << "in no call yet";
  for (int call = 0; call < 2; ++call) {
    network.called();
    network::Link link(*network.network());
    network.judge({&link});
    const auto proofs = network.take_proofs();
    ASSERT_EQ(proofs.size(), 1u) << call;
    EXPECT_FALSE(proofs[0].step) << "nothing is to be proved";
    EXPECT_EQ(proofs[0].fact.set_by, "step 4");
    EXPECT_EQ(proofs[0].fact.label, "loss 10 %");
    EXPECT_EQ(proofs[0].fact.outcome, Outcome::kSkipped);
  }
}

class ScenarioNetworkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  scenarios::Evidence run(const scenarios::Scenario& scenario) {
    EXPECT_TRUE(can_run(scenario));
    std::optional<scenarios::Evidence> evidence;
    ScenarioRun run(loop_, console_, scenario, ScenarioRun::Facts{},
                    [&](ScenarioRun::Remains all) { evidence = std::move(all.evidence); });
    run.start();
    EXPECT_TRUE(loop_.run_until([&] { return evidence.has_value(); }, std::chrono::seconds(60)));
    return evidence.value_or(scenarios::Evidence());
  }

  Loop loop_;
  Console console_{false};
};

TEST_F(ScenarioNetworkTest, ABlackoutIsProvedAndEndsWithTheNextStep) {
  const auto scenario = scenario_of("alice: {send: cam}, bob: {verify: headers}", R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 5, within: 20s}
  - {do: network, who: bob, set: {down: {blackout: true}}, verify: true}
  - wait: 1s
  - {do: network, who: bob, set: clean}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 5, within: 20s}
)");
  const auto evidence = run(scenario);
  ASSERT_EQ(evidence.steps.size(), scenario.steps.size()) << evidence.ended;
  for (const auto& step : evidence.steps)
    EXPECT_EQ(step.outcome, Outcome::kDone) << step.what << ": " << step.text;
  EXPECT_EQ(scenarios::judge(scenario, evidence).verdict, Verdict::kPass);
  EXPECT_THAT(evidence.steps[2].text, HasSubstr("bob: seen: down: blackout"));
  // Each change is told, also where nobody wants it proved.
  ASSERT_EQ(evidence.networks.size(), 2u);
  const auto &cut = evidence.networks[0], &clean = evidence.networks[1];
  EXPECT_EQ(cut.label, "down blackout");
  EXPECT_EQ(clean.set_by, "step 5");
  EXPECT_EQ(clean.label, "clean");
  EXPECT_EQ(clean.outcome, Outcome::kSkipped);
  EXPECT_GE(clean.span.from_ns, cut.span.to_ns);
}

// One that is seen is no proof of another, and what cannot show does no harm.
TEST_F(ScenarioNetworkTest, EachEffectIsJudgedByItself) {
  const auto scenario = scenario_of("alice: {send: cam}, bob: {verify: headers}", R"(
  - {do: join, who: "*", timeout: 30s}
  - {do: network, who: bob, set: {down: {rate: 1000 Mbit/s, jitter: 2ms, duplicate: 0.1%}}, verify: true}
  - {wait: 2s}
)");
  const auto evidence = run(scenario);
  ASSERT_EQ(evidence.steps.size(), scenario.steps.size()) << evidence.ended;
  EXPECT_EQ(evidence.steps[1].outcome, Outcome::kDone) << evidence.steps[1].text;
  EXPECT_THAT(evidence.steps[1].text, AllOf(HasSubstr("seen: down: jitter"),
                                            HasSubstr("could not show: down: no more came"),
                                            HasSubstr("too few to see a copy")));
  ASSERT_EQ(evidence.networks.size(), 1u);
  EXPECT_EQ(evidence.networks[0].set_by, "step 2");
}

// The call that he was in before proves nothing.
TEST_F(ScenarioNetworkTest, OfOneWhoIsOutNothingIsProved) {
  const auto scenario =
      scenario_of("alice: {send: cam}, bob: {verify: headers, network: {delay: 30ms}}", R"(
  - {do: join, who: "*", timeout: 30s}
  - {wait: 1s}
  - {do: leave, who: bob}
  - {do: network, who: bob, set: {delay: 20ms}, verify: true}
)");
  const auto evidence = run(scenario);
  ASSERT_EQ(evidence.steps.size(), scenario.steps.size()) << evidence.ended;
  EXPECT_EQ(evidence.steps[3].outcome, Outcome::kInvalid) << evidence.steps[3].text;
  EXPECT_THAT(evidence.steps[3].text, HasSubstr("it was in no call then"));
}

TEST_F(ScenarioNetworkTest, AnActorsOwnIsReportedPhaseByPhase) {
  const auto scenario = scenario_of(
      "alice: {send: cam}, bob: {verify: headers, network: {delay: 10ms, schedule: "
      "[{at: 2s, down: {loss: 40%}}, {at: 4s, preset: clean}]}}",
      R"(
  - {do: join, who: "*", timeout: 30s}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 5, within: 20s}
  - {wait: 5s}
)");
  const auto evidence = run(scenario);
  ASSERT_EQ(evidence.networks.size(), 3u);
  for (const auto& fact : evidence.networks) {
    EXPECT_EQ(fact.actor, "bob");
    EXPECT_EQ(fact.set_by, "");
    EXPECT_EQ(fact.outcome, Outcome::kDone) << fact.conditions << ": " << fact.text;
  }
  EXPECT_THAT(evidence.networks[0].text, HasSubstr("seen: up: delay; down: delay"));
  EXPECT_THAT(evidence.networks[1].text, HasSubstr("down: random loss, delay"));
  EXPECT_EQ(evidence.networks[2].conditions, "clean");
  EXPECT_EQ(evidence.networks[2].text, "");
  EXPECT_EQ(scenarios::judge(scenario, evidence).verdict, Verdict::kPass);
}

TEST_F(ScenarioNetworkTest, WhatDoesNotShowMakesTheRunInvalid) {
  const auto scenario = scenario_of("alice: {send: cam}, bob: {verify: headers}", R"(
  - {do: join, who: "*", timeout: 30s}
  - {do: network, who: bob, set: {down: {rate: 1000 Mbit/s}}, verify: true}
  - {expect: metric, who: bob, from: alice, stream: camera, metric: rtp.packets, stat: total, op: ">", value: 5, within: 20s}
)");
  const auto evidence = run(scenario);
  ASSERT_EQ(evidence.steps.size(), scenario.steps.size()) << evidence.ended;
  EXPECT_EQ(evidence.steps[1].outcome, Outcome::kInvalid);
  EXPECT_EQ(evidence.steps[1].actor, "bob");
  EXPECT_THAT(evidence.steps[1].text, HasSubstr("no more came than"));
  EXPECT_EQ(scenarios::judge(scenario, evidence).verdict, Verdict::kInvalid);
}

}  // namespace
}  // namespace callbot::bot
