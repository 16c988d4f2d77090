#include "network/conditions.h"

#include <gmock/gmock.h>

#include "tests/support/temp_folder.h"

namespace callbot::network {
namespace {

using ::testing::HasSubstr;

Result<Network> read(const char* text) { return read_network(*Json::parse(text), "", ""); }

Network good(const char* text) {
  auto network = read(text);
  EXPECT_TRUE(network) << text << ": " << network.error().message;
  return network.value_or(Network{});
}

TEST(Conditions, EveryKeyIsRead) {
  const Direction d = good(R"({"down": {
      "rate": "300 kbit/s", "queue": "200ms", "delay": "40ms", "jitter": "10ms",
      "jitter_shape": "pareto", "jitter_reorders": true, "loss": "10%", "loss_of": ["rtp", "rtcp"],
      "burst": {"p": "1%", "r": "30%", "good": 0.01, "bad": "60%"},
      "reorder": "2%", "reorder_by": "30ms", "duplicate": 0.03, "block": ["dtls"],
      "blackout": true}})")
                          .conditions.down;
  Direction expected;
  expected.rate = 300e3;
  expected.queue_s = 0.2;
  expected.delay_s = 0.04;
  expected.jitter_s = 0.01;
  expected.jitter_shape = JitterShape::kPareto;
  expected.jitter_reorders = true;
  expected.loss = 0.1;
  expected.loss_of = {PacketKind::kRtp, PacketKind::kRtcp};
  expected.burst = {.p = 0.01, .r = 0.3, .good = 0.01, .bad = 0.6};
  expected.reorder = 0.02;
  expected.reorder_by_s = 0.03;
  expected.duplicate = 0.03;
  expected.block = {PacketKind::kDtls};
  expected.blackout = true;
  EXPECT_EQ(d, expected);
}

TEST(Conditions, KeysWithoutADirectionAreOfBoth) {
  const auto c = good(R"({"delay": "40ms", "loss": "1%", "up": {"loss": "5%"}})").conditions;
  EXPECT_DOUBLE_EQ(c.up.delay_s, 0.04);
  EXPECT_DOUBLE_EQ(c.down.delay_s, 0.04);
  EXPECT_DOUBLE_EQ(c.up.loss, 0.05);
  EXPECT_DOUBLE_EQ(c.down.loss, 0.01);
}

TEST(Conditions, WhatIsSaidChangesAPreset) {
  const auto c = good(R"({"preset": "3g", "down": {"loss": "2%", "queue": "64 KiB"}})").conditions;
  EXPECT_DOUBLE_EQ(c.down.rate, 1.6e6);
  EXPECT_DOUBLE_EQ(c.down.loss, 0.02);
  EXPECT_EQ(c.down.queue_bytes, 65536u);
  EXPECT_EQ(c.down.queue_s, 0) << "one queue, not two";
  EXPECT_DOUBLE_EQ(c.up.rate, 768e3);
  EXPECT_DOUBLE_EQ(c.up.queue_s, 0.5);
}

TEST(Conditions, WhatIsSaidLaterChangesWhatStoodBefore) {
  const auto before = good(R"({"delay": "40ms", "down": {"rate": "1 Mbit/s"}})").conditions;
  const auto after = read_conditions(*Json::parse(R"({"loss": "10%"})"), "set", before, "");
  ASSERT_TRUE(after);
  EXPECT_DOUBLE_EQ(after->up.delay_s, 0.04);
  EXPECT_DOUBLE_EQ(after->down.rate, 1e6);
  EXPECT_DOUBLE_EQ(after->down.loss, 0.1);
  const auto clean = read_conditions(Json::of("clean"), "set", before, "");
  ASSERT_TRUE(clean);
  EXPECT_EQ(*clean, Conditions{});
  const auto unlimited = read_conditions(*Json::parse(R"({"rate": 0})"), "set", before, "");
  ASSERT_TRUE(unlimited);
  EXPECT_EQ(unlimited->down.rate, 0);
}

TEST(Conditions, SchedulesChangeStepByStep) {
  const auto n = good(R"({"loss": "1%", "seed": 7, "schedule": [
      {"at": "10s", "down": {"rate": "300 kbit/s"}},
      {"at": "12s", "blackout": true},
      {"at": "12s", "blackout": false},
      {"at": "20s", "preset": "clean"}]})");
  EXPECT_EQ(n.seed, 7u);
  ASSERT_EQ(n.schedule.size(), 4u);
  EXPECT_EQ(n.schedule[0].at_ns, 10'000'000'000);
  EXPECT_DOUBLE_EQ(n.schedule[0].conditions.down.rate, 300e3);
  EXPECT_DOUBLE_EQ(n.schedule[0].conditions.down.loss, 0.01);
  EXPECT_TRUE(n.schedule[1].conditions.up.blackout && n.schedule[1].conditions.down.blackout);
  EXPECT_FALSE(n.schedule[2].conditions.up.blackout);
  EXPECT_DOUBLE_EQ(n.schedule[2].conditions.down.rate, 300e3);
  EXPECT_EQ(n.schedule[3].conditions, Conditions{});
}

TEST(Conditions, MistakesNameTheKeyAndWhatWasExpected) {
  for (const auto& [text, message] : std::vector<std::pair<const char*, const char*>>{
           {R"({"los": "1%"})", "los: unknown setting"},
           {R"({"down": {"at": 1}})", "down.at: unknown setting"},
           {R"({"loss": "110%"})", "loss: expected a share such as"},
           {R"({"up": {"delay": "fast"}})", "up.delay: expected a time such as"},
           {R"({"up": {"delay": "2min"}})", "up.delay: expected at most 60 s"},
           {R"({"up": []})", "up: expected an object"},
           {R"({"rate": "10 bit/s"})", "rate: expected 1 kbit/s or more"},
           {R"({"rate": "1 Mbit/s", "trace": "x"})", "trace: expected a rate or a trace"},
           {R"({"down": {"trace": "no/such.trace"}})", "down.trace: no/such.trace"},
           {R"({"queue": 64})", "queue: expected a time such as 200ms, or bytes"},
           {R"({"queue": "64"})", "queue: expected a time such as 200ms, or bytes"},
           {R"({"queue": "0s"})", "queue: expected a time such as 200ms, or bytes"},
           {R"({"queue": "1 kB"})", "queue: expected a time such as 200ms, or bytes"},
           {R"({"jitter_shape": "gaussian"})", "jitter_shape: expected \"uniform\""},
           {R"({"jitter_reorders": "yes"})", "jitter_reorders: expected true or false"},
           {R"({"burst": {"p": "1%", "r": 0}})", "burst.r: expected above 0"},
           {R"({"burst": {"q": 1}})", "burst.q: unknown setting"},
           {R"({"loss_of": ["video"]})", "loss_of: expected a list of \"stun\""},
           {R"({"block": "rtp"})", "block: expected a list"},
           {R"({"preset": "5g"})", "preset: expected one of clean, edge, 3g"},
           {R"("5g")", "\"5g\" is no preset: expected one of"},
           {R"(null)", "expected a preset's name or an object"},
           {R"(17)", "expected an object"},
           {R"({"seed": -1})", "seed: expected a whole number"},
           {R"({"schedule": {}})", "schedule: expected a list"},
           {R"({"schedule": [{"loss": "1%"}]})", "schedule[0].at: missing, expected a time"},
           {R"({"schedule": [{"at": "5s"}, {"at": "4s"}]})",
            "schedule[1].at: expected no earlier time"},
           {R"({"schedule": [{"at": "5s", "down": {"loss": 2}}]})",
            "schedule[0].down.loss: expected a share"}}) {
    const auto network = read(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().code, Code::kBadInput) << text;
    EXPECT_THAT(network.error().message, HasSubstr(message)) << text;
  }
  const auto nested = read_conditions(*Json::parse(R"({"loss": 2})"), "steps[3].set", {}, "");
  EXPECT_THAT(nested.error().message, HasSubstr("steps[3].set.loss: expected a share"));
  EXPECT_THAT(read_conditions(Json::of("x"), "steps[3].set", {}, "").error().message,
              HasSubstr("steps[3].set: \"x\" is no preset"));
}

TEST(Conditions, OfAFlagArePresetObjectOrFile) {
  EXPECT_DOUBLE_EQ(parse_network("3g")->conditions.down.rate, 1.6e6);
  EXPECT_DOUBLE_EQ(parse_network(R"( {"down":{"loss":"10%"}})")->conditions.down.loss, 0.1);
  EXPECT_EQ(parse_network("{nonsense").error().code, Code::kBadInput);
  const auto neither = parse_network("5g");
  ASSERT_FALSE(neither);
  EXPECT_EQ(neither.error().code, Code::kUsage);
  EXPECT_THAT(neither.error().message,
              HasSubstr("clean, edge, 3g, 4g, wifi-bad, satellite, a file"));

  const test::TempFolder folder;
  const fs::path file = folder.path() / "train.json";
  ASSERT_TRUE(write_atomically(folder.path() / "lte.trace", "1\n3\n"));
  ASSERT_TRUE(write_atomically(file, R"({"down": {"trace": "lte.trace"}})"));
  const auto network = parse_network(file.string());
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_TRUE(network->conditions.down.trace) << "beside the file";
  EXPECT_DOUBLE_EQ(network->conditions.down.trace->mean_rate(), 8e6);
  EXPECT_FALSE(network->conditions.up.trace);

  ASSERT_TRUE(write_atomically(folder.path() / "lte.trace", "1\nx\n"));
  EXPECT_THAT(parse_network(file.string()).error().message,
              testing::AllOf(HasSubstr("train.json: down.trace: "), HasSubstr("lte.trace:2: ")));
  ASSERT_TRUE(write_atomically(file, R"({"loss": "1%"} x)"));
  EXPECT_THAT(parse_network(file.string()).error().message, HasSubstr("train.json: "));
}

TEST(Conditions, AreToldInWords) {
  EXPECT_EQ(text_of(Conditions{}), "clean");
  EXPECT_EQ(text_of(good(R"({"delay": "40ms"})").conditions), "both ways delay 40 ms");
  EXPECT_EQ(text_of(good(R"({"down": {"rate": "300 kbit/s", "queue": "200ms", "delay": "40ms",
                     "jitter": "10ms", "loss": "10%", "loss_of": ["rtp"], "duplicate": "1%",
                     "reorder": "2%", "block": ["stun", "dtls"], "blackout": true}})")
                        .conditions),
            "up clean; down blackout, 300 kbit/s, queue 200 ms, delay 40 ms, jitter 10 ms uniform, "
            "loss 10 % of rtp, reorder 2 % by 20 ms, duplicate 1 %, no stun+dtls");
}

TEST(Conditions, HaveAShortLabel) {
  const auto label = [](const char* json) { return label_of(good(json).conditions); };
  EXPECT_EQ(label_of(Conditions{}), "clean");
  EXPECT_EQ(label(R"({"preset": "3g"})"), "3g");
  EXPECT_EQ(label(R"({"rate": "300 kbit/s", "loss": "10%"})"), "300 kbit/s, loss 10 %");
  EXPECT_EQ(label(R"({"preset": "3g", "blackout": true})"), "blackout");
  EXPECT_EQ(label(R"({"down": {"rate": "2 Mbit/s", "queue": "300ms"}})"), "down 2 Mbit/s");
  EXPECT_EQ(label(R"({"up": {"blackout": true}})"), "up blackout");
  EXPECT_EQ(label(R"({"up": {"delay": "40ms"}, "down": {"loss": "1%"}})"),
            "up delay 40 ms; down loss 1 %");
}

}  // namespace
}  // namespace callbot::network
