#include "scenarios/decode.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "scenarios/schema.h"

namespace callbot::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A scenario that is fine, with `more` at its end.
std::string with(const std::string& more, const std::string& steps = "") {
  return "callbot: 1\nname: t\nmedia:\n  cam: {video: pattern, audio: pattern}\nactors:\n"
         "  alice: {send: cam, verify: all}\n  bob: {count: 2, verify: all}\nsteps:\n"
         "  - {do: join, who: \"*\"}\n" +
         steps + "  - mark: a\n  - mark: b\n" + more;
}

std::string mistakes(const std::string& text, const Variables& variables = {},
                     const std::string& file = "f.yaml") {
  const auto scenario = decode_scenario(text, file, variables);
  return scenario ? "fine" : scenario.error().message;
}
Scenario good(const std::string& text) {
  auto scenario = decode_scenario(text, "f.yaml", {});
  EXPECT_TRUE(scenario) << scenario.error().message;
  return scenario ? *scenario : Scenario{};
}

TEST(Decode, ReadsEverything) {
  const auto s = good(R"(
callbot: 1
name: all
seed: 7
unmeasured: warn
optional: [reconnected, left]
timeout: 2min
rooms:
  r: {url: "wss://h/{n}", count: 2, token: t, ice_servers: stun:h:1}
media:
  cam: {video: {codec: h264, size: 320x180, fps: 15, bitrate: 300 kbit/s}, audio: silence}
  film: {video: {file: [a.mp4, b.png], loop: false, at: 90s}, audio: {source: dtmf, digits: "12#"}}
  talk: {video: {source: black}, audio: {source: say, words: hello}}
networks:
  bad: {preset: 3g, loss: 5%, up: {rate: 1 Mbit/s, queue: 64KiB}}
actors:
  a: {count: 2, send: cam, receive: audio, verify: rotate, verify_window: 5s, network: bad,
      playout_latency: 40ms, name: Ann, room: r}
  b: {browser: firefox, url: "wss://other", verify: all}
load: {join_rate: 2, stages: [{who: a, for: 10s, to: 4}]}
steps:
  - {do: join, who: b, timeout: 20s, at: 1s, optional: true, name: first}
  - {do: switch, who: b, size: 640x360, fps: 10, codec: vp9, bitrate: 1M}
  - {do: network, who: b, set: {down: {delay: 40ms}}, verify: true}
  - {do: message, who: b, text: hello, to: a}
  - {do: file, who: b, path: x.bin}
  - {run: [echo, hi], exit_status: 3}
  - {expect: size, who: b, from: a, size: 320x180, within: 3s}
  - {expect: metric, who: b, metric: rtp.loss, stat: mean, op: <, value: 2%, for: 2s}
  - mark: m
  - mark: n
timeline:
  - {between: [m, n], who: b, must_see: [a-1, a-2], may_hear: "*", closed: true, grace: 2s}
thresholds:
  - {metric: rtp.bitrate, stat: mean, op: ">=", value: 300 kbit/s, per: stream, between: [m, 30s],
     who: a*, from: b, stream: camera, quorum: 95%, samples: 3, severity: warn, abort: true, delay: 5s}
report: {junit: j.xml, json: r.json, html: r.html, bundle: out, metrics: ":9100"}
)");
  EXPECT_EQ(s.seed, 7u);
  EXPECT_FALSE(s.unmeasured_fails);
  EXPECT_EQ(s.timeout, 120);
  EXPECT_EQ(s.optional, (std::vector<std::string>{"reconnected", "left"}));
  ASSERT_EQ(s.media.size(), 3u);
  EXPECT_EQ(s.media[1].video.at, 90);
  EXPECT_EQ(s.media[2].video.source, "black");
  EXPECT_EQ(s.media[2].audio.words, "hello");
  EXPECT_EQ(s.media[0].video.bitrate, 300e3);
  EXPECT_EQ(s.media[0].audio.source, "silence");
  EXPECT_EQ(s.media[1].video.source, "file");
  EXPECT_EQ(s.media[1].video.files, (std::vector<std::string>{"a.mp4", "b.png"}));
  const Actor& a = *s.actor("a");
  EXPECT_EQ(a.verify, Verify::kRotate);
  EXPECT_EQ(a.playout_latency, 0.04);
  EXPECT_EQ(a.network->name, "bad");
  EXPECT_EQ(a.network->value.dump(),
            R"({"preset":"3g","loss":"5%","up":{"rate":"1 Mbit/s","queue":"64KiB"}})");
  EXPECT_EQ(s.load[0].join_rate, 2);
  EXPECT_EQ(s.steps[0].at, 1.0);
  EXPECT_TRUE(s.steps[0].optional);
  EXPECT_EQ(s.steps[1].width, 640);
  EXPECT_TRUE(s.steps[2].verify);
  EXPECT_EQ(s.steps[2].network->value.dump(), R"({"down":{"delay":"40ms"}})");
  EXPECT_EQ(s.steps[5].program, (std::vector<std::string>{"echo", "hi"}));
  EXPECT_EQ(s.steps[7].value, 0.02);
  EXPECT_EQ(s.timeline[0].items.size(), 3u);
  const Threshold& t = s.thresholds[0];
  EXPECT_EQ(t.value, 300e3);
  EXPECT_DOUBLE_EQ(t.quorum, 0.95);
  EXPECT_EQ(t.span.to->seconds, 30);
  EXPECT_EQ(s.report.metrics, ":9100");
  const auto all = instances(s);
  ASSERT_EQ(all.size(), 5u + 1u);
  EXPECT_EQ(all[3].name, "a-4");
  EXPECT_EQ(all[3].room, "r-2");
  EXPECT_EQ(all[3].url, "wss://h/2");
  EXPECT_EQ(all[3].shown, "Ann-4");
  EXPECT_EQ(all[4].shown, "b-1");
}

TEST(Decode, UsesWhatNobodySays) {
  const auto s = good(with(""));
  EXPECT_EQ(s.rooms.size(), 1u);
  EXPECT_EQ(s.rooms[0].url, kEmbedded);
  EXPECT_EQ(s.actor("bob")->room, "main");
  EXPECT_TRUE(s.unmeasured_fails);
  const auto one =
      good("callbot: 1\nname: t\nurl: wss://h/r\nactors:\n  a:\nsteps: [{do: join, who: a}]");
  EXPECT_EQ(one.rooms[0].url, "wss://h/r");
}

struct Wrong {
  const char* name;
  std::string text;
  const char* says;  // the whole of the first line
};
class DecodeMistake : public ::testing::TestWithParam<Wrong> {};

TEST_P(DecodeMistake, HasItsLineAndColumn) {
  const std::string all = mistakes(GetParam().text);
  EXPECT_EQ(all.substr(0, all.find('\n')), GetParam().says) << all;
}

INSTANTIATE_TEST_SUITE_P(
    EveryPlace, DecodeMistake,
    ::testing::Values(
        Wrong{"Root", "- 1\n", "f.yaml:1:1: expected a call test: keys and values"},
        Wrong{"Version", "callbot: 2\nname: t\nactors: {a: }\nsteps: [{do: join, who: a}]\n",
              "f.yaml:1:10: callbot: expected a whole number: 1"},
        Wrong{"Missing", "callbot: 1\nactors: {a: }\nsteps: [{do: join, who: a}]\n",
              "f.yaml:1:1: name: missing name: of the test"},
        Wrong{"RootKey", with("tresholds: []\n"),
              "f.yaml:12:1: tresholds: unknown key, did you mean \"thresholds\"?"},
        Wrong{"Vars", with("vars: {A: [1]}\n"),
              "f.yaml:12:11: vars.A: expected a text, a number or a truth"},
        Wrong{"RoomKey", with("rooms:\n  r:\n    ulr: x\n"),
              "f.yaml:14:5: rooms.r.ulr: unknown key, did you mean \"url\"?"},
        Wrong{"RoomCount", with("rooms: {r: {url: wss://x, count: 0}}\n"),
              "f.yaml:12:34: rooms.r.count: expected a whole number from 1 to 10000"},
        Wrong{"RoomNumber", with("rooms: {r: {url: wss://x, count: 2}}\n"),
              "f.yaml:12:18: rooms.r.url: expected {n} in it, the number of each of the rooms"},
        Wrong{"RoomAndUrl", with("rooms: {r: wss://x}\nurl: wss://y\n"),
              "f.yaml:13:6: url: expected in the rooms, since there are `rooms`"},
        Wrong{"MediaSource",
              "callbot: 1\nname: t\nmedia:\n  cam: {video: patern}\nactors: {a: }\nsteps: [{do: "
              "join, who: a}]\n",
              "f.yaml:4:16: media.cam.video.source: unknown source \"patern\", did you mean "
              "\"pattern\"?"},
        Wrong{"Fps",
              "callbot: 1\nname: t\nmedia:\n  cam: {video: {fps: 61}}\nactors: {a: }\n"
              "steps: [{do: join, who: a}]\n",
              "f.yaml:4:22: media.cam.video.fps: expected a whole number from 1 to 60"},
        Wrong{"BitRate",
              "callbot: 1\nname: t\nmedia:\n  cam: {video: {bitrate: 9 kbit/s}}\n"
              "actors: {a: }\nsteps: [{do: join, who: a}]\n",
              "f.yaml:4:26: media.cam.video.bitrate: expected a bit rate from 10 kbit/s to 100 "
              "Mbit/s"},
        Wrong{"Network", with("networks:\n  n: {loss: 120%}\n"),
              "f.yaml:13:13: networks.n.loss: expected a share such as 10% or 0.1, from 0 to 1"},
        Wrong{"NetworkDirection", with("networks:\n  n: {up: {dellay: 5ms}}\n"),
              "f.yaml:13:12: networks.n.up.dellay: unknown key, did you mean \"delay\"?"},
        Wrong{"Preset", with("", "  - {do: network, who: alice, set: 3gg}\n"),
              "f.yaml:10:36: steps[1].set: unknown network \"3gg\", did you mean \"3g\"?"},
        Wrong{"NotAStep", with("", "  - jion\n"),
              "f.yaml:10:5: steps[1]: expected a step: \"do: join\", \"wait: 5s\", \"mark: NAME\" "
              "..."},
        Wrong{"StepKey", with("", "  - {wiat: 5s}\n"),
              "f.yaml:10:5: steps[1]: expected one of the keys do, wait, mark, expect, run, did "
              "you mean \"wait\"?"},
        Wrong{"TwoSteps", with("", "  - {wait: 5s, mark: x}\n"),
              "f.yaml:10:5: steps[1]: expected only one of the keys do, wait, mark, expect, run"},
        Wrong{"StepName", with("", "  - {do: mut, who: alice}\n"),
              "f.yaml:10:10: steps[1].do: unknown step, did you mean \"mute\"?"},
        Wrong{"StepTime", with("", "  - wait: 5x\n"),
              "f.yaml:10:11: steps[1].wait: expected a time such as 400ms, 1.5s or 2min"},
        Wrong{"StepWho", with("", "  - {do: mute, who: alcie}\n"),
              "f.yaml:10:21: steps[1].who: unknown actor \"alcie\", did you mean \"alice\"?"},
        Wrong{"StepNobody", with("", "  - {do: mute}\n"),
              "f.yaml:10:5: steps[1]: missing who: actors: a role, an instance (bob-2), or a "
              "pattern (*)"},
        Wrong{"StepMedia", with("", "  - {do: switch, who: alice, media: cma}\n"),
              "f.yaml:10:37: steps[1].media: unknown media \"cma\", did you mean \"cam\"?"},
        Wrong{"Switch", with("", "  - {do: switch, who: alice}\n"),
              "f.yaml:10:5: steps[1]: expected one of media, codec, size, fps, bitrate"},
        Wrong{"Size", with("", "  - {do: switch, who: alice, size: 641x360}\n"),
              "f.yaml:10:36: steps[1].size: expected a size such as 640x360: even numbers from 16 "
              "to 8192"},
        Wrong{"JoinTwice", with("", "  - {do: join, who: alice}\n"),
              "f.yaml:10:21: steps[1].who: alice has joined already"},
        Wrong{"NotInside", with("", "  - {do: leave, who: bob-2}\n  - {do: mute, who: bob}\n"),
              "f.yaml:11:21: steps[2].who: bob-2 is not in the call here"},
        Wrong{"Mark", with("", "  - mark: 5s\n"),
              "f.yaml:10:11: steps[1].mark: expected a name that begins with no digit: those are "
              "times"},
        Wrong{"MarkTwice", with("", "  - mark: b\n"),
              "f.yaml:12:11: steps[3].mark: b is a mark already (step 2)"},
        Wrong{
            "Expect", with("", "  - {expect: sylence, who: bob, from: alice}\n"),
            "f.yaml:10:14: steps[1].expect: unknown expect \"sylence\", did you mean \"silence\"?"},
        Wrong{"ExpectNeeds", with("", "  - {expect: size, who: bob, from: alice}\n"),
              "f.yaml:10:5: steps[1]: missing size: expect: size needs it"},
        Wrong{"ExpectMetric", with("", "  - {expect: seen, who: bob, from: alice, stat: p95}\n"),
              "f.yaml:10:49: steps[1].stat: means nothing with expect: seen"},
        Wrong{"ExpectAbsence",
              with("", "  - {expect: silence, who: bob, from: alice, for: 2s, within: 5s}\n"),
              "f.yaml:10:63: steps[1].within: means nothing with expect: silence"},
        Wrong{"ExpectAbsenceEndless", with("", "  - {expect: unseen, who: bob, from: alice}\n"),
              "f.yaml:10:5: steps[1]: missing for: expect: unseen needs it"},
        Wrong{"TimelineNobody", with("timeline: [{who: bob}]\n"),
              "f.yaml:12:12: timeline[0]: expected one of must_see, must_hear, must_not_see, "
              "must_not_hear, may_see, may_hear"},
        Wrong{"TimelineWhom", with("timeline:\n  - {who: bob, must_not_hear: alcie}\n"),
              "f.yaml:13:31: timeline[0].must_not_hear: unknown actor \"alcie\", did you mean "
              "\"alice\"?"},
        Wrong{"TimelineMark", with("timeline:\n  - {after: aa, who: bob, must_see: alice}\n"),
              "f.yaml:13:13: timeline[0].after: unknown mark \"aa\", did you mean \"a\"?"},
        Wrong{"Order", with("timeline:\n  - {between: [b, a], who: bob, must_see: alice}\n"),
              "f.yaml:13:15: timeline[0].between: expected the earlier one first"},
        Wrong{"Metric",
              with("thresholds:\n  - {metric: video.e2e_dealy, stat: p95, op: <=, value: 1s}\n"),
              "f.yaml:13:14: thresholds[0].metric: unknown metric \"video.e2e_dealy\", did you "
              "mean \"video.e2e_delay\"?"},
        Wrong{"Stat", with("thresholds:\n  - {metric: video.fps, stat: p101, op: <=, value: 1}\n"),
              "f.yaml:13:31: thresholds[0].stat: expected min, max, mean, a percentile such as p95 "
              "(p95abs: "
              "without signs), total, count, rate, ratio or harmonic"},
        Wrong{"StatOfMetric",
              with("thresholds:\n  - {metric: video.fps, stat: total, op: <=, value: 1}\n"),
              "f.yaml:13:31: thresholds[0].stat: video.fps is a value at a time: its sum means "
              "nothing"},
        Wrong{"Op", with("thresholds:\n  - {metric: video.fps, stat: mean, op: =<, value: 1}\n"),
              "f.yaml:13:41: thresholds[0].op: unknown op \"=<\", did you mean \"<\"?"},
        Wrong{"Unit",
              with("thresholds:\n  - {metric: rtp.bitrate, stat: mean, op: <=, value: 400ms}\n"),
              "f.yaml:13:54: thresholds[0].value: \"400ms\": expected a bit rate such as 300 "
              "kbit/s or 2 Mbit/s"},
        Wrong{
            "Quorum",
            with("thresholds:\n  - {metric: rtp.rtt, stat: mean, op: <=, value: 1s, quorum: 0%}\n"),
            "f.yaml:13:62: thresholds[0].quorum: expected more than nobody"},
        Wrong{"Abort",
              with("thresholds:\n  - {metric: rtp.packets, stat: total, op: '>', value: 1, abort: "
                   "true}\n"),
              "f.yaml:13:66: thresholds[0].abort: a total only grows: that it is not > 1 is known "
              "at the end alone"},
        Wrong{"Report", with("report: {html: [1]}\n"),
              "f.yaml:12:16: report.html: expected a text (in quotes where it looks like a number "
              "or truth)"},
        Wrong{"Unmeasured", with("unmeasured: skip\n"),
              "f.yaml:12:13: unmeasured: unknown unmeasured \"skip\", expected one of fail, warn"},
        Wrong{"Optional", with("optional: [reconected]\n"),
              "f.yaml:12:12: optional[0]: unknown optional \"reconected\", did you mean "
              "\"reconnected\"?"},
        Wrong{"Load", with("load: {stages: [{who: bob, for: 1s, to: 9}]}\n"),
              "f.yaml:12:41: load.stages[0].to: there are only 2 of bob"},
        Wrong{"LoadRate", with("load: {stages: [{who: bob, for: 100ms, to: 2, join_rate: 1}]}\n"),
              "f.yaml:12:33: load.stages[0].for: 2 of bob take longer than that at 1 a second"},
        Wrong{"LoadJoins",
              with("load: {stages: [{who: bob, for: 1s, to: 2}]}\n", "  - {do: join, who: bob}\n"),
              "f.yaml:10:21: steps[1].who: bob joins by `load` already"},
        Wrong{"NameTwice",
              "callbot: 1\nname: t\nactors: {a: , b: {name: a}}\nsteps: [{do: join, who: '*'}]\n",
              "f.yaml:3:25: actors.b.name: a is the name of two in one room"},
        Wrong{"EverybodyJoined", with("", "  - {do: join, who: '*'}\n"),
              "f.yaml:10:21: steps[1].who: nobody is left to join"},
        Wrong{"NobodyLeft", with("", "  - {do: leave, who: '*'}\n  - {do: mute, who: b*}\n"),
              "f.yaml:11:21: steps[2].who: nobody is in the call here"}),
    [](const auto& info) { return info.param.name; });

TEST(Decode, SaysEveryMistakeInTheOrderOfTheFile) {
  const std::string all = mistakes(
      "callbot: 1\nname: t\nactors:\n  a: {cuont: 2, verify: al}\nsteps:\n  - {do: join, who: a}\n"
      "  - {wait: soon}\n");
  EXPECT_EQ(all,
            "f.yaml:4:7: actors.a.cuont: unknown key, did you mean \"count\"?\n"
            "f.yaml:4:25: actors.a.verify: unknown verify \"al\", did you mean \"all\"?\n"
            "f.yaml:7:12: steps[1].wait: expected a time such as 400ms, 1.5s or 2min");
}

TEST(Decode, JsonGoesThroughTheSameDecoder) {
  const std::string text =
      "{ // a comment\n  \"callbot\": 1, \"name\": \"t\",\n  \"actors\": {\"a\": {\"cuont\": 1}},\n"
      "  \"steps\": [{\"do\": \"join\", \"who\": \"a\"}]\n}\n";
  EXPECT_EQ(mistakes(text, {}, "f.json"),
            "f.json:3:20: actors.a.cuont: unknown key, did you mean \"count\"?");
}

TEST(Decode, AnActorWhoDecodesNothingMeasuresNoMarks) {
  EXPECT_THAT(
      mistakes("callbot: 1\nname: t\nactors: {a: , b: }\nsteps: [{do: join, who: '*'}]\n"
               "thresholds: [{metric: video.missing, stat: ratio, op: <=, value: 0}]\n"),
      HasSubstr("nobody it is about measures video.missing: expected verify: rotate or all"));
}

TEST(Decode, EachMetricIsMeasuredByWhoLooksCloselyEnough) {
  const auto says = [](const char* actor, const char* metric) {
    return mistakes(
        fmt::format("callbot: 1\nname: t\nactors: {{a: {}}}\n"
                    "steps: [{{do: join, who: a}}]\nthresholds:\n"
                    "  - {{metric: {}, stat: max, op: '<', value: 0, who: a}}\n",
                    actor, metric));
  };
  EXPECT_EQ(says("{verify: none}", "join.ice"), "fine");
  EXPECT_EQ(says("{verify: headers}", "video.freeze"), "fine");
  EXPECT_EQ(says("{verify: headers}", "video.qp"), "fine");
  EXPECT_EQ(says("{verify: none}", "video.freeze"),
            "f.yaml:6:14: thresholds[0].metric: nobody it is about measures video.freeze: "
            "expected verify: headers, rotate or all");
  EXPECT_EQ(says("{browser: chromium}", "video.e2e_delay"), "fine");
  EXPECT_THAT(says("{browser: chromium, verify: none}", "video.e2e_delay"),
              HasSubstr("expected verify: rotate or all"));
  EXPECT_THAT(says("{verify: rotate}", "recovery_time"), HasSubstr("expected verify: all"));
  EXPECT_EQ(says("{browser: chromium, verify: all}", "recovery_time"), "fine");
  EXPECT_EQ(mistakes("callbot: 1\nname: t\nactors: {a: {verify: headers}}\nsteps:\n"
                     "  - {do: join, who: a}\n"
                     "  - {expect: metric, who: a, metric: audio.level, stat: mean, op: '<', "
                     "value: 0}\n"),
            "f.yaml:6:27: steps[1].who: a does not measure audio.level: expected verify: rotate or "
            "all");
}

TEST(Decode, AnActorWhoDecodesNothingSeesNothing) {
  const std::string text =
      "callbot: 1\nname: t\nactors: {a: , b: {verify: rotate}}\nsteps:\n"
      "  - {do: join, who: '*'}\n  - {expect: seen, who: '*', from: '*'}\n";
  EXPECT_EQ(mistakes(text), "fine");
  EXPECT_EQ(mistakes(text + "  - {expect: seen, who: a, from: b}\n"),
            "f.yaml:7:25: steps[2].who: a decodes nothing: expected verify: rotate or all");
}

TEST(Decode, AbortIsForWhatCanBeBrokenBeforeTheEnd) {
  const auto says = [](const char* stat, const char* op, const char* value) {
    return mistakes(with(
        fmt::format("thresholds:\n  - {{metric: {}, stat: {}, op: '{}', value: "
                    "{}, abort: true}}\n",
                    std::string_view(stat) == "total" ? "mute_leak" : "rtp.rtt", stat, op, value)));
  };
  EXPECT_EQ(says("total", "==", "0"), "fine");
  EXPECT_EQ(says("total", "<", "5"), "fine");
  EXPECT_EQ(says("min", ">=", "1ms"), "fine");
  EXPECT_EQ(says("mean", "==", "1ms"), "fine");
  EXPECT_THAT(says("total", "==", "5"), HasSubstr("is not == 5 is known at the end alone"));
  EXPECT_THAT(says("total", "!=", "0"), HasSubstr("is not != 0 is known at the end alone"));
  EXPECT_THAT(says("min", "<", "1ms"), HasSubstr("a min only falls"));
}

// In yaml-cpp's own words, which change; the place stays in the line.
TEST(Decode, WhatIsNoYamlHasItsPlaceToo) {
  EXPECT_THAT(mistakes("callbot: 1\nname: {a: b: c}\n"), StartsWith("f.yaml:2:1"));
  EXPECT_THAT(mistakes("callbot: 1\nactors: {a: {count: ${N:-2}}}\nname: ${N}\n"),
              HasSubstr(" (between { } and [ ] a ${NAME} needs quotes around it)"));
  EXPECT_THAT(mistakes("---\n"), HasSubstr(": expected something in it"));
}

TEST(Decode, WhoComesByLoadJoinsByNothingElse) {
  const std::string text =
      "callbot: 1\nname: t\nactors: {a: }\nload: {stages: [{who: a, for: 1s, to: 1}]}\nsteps:\n"
      "  - {do: join, who: '*'}\n  - {do: leave, who: '*'}\n";
  EXPECT_EQ(mistakes(text), "f.yaml:6:21: steps[0].who: nobody is left to join");
}

TEST(Decode, AStepThatCannotBeReadIsCountedAllTheSame) {
  const auto scenario = decode_scenario(
      "callbot: 1\nname: t\nactors: {a: , b: }\nsteps:\n  - {do: jion, who: a}\n  - mark: one\n"
      "  - mark: one\n",
      "t.yaml", {});
  ASSERT_FALSE(scenario);
  EXPECT_THAT(scenario.error().message,
              AllOf(HasSubstr("t.yaml:5:10: steps[0].do: unknown step, did you mean \"join\"?"),
                    HasSubstr("t.yaml:7:11: steps[2].mark: one is a mark already (step 2)"),
                    Not(HasSubstr("lets it join"))));
}

TEST(Decode, AQuantityOfTimeOrBitsSaysItsUnit) {
  const auto wrong = [](const std::string& metric, const std::string& value) {
    const auto scenario = decode_scenario(
        "callbot: 1\nname: t\nactors: {a: , b: {verify: all}}\nsteps: [{do: join, who: \"*\"}]\n"
        "thresholds: [{metric: " +
            metric + ", stat: max, op: <=, value: " + value + "}]\n",
        "t.yaml", {});
    return scenario ? "" : scenario.error().message;
  };
  EXPECT_THAT(wrong("video.e2e_delay", "200"),
              HasSubstr("value: \"200\": expected a number with its unit, such as 200ms"));
  EXPECT_THAT(wrong("rtp.bitrate", "300000"), HasSubstr("such as 300 kbit/s"));
  EXPECT_EQ(wrong("video.e2e_delay", "200ms"), "");
  EXPECT_EQ(wrong("video.e2e_delay", "0"), "");
  EXPECT_EQ(wrong("video.fps", "25"), "");
  EXPECT_EQ(wrong("video.psnr", "25"), "");
  EXPECT_THAT(wrong("send.loss", "5"),
              HasSubstr("value: 5: expected a share up to 1, or per cent"));
  EXPECT_EQ(wrong("send.loss", "5%"), "");
  EXPECT_EQ(wrong("send.loss", "1"), "");
  EXPECT_EQ(wrong("video.qp", "60"), "") << "no share";
}

TEST(Decode, ASourceHasWhatItNeedsAndNothingElse) {
  const auto says = [](const std::string& media) {
    return mistakes("callbot: 1\nname: t\nmedia: {m: {" + media +
                    "}}\nactors: {a: {send: m}}\nsteps: [{do: join, who: a}]\n");
  };
  EXPECT_THAT(says("video: {source: pattern, at: 3s}"),
              HasSubstr("media.m.video.at: expected only with source: file"));
  EXPECT_THAT(says("audio: say"), HasSubstr("media.m.audio: missing words: the source is say"));
  EXPECT_THAT(says("audio: {source: silence, words: x}"),
              HasSubstr("media.m.audio.words: expected only with source: say"));
}

TEST(Decode, WhatIsNamedIsAskedFor) {
  const std::string head =
      "callbot: 1\nname: t\nmedia: {m: {audio: pattern}}\nactors: {a: {send: m}, b: {verify: "
      "all}}\nsteps:\n";
  const auto asks = [&](const std::string& rest) {
    const auto scenario = decode_scenario(head + rest, "t.yaml", {});
    EXPECT_TRUE(scenario) << scenario.error().message;
    return scenario && asks_for(*scenario, "audio.level");
  };
  EXPECT_FALSE(asks("  - {do: join, who: \"*\"}\n"));
  EXPECT_TRUE(
      asks("  - {do: join, who: \"*\"}\n"
           "thresholds: [{metric: audio.level, stat: max, op: \"<\", value: -20}]\n"));
  EXPECT_TRUE(
      asks("  - {do: join, who: \"*\"}\n  - {expect: metric, who: b, metric: audio.level, "
           "stat: count, op: \">\", value: 1, within: 5s}\n"));
}

TEST(Decode, NobodyIsForgotten) {
  EXPECT_EQ(mistakes("callbot: 1\nname: t\nactors:\n  a:\n  b:\nsteps: [{do: join, who: a}]\n"),
            "f.yaml:5:3: actors.b: no step and no load lets it join");
}

TEST(Decode, WhoIsElsewhereIsLeftAlone) {
  const auto told = [](const std::string& alice, const std::string& step,
                       const std::string& url = "url: ws://host/rooms/r\n") {
    return mistakes("callbot: 1\nname: t\n" + url +
                    "media: {cam: {video: pattern}}\nactors:\n  alice: {" + alice +
                    "}\n  bob: {verify: all}\nsteps:\n  - {do: join, who: bob}\n" + step);
  };
  const std::string alice = "elsewhere: true, seed: 500, send: cam";
  EXPECT_EQ(told(alice, "  - {expect: first-frame, who: bob, from: alice, within: 5s}\n"), "fine");
  EXPECT_THAT(told(alice, "  - {do: mute, who: alice}\n"),
              HasSubstr("steps[1].who: alice is played elsewhere"));
  EXPECT_THAT(told(alice, "  - {expect: first-frame, who: alice, from: bob, within: 5s}\n"),
              HasSubstr("steps[1].who: alice is played elsewhere"));
  EXPECT_THAT(told(alice + ", verify: all", ""),
              HasSubstr("actors.alice.verify: not for one that is elsewhere"));
  EXPECT_THAT(told(alice, "", ""),
              HasSubstr("actors.alice: elsewhere: expected a room with a url"));
  EXPECT_THAT(told("elsewhere: true, send: cam", ""),
              HasSubstr("seed: expected more than 2: our own actors have those numbers"));
  EXPECT_THAT(told("seed: 5", "  - {do: join, who: alice}\n"),
              HasSubstr("actors.alice.seed: only for one that is elsewhere"));
}

TEST(Decode, AnEchoIsOfOneBotThere) {
  const auto told = [](const std::string& echo, const std::string& more = "",
                       const std::string& room = "r") {
    return mistakes(
        "callbot: 1\nname: t\nrooms: {r: {url: 'ws://host/rooms/r'}, other: {url: "
        "'ws://host/rooms/o'}}\n"
        "media: {cam: {video: pattern}}\nactors:\n  echo: {" +
        echo + ", room: " + room + "}\n  bob: {room: r, send: cam, verify: all}\n" + more +
        "steps:\n  - {do: join, who: bob*}\n");
  };
  const char* one = "actors.echo.echo: expected one bot of this scenario, in the same room";
  EXPECT_EQ(told("elsewhere: true, echo: bob"), "fine");
  EXPECT_THAT(told("echo: bob", ""), HasSubstr("actors.echo.echo: only for one that is elsewhere"));
  EXPECT_THAT(told("elsewhere: true, echo: bbo"), HasSubstr("unknown actor \"bbo\""));
  EXPECT_THAT(told("elsewhere: true, echo: bob, send: cam"),
              HasSubstr("actors.echo.send: not for an echo: it sends what bob does"));
  EXPECT_THAT(told("elsewhere: true, echo: bob, seed: 500"),
              HasSubstr("actors.echo.seed: not for an echo"));
  EXPECT_THAT(told("elsewhere: true, echo: bob", "", "other"), HasSubstr(one));
  EXPECT_THAT(told("elsewhere: true, echo: bob*", "  bobby: {room: r, send: cam, verify: all}\n"),
              HasSubstr(one));
  EXPECT_THAT(told("elsewhere: true, echo: bobby", "  bobby: {room: r, verify: all}\n"),
              HasSubstr(one));
}

// What the table has, the decoder reads; a key it reads that the table lacks is a mistake anyway.
TEST(Decode, ReadsEveryKeyOfTheTable) {
  std::set<std::string> asked;
  const auto take = [&](const std::string& text) {
    auto document = parse_yaml(text);
    ASSERT_TRUE(document) << document.error().message;
    Notes notes(std::move(*document));
    decode(notes);
    for (const Mistake& m : notes.mistakes())
      EXPECT_EQ(m.text.find("defect"), std::string::npos) << m.path;
    asked.insert(notes.asked.begin(), notes.asked.end());
  };
  std::string steps;
  for (const StepShape& row : step_shapes())
    steps += std::string("  - {") + row.key + ": " + (row.value == nullptr ? "x" : row.value) +
             ", set: {burst: {}, up: {burst: {}}, schedule: [{at: 1s}]}}\n";
  take(
      "networks: {n: {burst: {}, up: {burst: {}}, schedule: [{}]}}\nrooms: {r: }\nmedia: {m: "
      "{video: , audio: }}\nactors: {a: {network: {}}}\n"
      "load: {stages: [{}]}\ntimeline: [{}]\nthresholds: [{}]\nreport: {}\nsteps:\n" +
      steps + "  - {expect: metric}\n");
  for (const Shape* shape : all_shapes()) {
    for (const Key& key : shape->keys) {
      bool read = false;
      for (const Shape* user : all_shapes()) {
        for (const Shape* s = user; s != nullptr; s = s->common)
          read = read || (s == shape && asked.count(std::string(user->name) + "." + key.name) > 0);
      }
      EXPECT_TRUE(read) << shape->name << "." << key.name
                        << " is in the table, and nobody reads it";
    }
  }
}

}  // namespace
}  // namespace callbot::scenarios
