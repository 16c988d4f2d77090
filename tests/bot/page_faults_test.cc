// Faults made on purpose with a real browser: each is found by the gate that it is for, and by no
// other.
#include <gmock/gmock.h>

#include <set>

#include "bot/scenario_page.h"
#include "tests/support/clips.h"
#include "tests/support/pattern_file.h"
#include "tests/support/scenario_runs.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using scenarios::Verdict;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class PageFaults : public test::ScenarioRuns {
 protected:
  // A page and a bot; `camera` and `microphone` of the page, `film` of the bot (empty: the
  // pattern), how long they are looked at, and how long a hole is none.
  struct Call {
    std::string camera = "pattern", microphone = "pattern", film = {};
    std::string looked = "6s", grace = "2s";
  };
  void begin(const Call& call) {
    const std::string file = "{file: \"" + call.film + "\"}";
    const bool films = !call.film.empty();
    const std::string text =
        "callbot: 1\nname: t\nmedia:\n  cam: {video: " + video(films ? file : "pattern") +
        ", audio: " + (films ? file : "pattern") + "}\n  page: {video: " + video(call.camera) +
        ", audio: " + call.microphone + "}\n" + R"(
actors:
  page: {browser: chromium, send: page, verify: all}
  bot: {send: cam, verify: all}
steps:
  - {do: join, who: bot, timeout: 60s}
  - {do: join, who: page, timeout: 90s}
  - {expect: first-frame, who: "*", from: "*", within: 60s}
  - {expect: heard, who: page, from: bot, within: 60s}
  - {wait: 2s}
  - mark: steady
  - {wait: )" +
        call.looked + R"(}
  - mark: end
timeline:
  - {between: [steady, end], who: "*", must_see: "*", must_hear: "*", grace: )" +
        call.grace + R"(}
thresholds:
  - {name: freezes, metric: video.freeze, stat: max, op: <=, value: 2s, who: bot, from: page, between: [steady, end]}
  - {name: reconnects, metric: call.reconnects, stat: total, op: ==, value: 0}
  - {name: wrong identity, metric: identity.wrong, stat: total, op: ==, value: 0, who: page, from: bot}
  - {name: lip sync, metric: av.skew, stat: p50, op: <=, value: 250ms, who: page, from: bot, between: [steady, end]}
)";
    auto scenario = scenarios::decode_scenario(text, "t.yaml", {});
    ASSERT_TRUE(scenario) << scenario.error().message;
    start(*scenario);
  }
  static std::string video(const std::string& camera) {
    if (camera != "pattern") return camera;
    return "{source: pattern, size: 320x180, fps: 30, bitrate: 300 kbit/s}";
  }
  bool looking() {
    constexpr size_t kLooks = 7;  // the step that waits
    return loop_.run_until([&] { return evidence_ || run_->live().step_number >= kLooks; },
                           kPatience) &&
           !evidence_;
  }
  // Null: it has no browser any more.
  PageActor* page() const {
    for (const auto& actor : run_->cast()->all()) {
      auto* page = dynamic_cast<ScenarioPage*>(actor.get());
      if (page != nullptr) return page->page();
    }
    return nullptr;
  }
  // In the stretch that is looked at.
  void harm(const std::function<void(PageActor&)>& does) {
    ASSERT_TRUE(looking()) << why();
    ASSERT_NE(page(), nullptr);
    does(*page());
  }
  // What did not pass.
  std::set<std::string> found() {
    std::set<std::string> all;
    EXPECT_TRUE(ended(kPatience));
    if (!evidence_) return all;
    EXPECT_THAT(evidence_->invalid, IsEmpty());
    for (const auto& c : judged().cases) {
      if (c.verdict == Verdict::kPass) continue;
      all.insert(c.detail.empty() ? c.name : c.name + ": " + c.detail);
    }
    return all;
  }
  std::string why() {
    if (!evidence_) return "it never ended";
    std::string all = text();
    for (const Series& one : evidence_->series) {
      const bool packets = one.metric.ends_with(".packets");
      if (!packets && one.metric != "video.marked") continue;
      all += one.actor + " " + one.metric + " of " + one.from + " " + one.stream + ":";
      for (const Sample& sample : one.samples)
        if (packets) all += " " + std::to_string(static_cast<int>(sample.value));
      all += ", " + std::to_string(one.samples.size()) + " samples\n";
    }
    return all;
  }

  test::TempFolder folder_;
};

constexpr const char* kMustHear = "bot must hear page, from steady to end";
constexpr const char* kMustSee = "bot must see page, from steady to end";

TEST_F(PageFaults, NoneIsFoundWhereThereIsNone) {
  begin({});
  EXPECT_THAT(found(), IsEmpty()) << why();
}

TEST_F(PageFaults, APageThatIsMuted) {
  begin({});
  harm([](PageActor& page) { page.mute(true, [](const Result<>&) {}); });
  EXPECT_THAT(found(), UnorderedElementsAre("unexpected: muted: bot", kMustHear)) << why();
}

TEST_F(PageFaults, ACameraThatIsOff) {
  begin({});
  harm([](PageActor& page) { page.camera(false, [](const Result<>&) {}); });
  EXPECT_THAT(found(), UnorderedElementsAre("unexpected: muted: bot", kMustSee)) << why();
}

TEST_F(PageFaults, APageThatIsReloaded) {
  begin({.looked = "15s", .grace = "14s"});
  harm([](PageActor& page) {
    page.reload([](const Result<>& how) { EXPECT_TRUE(how) << how.error().message; });
  });
  EXPECT_THAT(found(), UnorderedElementsAre("unexpected: left: bot")) << why();
}

TEST_F(PageFaults, ATabThatHangs) {
  begin({.looked = "9s", .grace = "8s"});
  Timer thaw;
  harm([&](PageActor& hangs) {
    hangs.freeze(true);
    thaw.once(4s, [&] {
      if (page() != nullptr) page()->freeze(false);
    });
  });
  EXPECT_THAT(found(), UnorderedElementsAre("freezes")) << why();
}

TEST_F(PageFaults, SomebodyElsesFileAsTheCamera) {
  // The bot has number 2.
  const auto file = test::write_pictures(folder_.path() / "camera.mjpeg", {.source = 2});
  begin({.camera = "{file: \"" + file.string() + "\"}"});
  EXPECT_THAT(found(), UnorderedElementsAre(kMustSee, "bot sees bot in the stream of page"))
      << why();
}

TEST_F(PageFaults, AMicrophoneThatIsSilent) {
  begin({.microphone = "none"});
  EXPECT_THAT(found(), UnorderedElementsAre(kMustHear)) << why();
}

// Heard by the page.
TEST_F(PageFaults, ABotWhoseSoundComesAfterItsPicture) {
  const auto film = test::pattern_clip(folder_.path() / "film.mkv", {.seconds = 12, .source = 2});
  const auto late = test::with_late_sound(film, folder_.path() / "late.mkv", "0.4");
  begin({.film = late.string()});
  EXPECT_THAT(found(), UnorderedElementsAre("lip sync")) << why();
}

}  // namespace
}  // namespace callbot::bot
