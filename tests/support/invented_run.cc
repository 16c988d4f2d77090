#include "tests/support/invented_run.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>

#include "scenarios/decode.h"

namespace callbot::test {
namespace {

using namespace scenarios;

constexpr int64_t kBegin = 7'000'000'000'000;
constexpr const char* kScenario = R"(
callbot: 1
name: "5 s of 10 % loss <invented>"
seed: 42
media:
  cam: {video: pattern, audio: pattern}
actors:
  alice: {send: cam, verify: all}
  bob: {send: cam, verify: all, network: clean}
  carol: {send: cam, verify: rotate}
steps:
  - {do: join, who: "*"}
  - {expect: first-frame, who: bob, from: alice, within: 3s}
  - mark: steady
  - wait: 5s
  - mark: loss-start
  - {do: network, who: bob, set: {loss: 10%}, verify: true}
  - wait: 5s
  - {do: network, who: bob, set: clean}
  - mark: loss-end
  - wait: 6s
  - mark: end
  - {expect: silence, who: bob, from: alice, for: 2s}
  - {do: leave, who: "*"}
timeline:
  - {between: [steady, loss-start], who: bob, must_see: alice, must_hear: alice}
  - {between: [loss-start, loss-end], who: carol, must_see: alice}
thresholds:
  - {metric: video.e2e_delay, stat: p95, op: <=, value: 250ms, per: stream, between: [steady, loss-start]}
  - {metric: video.e2e_delay, stat: max, op: <=, value: 400ms, who: bob, between: [loss-start, loss-end]}
  - {metric: video.fps, stat: mean, op: ">=", value: 25, per: stream}
  - {metric: video.freeze, stat: total, op: <=, value: 300ms, who: bob, between: [loss-start, loss-end]}
  - {metric: rtp.loss, stat: max, op: <, value: 20%, abort: true, delay: 5s}
  - {metric: av.skew, stat: p95abs, op: <=, value: 60ms, severity: warn, who: bob}
  - {metric: audio.snr, stat: p5, op: ">=", value: 20, who: bob}
)";

// The same each time, and no straight line.
double wave(double t, double seed) {
  return std::sin(t * 1.7 + seed) * 0.6 + std::sin(t * 4.3 + seed * 2) * 0.4;
}

Series series(const char* metric, const char* actor, const char* from, const char* stream) {
  Series s{.metric = metric, .actor = actor, .from = from, .stream = stream};
  s.state = Measured::kOk;
  return s;
}

bool lossy(const std::string& actor, double t) { return actor == "bob" && t >= 7 && t < 12; }

void add_stream(Evidence& e, const char* actor, const char* from, double seed) {
  auto delay = series("video.e2e_delay", actor, from, "camera");
  auto sound = series("audio.e2e_delay", actor, from, "microphone");
  auto fps = series("video.fps", actor, from, "camera");
  auto rate = series("rtp.bitrate", actor, from, "camera");
  auto loss = series("rtp.loss", actor, from, "camera");
  auto skew = series("av.skew", actor, from, "");
  auto freeze = series("video.freeze", actor, from, "camera");
  auto decoded = series("video.decoded", actor, from, "camera");
  for (int i = 0; i < 17 * 30; ++i) {
    const double t = 1.5 + i / 30.0;
    const bool bad = lossy(actor, t);
    delay.samples.push_back(
        {at_s(t), 0.12 + 0.012 * wave(t, seed) + (bad ? 0.25 * std::abs(wave(t, 3)) : 0)});
  }
  for (int i = 0; i < 17; ++i) {
    const double t = 1.5 + i;
    const bool bad = lossy(actor, t);
    sound.samples.push_back({at_s(t), 0.1 + 0.01 * wave(t, seed + 1)});
    fps.samples.push_back({at_s(t), bad ? 21 + 4 * wave(t, seed) : 30 + 0.3 * wave(t, seed)});
    rate.samples.push_back({at_s(t), 480e3 + 40e3 * wave(t, seed) - (bad ? 120e3 : 0)});
    loss.samples.push_back({at_s(t), bad ? 0.1 + 0.02 * wave(t, seed) : 0});
    skew.samples.push_back({at_s(t), 0.02 * wave(t, seed) + (bad ? 0.08 : 0)});
    decoded.samples.push_back({at_s(t), bad ? 21.0 : 30.0});
  }
  if (std::string(from) == "alice") freeze.samples = {{at_s(8.2), 0.31}, {at_s(10.4), 0.22}};
  for (auto* s : {&delay, &sound, &fps, &rate, &loss, &skew, &freeze, &decoded})
    e.series.push_back(std::move(*s));
}

void add_steps(Evidence& e) {
  const auto step = [&](size_t index, const char* what, const char* kind, double from, double to,
                        Outcome outcome, const char* text) {
    e.steps.push_back({.index = index,
                       .what = what,
                       .kind = kind,
                       .actor = "",
                       .outcome = outcome,
                       .optional = false,
                       .span = window_s(from, to),
                       .text = text});
  };
  step(0, "join *", "join", 0.1, 1.2, Outcome::kDone, "");
  step(1, "expect first-frame of alice by bob", "expect", 1.2, 1.6, Outcome::kDone, "after 410 ms");
  step(3, "wait 5 s", "wait", 2, 7, Outcome::kDone, "");
  step(5, "network bob: own", "network", 7, 7.1, Outcome::kDone,
       "seen on the selected pair; 10.3 % lost");
  step(6, "wait 5 s", "wait", 7.1, 12, Outcome::kDone, "");
  step(7, "network bob: clean", "network", 12, 12.05, Outcome::kDone, "");
  step(9, "wait 6 s", "wait", 12.1, 18, Outcome::kDone, "");
  step(11, "expect silence of alice by bob", "expect", 18, 19.5, Outcome::kFailed,
       "a chirp of alice at 0:18.9");
  step(12, "leave *", "leave", 19.5, 19.8, Outcome::kDone, "");
  e.marks = {
      {"steady", at_s(2)}, {"loss-start", at_s(7)}, {"loss-end", at_s(12.05)}, {"end", at_s(18)}};
}

void add_sights(Evidence& e) {
  for (const char* observer : {"alice", "bob", "carol"}) {
    const bool rotates = std::string(observer) == "carol";
    for (const char* whom : {"alice", "bob", "carol"}) {
      if (std::string(observer) == whom) continue;
      for (const Sight sight : {Sight::kSeen, Sight::kHeard}) {
        const auto span = rotates ? window_s(8, 11) : window_s(1.5, 19.5);
        e.looks.push_back({observer, whom, sight, span});
        e.presence.push_back({observer, whom, whom, sight, span});
      }
    }
  }
}

}  // namespace

int64_t at_s(double seconds) { return kBegin + std::llround(seconds * 1e9); }
TimeWindow window_s(double from, double to) { return {at_s(from), at_s(to)}; }

Scenario invented_scenario() {
  auto scenario = decode_scenario(kScenario, "loss.yaml", {});
  if (!scenario) {
    fmt::print(stderr, "{}\n", scenario.error().message);
    std::abort();
  }
  return *scenario;
}

Evidence invented_evidence() {
  Evidence e;
  e.scenario = "5 s of 10 % loss <invented>";
  e.file = "loss.yaml";
  e.description = "Bob loses a packet in ten for five seconds.";
  e.version = "0.1.0";
  e.seed = 42;
  e.variables = {{"URL", "wss://example.org/rooms/loss"}};
  e.began_ns = at_s(0);
  e.began_wall_ns = 1'795'271'742'000'000'000;
  e.steps_ns = at_s(0.1);
  e.ended_ns = at_s(20);
  e.machine = {{"processors", "2"}, {"kernel", "Linux 6.1"}, {"busiest second", "41 % of 2"}};
  for (const char* name : {"alice", "bob", "carol"})
    e.actors.push_back(
        {name, name, "main", name[0] == 'c' ? "rotate" : "all", "", {window_s(1.2, 19.6)}});
  add_steps(e);
  add_stream(e, "bob", "alice", 0.4);
  add_stream(e, "bob", "carol", 1.4);
  add_stream(e, "alice", "bob", 2.2);
  Series snr{.metric = "audio.snr", .actor = "bob", .from = "alice", .stream = "microphone"};
  snr.why = "no chirp of alice was found";
  e.series.push_back(snr);
  add_sights(e);
  e.events = {{at_s(1.0), "alice", "joined", ""},
              {at_s(1.2), "bob", "joined", "signaling 31 ms, ICE 210 ms"},
              {at_s(7.05), "bob", "network", "loss 10 % both ways"},
              {at_s(18.9), "bob", "leak", "<script>alert(1)</script> chirp of alice"}};
  e.files.push_back({"bundle/bob-alice.mkv", "media", "bob", "alice", "camera", window_s(1.5, 19.5),
                     1'240'000, ""});
  e.files.push_back({"bundle", "bundle", "", "", "", window_s(5, 20), 0, ""});
  e.files.push_back({"bundle/bob-alice-8.3.jpg", "picture", "bob", "alice", "camera",
                     window_s(8.3, 8.3), 20'000, "frozen for 310 ms"});
  e.pairs.push_back({at_s(1.1), "bob", "alice", "host udp 127.0.0.1:40001",
                     "relay udp 127.0.0.1:40007", "selected"});
  e.networks = {
      {"bob", "", "clean", Outcome::kDone, window_s(1.1, 7.05), "", "clean"},
      {"bob", "step 6", "both ways loss 10 %", Outcome::kDone, window_s(7.05, 12.05),
       "seen: up: random loss; down: random loss", "loss 10 %"},
      {"bob", "step 8", "clean", Outcome::kSkipped, window_s(12.05, 19.6), "", "clean"},
  };
  return e;
}

RunRecord invented_run() {
  RunRecord run;
  run.evidence = invented_evidence();
  run.judged = judge(invented_scenario(), run.evidence);
  run.summary = summary_of(run.evidence);
  return run;
}

}  // namespace callbot::test
