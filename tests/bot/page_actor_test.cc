// A real browser's page and a bot in one room, each reading the other's marks.
#include "bot/page_actor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gst/gst.h>

#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "base/clock.h"
#include "bot/call.h"
#include "bot/mark_eye.h"
#include "bot/serve.h"
#include "pipelines/recorder.h"
#include "pipelines/test_pattern.h"
#include "tests/support/pattern_file.h"
#include "tests/support/room_host.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using browsers::Kind;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kPatience = 90s;
constexpr int64_t kSecond = 1'000'000'000;  // ns
constexpr uint16_t kBotSource = 21;
constexpr uint16_t kFileSource = 77;

// Sends the marked pattern and reads the marks of what it receives.
class Bot final : public CallEvents {
 public:
  Bot(Loop& loop, const std::string& url) : pool_(), seen_(std::make_shared<SeenMarks>()) {
    pipelines::TestPatternConfig pattern;
    pattern.source = kBotSource;
    pattern.width = 320;
    pattern.height = 180;
    pattern.fps = 30;
    pattern.bitrate = 400'000;
    source = *pipelines::TestPattern::create(loop, Log("bot"), pattern);
    recorder_ = std::make_unique<pipelines::Recorder>(loop, Log("bot"), pool_,
                                                      std::make_unique<MarkEye>(seen_));
    CallConfig config;
    config.join.url = url;
    config.join.self.name = "bot";
    config.join.self.sends = config.join.self.receives = true;
    config.join.self.audio = config.join.self.video = signaling::Member::State::kOn;
    config.source = source.get();
    call = *Call::create(loop, Log("bot"), std::move(config), *this);
    call->add_sink(*recorder_);
    EXPECT_TRUE(source->start());
    call->start();
  }
  void chat(const signaling::Member&, const std::string& text) override { chats.push_back(text); }
  void file_end(const signaling::Member&, const FileEnd* end) override { files += end ? 1 : 0; }
  void member_left(const signaling::Member& member) override { left.push_back(member.name); }
  void done(Result<>) override {}

  std::vector<SeenMark> marks() const { return seen_->marks(); }
  // Marks of the browser's file.
  size_t seen_of(uint16_t source_id) const {
    size_t n = 0;
    for (const auto& mark : marks()) n += mark.mark.source == source_id ? 1 : 0;
    return n;
  }
  std::map<uint32_t, pipelines::SentFrame> sent() const {
    std::map<uint32_t, pipelines::SentFrame> all;
    for (const auto& frame : source->sent_frames())
      all[static_cast<uint32_t>(frame.number)] = frame;
    return all;
  }

  std::vector<std::string> chats, left;
  int files = 0;
  std::unique_ptr<pipelines::TestPattern> source;

 private:
  pipelines::WriterPool pool_;
  std::shared_ptr<SeenMarks> seen_;
  std::unique_ptr<pipelines::Recorder> recorder_;

 public:
  std::unique_ptr<Call> call;
};

class PageActorTest : public testing::TestWithParam<Kind> {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  PageActorTest() {
    ServeOptions options;
    options.port = 0;
    serve_ = std::make_unique<Serve>(loop_, console_, options);
    EXPECT_TRUE(serve_->start());
  }
  std::string room_url() const { return "ws" + serve_->url().substr(4) + "/rooms/demo"; }
  void start_bot() { bot_ = std::make_unique<Bot>(loop_, room_url()); }

  PageActorConfig config() {
    PageActorConfig config;
    config.browser.kind = GetParam();
    config.page = serve_->url();
    config.room = "demo";
    config.name = "browser";
    return config;
  }
  Result<> join(PageActorConfig config) {
    PageActorEvents events;
    events.gone = [this](const Error& error) { gone_.push_back(error); };
    events.looked = [this](const browsers::PageMarks& marks) {
      shown_.insert(shown_.end(), marks.shown.begin(), marks.shown.end());
      local_.insert(local_.end(), marks.sent.begin(), marks.sent.end());
    };
    events.sends = [this](const browsers::LocalFrame& frame) { told_.push_back(frame); };
    events.captured_at = [this](const VideoMark& mark, int64_t) -> std::optional<Captured> {
      if (!bot_ || mark.source != kBotSource) return std::nullopt;
      const auto sent = bot_->sent();
      const auto found = sent.find(mark.counter);
      if (found == sent.end()) return std::nullopt;
      return Captured{found->second.captured_ns};
    };
    actor_ = std::make_unique<PageActor>(loop_, Log("actor"), std::move(config), std::move(events));
    return answer([this](auto done) { actor_->start(std::move(done)); });
  }
  // Runs a verb to its end.
  Result<> answer(const std::function<void(PageActor::Done)>& verb) {
    std::optional<Result<>> how;
    verb([&](Result<> h) { how = std::move(h); });
    loop_.run_until([&] { return how.has_value(); }, kPatience);
    return how ? *how : fail(Code::kTimeout, "the verb never answered");
  }
  Json state() {
    std::optional<Result<Json>> value;
    actor_->state([&](Result<Json> v) { value = std::move(v); });
    loop_.run_until([&] { return value.has_value(); }, kPatience);
    return value && *value ? **value : Json();
  }
  bool shown(size_t frames) {
    return loop_.run_until([&] { return marked() >= frames || !gone_.empty(); }, kPatience);
  }
  size_t marked() const {
    size_t n = 0;
    for (const auto& frame : shown_) n += frame.mark ? 1 : 0;
    return n;
  }
  const Series* series(const std::string& metric, const std::string& stream = "camera") {
    all_ = actor_->series();
    for (const Series& one : all_)
      if (one.metric == metric && one.stream == stream) return &one;
    return nullptr;
  }
  double total(const std::string& metric, const std::string& stream = "camera") {
    const Series* found = series(metric, stream);
    EXPECT_NE(found, nullptr) << metric;
    double sum = 0;
    if (found != nullptr)
      for (const Sample& sample : found->samples) sum += sample.value;
    return sum;
  }
  bool closed() {
    bool done = false;
    actor_->close([&] { done = true; });
    return loop_.run_until([&] { return done; }, kPatience);
  }

  Loop loop_;
  Console console_{true};
  test::TempFolder folder_;
  std::unique_ptr<Serve> serve_;
  std::unique_ptr<Bot> bot_;
  std::vector<Error> gone_;
  std::vector<browsers::ShownFrame> shown_;
  std::vector<browsers::LocalFrame> local_, told_;
  std::vector<Series> all_;
  std::unique_ptr<PageActor> actor_;
};

TEST_P(PageActorTest, ThePageReadsTheBotsMarksFrameByFrame) {
  start_bot();
  const auto joined = join(config());
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_TRUE(shown(120)) << shown_.size() << " shown, none of them read?";
  ASSERT_TRUE(gone_.empty()) << gone_[0].message;
  const auto sent = bot_->sent();
  std::optional<uint32_t> before;
  for (const auto& frame : shown_) {
    if (!frame.mark) continue;
    EXPECT_EQ(frame.mark->source, kBotSource);
    EXPECT_EQ(frame.key.from, "bot");
    const auto found = sent.find(frame.mark->counter);
    ASSERT_NE(found, sent.end()) << "a number that the bot never sent: " << frame.mark->counter;
    // On one clock: shown and received after it was captured.
    EXPECT_GT(static_cast<double>(frame.display_ns - found->second.captured_ns) / 1e9,
              -actor_->uncertainty_s());
    EXPECT_GE(frame.mark->counter, before.value_or(0));
    before = frame.mark->counter;
  }
  EXPECT_EQ(total("video.unread"), 0);
  EXPECT_EQ(total("identity.wrong"), 0);
  EXPECT_GE(total("video.marked"), 120);
  EXPECT_GE(total("video.expected"), total("video.marked") - total("video.duplicate") - 1);
  const Series* delay = series("video.e2e_delay");
  ASSERT_NE(delay, nullptr);
  EXPECT_GT(delay->samples.size(), 100U);
  EXPECT_GT(delay->uncertainty, 0);
  EXPECT_LT(delay->uncertainty, 0.5);
  // Chromium and Firefox both tell when the last packet came: what follows is the playout.
  const Series* network = series("video.network_delay");
  ASSERT_NE(network, nullptr);
  const auto mean = [](const Series& s) {
    return std::accumulate(s.samples.begin(), s.samples.end(), 0.0,
                           [](double sum, const Sample& x) { return sum + x.value; }) /
           static_cast<double>(s.samples.size());
  };
  EXPECT_GT(mean(*network), -network->uncertainty);
  const double network_mean = mean(*network);
  EXPECT_GT(mean(*series("video.e2e_delay")), network_mean);

  ASSERT_TRUE(loop_.run_until([&] { return series("rtp.packets") != nullptr; }, kPatience));
  EXPECT_GT(total("rtp.packets"), 0);
  EXPECT_GT(total("video.decoded"), 0);
  EXPECT_GT(total("audio.samples", "microphone"), 0);
  for (const char* metric :
       {"jitterbuffer.delay", "video.processing", "video.assembly", "send.loss"})
    EXPECT_TRUE(loop_.run_until([&] { return series(metric) != nullptr; }, kPatience)) << metric;
  EXPECT_NE(series("audio.silent_concealed", "microphone"), nullptr);
  EXPECT_NE(series("send.huge_frames"), nullptr);
  EXPECT_NE(series("send.bitrate"), nullptr);
  EXPECT_NE(series("join.ice", ""), nullptr);
  ASSERT_FALSE(actor_->pairs().empty());
  EXPECT_EQ(actor_->pairs()[0].member, "bot");
  EXPECT_TRUE(closed());
}

// Both readers of the page's file: the bot that receives it, the page that sends it.
TEST_P(PageActorTest, AFileAsTheCameraIsReadAtBothEnds) {
  for (const char* name : {"feed.y4m", "feed.mjpeg"}) {
    SCOPED_TRACE(name);
    start_bot();
    PageActorConfig with_file = config();
    with_file.browser.camera = test::write_pictures(folder_.path() / name, {.frames = 300});
    with_file.browser.microphone = test::write_chirps(folder_.path() / "chirps.wav");
    const auto joined = join(with_file);
    ASSERT_TRUE(joined) << joined.error().message;
    // The stretch that both have seen: from the page's first reading of its own track to the last
    // one it has told.
    size_t known = 0, unknown = 0;
    const auto both = [&] {
      known = unknown = 0;
      for (const auto& seen : bot_->marks()) {
        if (local_.empty() || seen.arrival_ns < local_.front().at_ns + kSecond ||
            seen.arrival_ns > local_.back().at_ns)
          continue;
        const auto sent = actor_->sent_at(seen.mark, seen.arrival_ns);
        // The file lasts ten seconds: older is another round of it.
        const bool fits = sent && seen.arrival_ns - *sent < 5 * kSecond;
        (fits ? known : unknown) += 1;
      }
      return known;
    };
    ASSERT_TRUE(loop_.run_until([&] { return both() >= 60; }, kPatience))
        << bot_->seen_of(kFileSource) << " of the file's frames were seen, of "
        << bot_->marks().size() << " marked ones; of " << known << " the page told it";
    // What both have seen they agree on; a page that has no time for its script leaves some out.
    EXPECT_LE(unknown * 2, known + unknown);
    for (const auto& seen : bot_->marks()) {
      EXPECT_EQ(seen.mark.source, kFileSource);
      EXPECT_LT(seen.mark.counter, 300U);
    }
    for (const auto& frame : local_) {
      EXPECT_TRUE(!frame.mark || frame.mark->source == kFileSource);
    }
    // What it told at once is what it says when it is asked.
    const auto told = told_;
    ASSERT_GE(told.size(), 60U);
    ASSERT_TRUE(answer([&](auto done) { actor_->look(std::move(done)); }));
    for (const auto& frame : told) {
      ASSERT_TRUE(frame.mark);
      EXPECT_TRUE(actor_->sent_at(*frame.mark, frame.at_ns + kSecond / 10)) << frame.mark->counter;
    }
    EXPECT_TRUE(closed());
    actor_.reset();
    local_.clear();
    told_.clear();
    bot_.reset();
  }
}

TEST_P(PageActorTest, DoesWhatPeopleDoOnThePage) {
  start_bot();
  PageActorConfig with_file = config();
  with_file.browser.camera = test::write_pictures(folder_.path() / "feed.y4m");
  ASSERT_TRUE(join(with_file));
  const auto self = [&](const char* key) { return state().at("self").at(key).text().value_or(""); };
  const auto does = [&](const std::function<void(PageActor::Done)>& verb) {
    const auto how = answer(verb);
    EXPECT_TRUE(how) << how.error().message;
  };
  does([&](auto done) { actor_->mute(true, done); });
  EXPECT_EQ(self("audio"), "off");
  does([&](auto done) { actor_->mute(true, done); });  // it is already
  does([&](auto done) { actor_->mute(false, done); });
  EXPECT_EQ(self("audio"), "on");
  does([&](auto done) { actor_->camera(false, done); });
  EXPECT_EQ(self("video"), "off");
  does([&](auto done) { actor_->camera(true, done); });
  EXPECT_EQ(self("video"), "on");
  const size_t frames = bot_->seen_of(kFileSource);
  EXPECT_TRUE(loop_.run_until([&] { return bot_->seen_of(kFileSource) > frames + 20; }, kPatience));

  does([&](auto done) { actor_->wait("s.members.some((m) => m.channel)", kPatience, done); });
  does([&](auto done) { actor_->chat("it's \"me\"", done); });
  EXPECT_TRUE(loop_.run_until([&] { return !bot_->chats.empty(); }, kPatience));
  EXPECT_EQ(bot_->chats[0], "it's \"me\"");
  const fs::path file = folder_.path() / "notes.bin";
  ASSERT_TRUE(write_atomically(file, std::string(50'000, 'x')));
  does([&](auto done) { actor_->send_file(file, done); });
  EXPECT_TRUE(loop_.run_until([&] { return bot_->files == 1; }, kPatience));

  const std::string id = state().at("id").text().value_or("");
  // Until it is in its call again it says nothing of its state: it is in the lobby for a moment.
  const auto phases = std::make_shared<std::set<std::string>>();
  Timer glances;
  glances.every(5ms, [&] {
    actor_->glance([phases](const Result<PageActor::Glance>& glance) {
      if (glance) phases->insert(glance->state.at("phase").text().value_or(""));
    });
  });
  does([&](auto done) { actor_->reload(done); });
  glances.stop();
  EXPECT_THAT(*phases, AnyOf(IsEmpty(), ElementsAre("live")));
  EXPECT_NE(state().at("id").text().value_or(""), id);
  const size_t before = marked();
  EXPECT_TRUE(shown(before + 20)) << "the reader goes on in the new document: " << state().dump();
  does([&](auto done) { actor_->leave(done); });
  EXPECT_TRUE(loop_.run_until([&] { return bot_->left.size() == 2; }, kPatience));
  does([&](auto done) { actor_->rejoin(done); });
  EXPECT_EQ(state().at("phase").text().value_or(""), "live");
  EXPECT_TRUE(closed());
}

TEST_P(PageActorTest, ABrowserThatIsKilledIsToldAndKeepsWhatItMeasured) {
  start_bot();
  ASSERT_TRUE(join(config()));
  ASSERT_TRUE(shown(30));
  actor_->crash();
  ASSERT_TRUE(loop_.run_until([&] { return !gone_.empty(); }, kPatience));
  EXPECT_EQ(gone_[0].code, Code::kConnect);
  EXPECT_THAT(gone_[0].message, HasSubstr("signal 9"));
  EXPECT_GE(total("video.marked"), 30);
  const auto after = answer([&](auto done) { actor_->mute(true, done); });
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Code::kConnect);
  EXPECT_TRUE(closed());
}

TEST_P(PageActorTest, ATabThatHangsIsAFreeze) {
  start_bot();
  ASSERT_TRUE(join(config()));
  ASSERT_TRUE(shown(90));
  const auto frozen_at = bot_->source->stats().video.encoded;
  actor_->freeze(true);
  ASSERT_TRUE(loop_.run_until([&] { return bot_->source->stats().video.encoded >= frozen_at + 45; },
                              kPatience));
  actor_->freeze(false);
  const size_t before = marked();
  ASSERT_TRUE(shown(before + 60));
  const Series* freezes = series("video.freeze_true");
  ASSERT_NE(freezes, nullptr);
  double longest = 0;
  for (const Sample& sample : freezes->samples) longest = std::max(longest, sample.value);
  EXPECT_GE(longest, 1.0) << "45 frames of 30 a second";
}

TEST_P(PageActorTest, ARoomThatSaysNoIsDenied) {
  PageActorConfig refused = config();
  refused.name = "bot";
  start_bot();
  ASSERT_TRUE(loop_.run_until([&] { return bot_->call->phase() == Phase::kLive; }, kPatience));
  const auto joined = join(refused);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Code::kDenied);
  EXPECT_THAT(joined.error().message, HasSubstr("this name"));
}

INSTANTIATE_TEST_SUITE_P(Both, PageActorTest, testing::Values(Kind::kChromium, Kind::kFirefox),
                         [](const auto& info) { return browsers::name_of(info.param); });

using ChromiumPageTest = PageActorTest;

TEST_P(ChromiumPageTest, APageThatIsNotOursIsNamed) {
  test::RoomHost rooms_alone(loop_);
  PageActorConfig other = config();
  other.page = fmt::format("http://127.0.0.1:{}", rooms_alone.port());
  const auto joined = join(other);
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message, HasSubstr(other.page));
  EXPECT_THAT(joined.error().message, HasSubstr("this is not the page of callbot"));
}

TEST_P(ChromiumPageTest, SharesItsScreen) {
  start_bot();
  ASSERT_TRUE(join(config()));
  ASSERT_TRUE(answer([&](auto done) { actor_->screen(true, done); }));
  EXPECT_EQ(state().at("self").at("videoSource").text(), "screen");
  ASSERT_TRUE(answer([&](auto done) { actor_->screen(false, done); }));
}

INSTANTIATE_TEST_SUITE_P(Only, ChromiumPageTest, testing::Values(Kind::kChromium),
                         [](const auto& info) { return browsers::name_of(info.param); });

}  // namespace
}  // namespace callbot::bot
