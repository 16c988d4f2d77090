#include "bot/scenario_test.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>

#include "bot/options.h"
#include "recordings/probe.h"
#include "scenarios/report.h"
#include "signaling/http.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"
#include "tests/support/undisturbed.h"

namespace callbot::bot {
namespace {

using test::Program;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ScenarioTestTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kPatience{60000};

  std::string file(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    EXPECT_TRUE(write_atomically(path, text));
    return path.string();
  }
  std::string in(const std::string& name) { return (folder_.path() / name).string(); }
  // Exit status and output of `callbot test ...`.
  std::pair<int, std::string> test(std::vector<std::string> words) {
    words.insert(words.begin(), {CALLBOT_PROGRAM, "test"});
    Program program(loop_, words);
    const int status = program.wait(kPatience);
    return {status, program.output()};
  }
  std::vector<scenarios::RunRecord> runs(const std::string& name) {
    const auto text = read_file(in(name), 64u << 20);
    EXPECT_TRUE(text);
    if (!text) return {};
    auto runs = Json::parse(*text, {64u << 20, 64}).and_then(scenarios::runs_of);
    EXPECT_TRUE(runs) << runs.error().message;
    return runs ? *runs : std::vector<scenarios::RunRecord>{};
  }

  Loop loop_;
  test::TempFolder folder_;
};

constexpr const char* kAlone =
    "callbot: 1\nname: alone\ntoken: \"${API_TOKEN:-}${token:-}\"\nactors: {a: }\nsteps: [{do: "
    "join, who: a}, {expect: joined, who: "
    "a}]\n"
    "thresholds: [{metric: call.reconnects, stat: total, op: ==, value: \"${MOST:-0}\", who: a}]\n";

TEST_F(ScenarioTestTest, APassLeavesItsReports) {
  const auto [status, output] =
      test({file("alone.yaml", kAlone), "--junit", in("j.xml"), "--json", in("r.json"), "--html",
            in("r.html"), "--repeat", "2", "--var", "API_TOKEN=hush", "--var", "token=hush",
            "--var", "MOST=0"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, HasSubstr("PASS: 3 pass"));
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].evidence.run, 2);
  EXPECT_EQ(all[0].evidence.variables.count("API_TOKEN"), 0u);
  EXPECT_EQ(all[0].evidence.variables.count("token"), 0u);
  EXPECT_EQ(all[0].evidence.variables.at("MOST"), "0");
  const auto junit = read_file(in("j.xml"), 1u << 20);
  ASSERT_TRUE(junit);
  EXPECT_THAT(*junit, HasSubstr("tests=\"6\" failures=\"0\" errors=\"0\""));
  EXPECT_TRUE(fs::exists(in("r.html")) && fs::exists(in("r-2.html")));
}

TEST_F(ScenarioTestTest, AnUnmetDemandIsOneAndRowsAreRuns) {
  const auto rows = file("rows.csv", "MOST\n0\n1\n");
  const auto [status, output] =
      test({file("alone.yaml", kAlone), "--vars", rows, "--json", in("r.json")});
  EXPECT_EQ(status, 1) << output;
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].judged.verdict, scenarios::Verdict::kPass);
  EXPECT_EQ(all[1].judged.verdict, scenarios::Verdict::kFail);
}

// Those that users copy, as they run them; what takes long is made shorter.
struct Ready {
  const char* name;
  std::vector<std::string> variables;
};
void PrintTo(const Ready& ready, std::ostream* to) { *to << ready.name; }

class ReadyScenario : public ScenarioTestTest, public testing::WithParamInterface<Ready> {};

TEST_P(ReadyScenario, PassesAndMeasuresEverything) {
  std::vector<std::string> words{
      std::string(CALLBOT_SOURCE_DIR) + "/tests/scenarios/" + GetParam().name + ".yaml", "--json",
      in("r.json")};
  for (const std::string& variable : GetParam().variables)
    words.insert(words.end(), {"--var", variable});
  undisturbed([&] {
    const auto [status, output] = test(words);
    EXPECT_EQ(status, 0) << output;
    const auto all = runs("r.json");
    ASSERT_EQ(all.size(), 1u) << output;
    EXPECT_EQ(all[0].evidence.ended, "");
    EXPECT_FALSE(all[0].evidence.presence.empty());
    EXPECT_FALSE(all[0].evidence.looks.empty());
    for (const auto& c : all[0].judged.cases) {
      if (c.softened) continue;  // a drift, which takes longer
      EXPECT_NE(c.verdict, scenarios::Verdict::kUnmeasured) << c.name << ": " << c.text;
    }
  });
}

// browser-and-bot runs with the browsers' tests.
INSTANTIATE_TEST_SUITE_P(
    Samples, ReadyScenario,
    testing::Values(Ready{"smoke", {}}, Ready{"two-party-quality", {"steady=5s"}},
                    Ready{"loss-burst", {}}, Ready{"bandwidth-drop", {}}, Ready{"mute", {}},
                    Ready{"screen-share", {"steady=5s"}}, Ready{"rejoin-after-crash", {}},
                    Ready{"listeners", {"listeners=4", "steady=16s"}}, Ready{"soak", {"for=10s"}}),
    [](const auto& info) {
      std::string name = info.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST_F(ScenarioTestTest, AWrongScenarioRunsNothing) {
  const auto [status, output] = test(
      {file("alone.yaml", kAlone), file("wrong.yaml", "callbot: 1\n"), "--json", in("r.json")});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("wrong.yaml:1:1: name: missing name"));
  EXPECT_FALSE(fs::exists(in("r.json")));
}

TEST_F(ScenarioTestTest, PrometheusReadsItWhileItRuns) {
  const auto scenario = file("wait.yaml",
                             "callbot: 1\nname: wait\nactors: {a: }\n"
                             "steps: [{do: join, who: a}, {wait: 600s}]\n");
  Program program(loop_, Program::callbot({"test", scenario, "--metrics", ":0"}));
  const Json metrics = program.event("metrics");
  ASSERT_TRUE(metrics.at("url").text()) << program.output();
  program.event("step");  // it has joined
  signaling::HttpClient client(loop_, {});
  std::string text;
  bool asking = false;
  EXPECT_TRUE(loop_.run_until(
      [&] {
        if (std::exchange(asking, true)) return text.find("_inside{") != std::string::npos;
        client.call({.url = *metrics.at("url").text()}, [&](const auto& reply) {
          if (reply) text = reply->body;
          asking = false;
        });
        return false;
      },
      kPatience));
  EXPECT_THAT(text, HasSubstr("callbot_run_actors_inside{scenario=\"wait\",run=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("callbot_run_step{scenario=\"wait\",run=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("callbot_join_signaling_seconds{"));
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(kPatience), kExitInterrupted);
}

TEST_F(ScenarioTestTest, WhereNobodyMayListenNothingRuns) {
  const auto scenario = file("alone.yaml", kAlone);
  const auto [status, output] = test({scenario, "--metrics", "203.0.113.1:9100"});
  EXPECT_EQ(status, kExitConnect) << output;
  EXPECT_THAT(output, HasSubstr("--metrics: "));
}

TEST_F(ScenarioTestTest, OfAFailureTheSecondsAroundItAreKept) {
  const auto scenario = [&](const std::string& most) {
    return file("kept.yaml",
                "callbot: 1\nname: kept\n"
                "media: {cam: {video: {source: pattern, size: 160x90, fps: 15, bitrate: 150 "
                "kbit/s}, audio: pattern}}\n"
                "actors: {alice: {send: cam}, bob: {verify: headers}}\n"
                "steps: [{do: join, who: \"*\", timeout: 30s}, {wait: 3s}]\n"
                "thresholds: [{metric: rtp.packets, stat: total, op: <, value: " +
                    most + ", who: bob, from: alice}]\nreport: {bundle: " + in("kept") + "}\n");
  };
  const auto [good, said] = test({scenario("100000")});
  EXPECT_EQ(good, 0) << said;
  EXPECT_TRUE(fs::is_empty(in("kept")));
  const auto [status, output] =
      test({scenario("1"), "--json", in("r.json"), "--junit", in("j.xml")});
  EXPECT_EQ(status, 1) << output;
  EXPECT_FALSE(fs::exists(in("kept") + "/.receiving"));
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 1u);
  std::string bundle, media, headers;
  for (const auto& f : all[0].evidence.files) {
    if (f.kind == "bundle") bundle = f.path;
    if (f.kind == "media" && f.actor == "bob") media = f.path;
    if (f.kind == "headers") headers = f.path;
  }
  EXPECT_THAT(fs::path(headers).filename().string(), StartsWith("bob-rtp-headers-at-"));
  const auto packets = read_file(headers, 64u << 20);
  ASSERT_TRUE(packets) << packets.error().message;
  EXPECT_THAT(*packets, AllOf(HasSubstr(",alice,camera,"), HasSubstr(",alice,microphone,")));
  const auto junit = read_file(in("j.xml"), 1u << 20);
  ASSERT_TRUE(junit);
  EXPECT_THAT(*junit, HasSubstr("bundle: " + bundle));
  const auto probed = recordings::probe(media, 1);
  ASSERT_TRUE(probed) << output;
  ASSERT_EQ(probed->streams.size(), 2u);
  EXPECT_GE(probed->streams[0].pictures.size(), 20u);
}

// What is worse than before is a failure like any other, and what nobody measured is looked at too.
TEST_F(ScenarioTestTest, WhatIsWorseThanTheBaselineIsKeptAsWell) {
  const auto scenario = [&](const std::string& fps) {
    return file(
        "worse.yaml",
        "callbot: 1\nname: worse\n"
        "media: {cam: {video: {source: pattern, size: 160x90, fps: " +
            fps +
            ", bitrate: 150 kbit/s}, audio: pattern}}\n"
            "actors: {alice: {send: cam}, bob: {verify: headers}}\n"
            "steps: [{do: join, who: \"*\", timeout: 30s}, {mark: in}, {wait: 3s}, {mark: end}]\n"
            "thresholds: [{metric: video.fps, stat: p50, op: \">=\", value: 1, who: bob, from: "
            "alice, between: [in, end]}]\n");
  };
  ASSERT_EQ(test({scenario("20"), "--json", in("before.json")}).first, 0);
  const auto [status, output] =
      test({scenario("10"), "--baseline", in("before.json"), "--baseline-severity", "fail",
            "--bundle", in("kept"), "--json", in("r.json")});
  EXPECT_EQ(status, 1) << output;
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 1u);
  const auto media = [&] {
    return std::any_of(all[0].evidence.files.begin(), all[0].evidence.files.end(),
                       [](const auto& f) { return f.kind == "media" && fs::exists(f.path); });
  };
  EXPECT_TRUE(media()) << output;
}

// It stands still for half of each 600 ms: far less than a second at a time.
TEST_F(ScenarioTestTest, ABotThatIsHeldUpAgainAndAgainSaysThatItWasTheBottleneck) {
  const auto scenario = file("held-up.yaml", R"(
callbot: 1
name: held up
media: {cam: {video: {source: pattern, size: 640x360, fps: 30, bitrate: 500 kbit/s}, audio: pattern}}
actors: {alice: {send: cam, verify: all}, bob: {send: cam, verify: all}}
steps:
  - {do: join, who: "*", timeout: 30s}
  - mark: in
  - {expect: seen, who: "*", from: "*", within: 20s}
  - {expect: heard, who: "*", from: "*", within: 20s}
  - mark: steady
  - {wait: 5s}
  - mark: end
  - {do: leave, who: "*"}
timeline:
  - {between: [steady, end], who: "*", must_see: "*", must_hear: "*", closed: true}
thresholds:
  - {metric: video.missing, stat: ratio, op: <=, value: 1%, per: stream, between: [steady, end]}
  - {metric: identity.wrong, stat: total, op: "==", value: 0}
)");
  Program program(loop_, Program::callbot({"test", scenario, "--json", in("r.json")}));
  ASSERT_FALSE(program.event("step", 2).is_null()) << program.output();  // all are in
  bool stands = false;
  Timer beat;
  beat.every(300ms, [&] { program.signal((stands = !stands) ? SIGSTOP : SIGCONT); });
  loop_.run_until([&] { return !program.running(); }, kPatience);
  beat.stop();
  program.signal(SIGCONT);
  EXPECT_EQ(program.wait(kPatience), kExitUnmeasured) << program.output();
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 1u) << program.output();
  EXPECT_TRUE(all[0].evidence.established);
  EXPECT_EQ(all[0].judged.verdict, scenarios::Verdict::kInvalid);
  EXPECT_THAT(all[0].evidence.invalid, Contains(HasSubstr("the bot was too slow: ")));
}

TEST_F(ScenarioTestTest, APlayoutLatencyIsThatOfWhoSetsNone) {
  const auto scenario = file("playout.yaml", R"(
callbot: 1
name: playout
media: {cam: {video: {source: pattern, size: 160x90, fps: 15, bitrate: 150 kbit/s}}}
actors: {alice: {send: cam}, bob: {verify: all}, carol: {verify: all, playout_latency: 6s}}
steps:
  - {do: join, who: "*", timeout: 30s}
  - {expect: seen, who: bob, from: alice, within: 20s}
  - {expect: seen, who: carol, from: alice, within: 20s}
  - {wait: 2s}
)");
  const auto [status, output] = test({scenario, "--playout-latency", "3s", "--json", in("r.json")});
  const auto all = runs("r.json");
  ASSERT_EQ(all.size(), 1u) << output;
  const auto least = [&](const std::string& who, const std::string& metric) {
    double least = 1e9;
    for (const Series& s : all[0].evidence.series) {
      if (s.actor != who || s.metric != metric) continue;
      for (const Sample& one : s.samples) least = std::min(least, one.value);
    }
    return least;
  };
  EXPECT_EQ(all[0].evidence.actor("bob")->playout_latency, 3);
  EXPECT_EQ(all[0].evidence.actor("carol")->playout_latency, 6);
  EXPECT_GE(least("bob", "video.e2e_delay"), 3) << output;
  EXPECT_LT(least("bob", "video.e2e_delay"), 6) << output;
  EXPECT_GE(least("carol", "video.e2e_delay"), 6) << output;
  EXPECT_LT(least("bob", "video.network_delay"), 3) << output;
  EXPECT_LT(least("carol", "video.network_delay"), 3) << output;
}

TEST_F(ScenarioTestTest, WhatCannotBeWrittenOrMeansNothingIsSaidBeforeAnythingRuns) {
  const auto scenario = file("alone.yaml", kAlone);
  const auto [status, output] = test({scenario, "--junit", scenario + "/x.xml"});
  EXPECT_EQ(status, 2) << output;
  EXPECT_THAT(output, AllOf(HasSubstr("alone.yaml/x.xml: cannot be written"),
                            HasSubstr("Not a directory"), Not(HasSubstr("PASS"))));
  for (const char* flag : {"--json", "--bundle"}) {
    const std::string taken = flag == std::string("--json") ? in("") : scenario;
    const auto [refused, why] = test({scenario, flag, taken});
    EXPECT_EQ(refused, 2) << why;
    EXPECT_THAT(why, AllOf(HasSubstr("cannot be written"), Not(HasSubstr("PASS"))));
  }
  const auto [unused, said] = test({scenario, "--var", "MSOT=1"});
  EXPECT_EQ(unused, 2) << said;
  EXPECT_THAT(said, HasSubstr("--var MSOT: there is no ${MSOT} in"));
  EXPECT_EQ(test({scenario, "--check", "--var", "MSOT=1"}).first, 2);
}

TEST_F(ScenarioTestTest, ABaselineIsCompared) {
  const auto scenario = file("alone.yaml", kAlone);
  ASSERT_EQ(test({scenario, "--json", in("before.json")}).first, 0);
  const auto [status, output] =
      test({scenario, "--baseline", in("before.json"), "--json", in("r.json")});
  EXPECT_EQ(status, 0) << output;
  EXPECT_EQ(runs("r.json")[0].judged.cases.back().kind, scenarios::Case::kBaseline);
  EXPECT_EQ(test({scenario, "--baseline", scenario}).first, 2);
  // Of a scenario that is not in it nothing is known.
  const auto other = file("other.yaml", std::string(kAlone).replace(17, 5, "other"));
  for (const char* severity : {"", "fail", "warn"}) {
    std::vector<std::string> words = {other, "--baseline", in("before.json")};
    if (*severity != '\0') words.insert(words.end(), {"--baseline-severity", severity});
    const auto [unknown, said] = test(words);
    EXPECT_EQ(unknown, std::string_view(severity) == "warn" ? 0 : 5) << said;
    EXPECT_THAT(said, HasSubstr("the baseline has no run of \"other\""));
  }
}

}  // namespace
}  // namespace callbot::bot
