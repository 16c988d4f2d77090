#include "browsers/page_marks.h"

#include <gmock/gmock.h>

#include <numeric>

namespace callbot::browsers {
namespace {

using testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kFrame = 1'000'000'000 / 30;

double total(const Series& series) {
  return std::accumulate(series.samples.begin(), series.samples.end(), 0.0,
                         [](double sum, const Sample& sample) { return sum + sample.value; });
}

// A tile "bot" that shows frames with these counters, one each 30th of a second.
class MarkSeriesTest : public testing::Test {
 protected:
  void show(uint32_t counter, uint16_t source = 5, uint64_t presented = 1) {
    ShownFrame frame{{"bot", "camera"}, VideoMark{counter, source, 0}};
    next(std::move(frame), presented);
  }
  void show_unread() { next({{"bot", "camera"}, std::nullopt}, 1); }
  void next(ShownFrame frame, uint64_t presented) {
    now_ += static_cast<int64_t>(presented) * kFrame;
    frame.display_ns = frame.read_ns = now_;
    if (!frame.receive_ns) frame.receive_ns = now_ - 100 * kMs;
    frame.presented = presented_ += presented;
    marks_.add(frame, 0.001);
  }
  void show_many(uint32_t from, uint32_t to) {
    for (uint32_t n = from; n < to; ++n) show(n);
  }
  Series series(const std::string& metric) {
    for (const Series& one : marks_.all())
      if (one.metric == metric) return one;
    return {};
  }

  int64_t now_ = 10'000 * kMs;
  uint64_t presented_ = 0;
  MarkSeries marks_{"browser", [this](const VideoMark&, int64_t seen) { return captured_(seen); }};
  std::function<std::optional<Captured>(int64_t)> captured_ = [](int64_t seen) {
    return std::optional(Captured{seen - 250 * kMs});
  };
};

TEST_F(MarkSeriesTest, CountsFramesAndSplitsTheDelay) {
  show_many(100, 160);
  const Series marked = series("video.marked");
  EXPECT_EQ(marked.actor, "browser");
  EXPECT_EQ(marked.from, "bot");
  EXPECT_EQ(marked.stream, "camera");
  EXPECT_EQ(total(marked), 60);
  EXPECT_EQ(total(series("video.expected")), 60);
  EXPECT_EQ(series("video.missing").state, Measured::kOk);
  EXPECT_EQ(total(series("video.missing")), 0);
  const Series e2e = series("video.e2e_delay");
  ASSERT_EQ(e2e.samples.size(), 60U);
  EXPECT_DOUBLE_EQ(e2e.samples[30].value, 0.25);
  EXPECT_DOUBLE_EQ(e2e.uncertainty, 0.001);
  EXPECT_DOUBLE_EQ(series("video.network_delay").samples[30].value, 0.15);
  EXPECT_EQ(total(series("identity.wrong")), 0);
}

TEST_F(MarkSeriesTest, FramesThatNeverCameAreMissing) {
  show_many(0, 30);
  show_many(35, 60);
  EXPECT_EQ(total(series("video.missing")), 5);
  EXPECT_EQ(total(series("video.skip")), 5);
  EXPECT_EQ(total(series("video.expected")), 60);
}

// The browser showed it, but our script was not called: nobody's loss.
TEST_F(MarkSeriesTest, FramesThatTheScriptDidNotSeeAreNotMissing) {
  show_many(0, 100);
  show(102, 5, 3);
  show_many(103, 200);
  EXPECT_EQ(total(series("video.missing")), 0);
  EXPECT_EQ(series("video.marked").state, Measured::kOk);
}

TEST_F(MarkSeriesTest, TooManyUnseenFramesAreInvalid) {
  for (uint32_t n = 0; n < 40; n += 2) show(n, 5, 2);
  EXPECT_EQ(series("video.missing").state, Measured::kInvalid);
  EXPECT_THAT(series("video.missing").why, HasSubstr("did not look at"));
}

TEST_F(MarkSeriesTest, DuplicatesAndReorderingAreTold) {
  show_many(0, 10);
  show(9);
  show(12);
  show(11);
  EXPECT_EQ(total(series("video.duplicate")), 1);
  EXPECT_EQ(total(series("video.reorder")), 1);
}

TEST_F(MarkSeriesTest, AFileThatBeginsAgainLosesNothing) {
  show_many(0, 60);
  show_many(0, 60);
  EXPECT_EQ(total(series("video.missing")), 0);
  EXPECT_EQ(total(series("video.reorder")), 0);
  EXPECT_EQ(total(series("video.expected")), 120);
}

TEST_F(MarkSeriesTest, TheCounterWraps) {
  show_many((1 << 24) - 5, 1 << 24);
  show_many(0, 5);
  EXPECT_EQ(total(series("video.missing")), 0);
  EXPECT_EQ(total(series("video.expected")), 10);
}

TEST_F(MarkSeriesTest, AnotherSourceInTheTileIsAWrongIdentity) {
  show_many(0, 10);
  show(500, 6);
  show(501, 6);
  show_many(12, 20);
  EXPECT_EQ(total(series("identity.wrong")), 2);
}

TEST_F(MarkSeriesTest, TheExpectedSourceDecidesFromTheFirstFrameOn) {
  marks_.expect("bot", 7);
  show_many(0, 10);
  EXPECT_EQ(total(series("identity.wrong")), 10);
}

TEST_F(MarkSeriesTest, APictureThatStandsStillIsAFreeze) {
  show_many(0, 40);
  for (int i = 0; i < 15; ++i) show(39);  // half a second of the same
  show_many(55, 80);
  const Series freezes = series("video.freeze_true");
  ASSERT_EQ(freezes.samples.size(), 1U);
  EXPECT_NEAR(freezes.samples[0].value, 16.0 / 30, 1e-6);
}

TEST_F(MarkSeriesTest, WhatCameLateAndWasShownInTimeIsAFreezeByArrivalAlone) {
  constexpr int64_t kHeld = 400 * kMs;
  for (uint32_t n = 0; n < 60; ++n) {
    ShownFrame frame{{"bot", "camera"}, VideoMark{n, 5, 0}};
    // Frames 40 to 49 come 300 ms later than usual: all within what the page holds them.
    frame.receive_ns = now_ + kFrame - kHeld + (n >= 40 && n < 50 ? 300 * kMs : 0);
    next(std::move(frame), 1);
  }
  EXPECT_TRUE(series("video.freeze_true").samples.empty());
  const Series freezes = series("video.arrival_freeze");
  ASSERT_EQ(freezes.samples.size(), 1U);
  EXPECT_NEAR(freezes.samples[0].value, 0.3 + 1.0 / 30, 1e-6);
  EXPECT_EQ(series("video.arrival_interval").samples.size(), 59U);
}

TEST_F(MarkSeriesTest, WhatCameAllTheTimeIsNoFreezeByArrival) {
  show_many(0, 40);
  for (int i = 0; i < 15; ++i) show(39);       // the source stands still
  for (int i = 0; i < 15; ++i) show_unread();  // the marks cannot be read
  show(70, 5, 60);                             // the tab hangs, and looks at nothing
  show_many(71, 110);
  marks_.muted("bot", true, now_);  // nothing is sent
  now_ += 2000 * kMs;
  marks_.muted("bot", false, now_);
  now_ += 2000 * kMs;
  show_many(110, 150);
  EXPECT_EQ(series("video.arrival_freeze").state, Measured::kOk);
  EXPECT_TRUE(series("video.arrival_freeze").samples.empty());
  now_ += 400 * kMs;  // and here nothing comes
  show_many(162, 170);
  EXPECT_EQ(series("video.arrival_freeze").samples.size(), 1U);
}

TEST_F(MarkSeriesTest, APictureThatStandsStillToTheEndIsAFreeze) {
  show_many(0, 40);
  for (int i = 0; i < 45; ++i) show(39);
  EXPECT_TRUE(series("video.freeze_true").samples.empty());
  marks_.finish();
  const Series freezes = series("video.freeze_true");
  ASSERT_EQ(freezes.samples.size(), 1U);
  EXPECT_NEAR(freezes.samples[0].value, 1.5, 1e-6);
}

TEST_F(MarkSeriesTest, WhileTheCameraIsOffThereIsNoFreeze) {
  show_many(0, 40);
  marks_.muted("bot", true, now_);
  now_ += 2000 * kMs;
  marks_.muted("bot", false, now_);
  show_many(100, 140);
  EXPECT_TRUE(series("video.freeze_true").samples.empty());
}

TEST_F(MarkSeriesTest, UnreadPicturesMakeTheRestInvalid) {
  show_many(0, 20);
  show_unread();
  EXPECT_EQ(total(series("video.unread")), 1);
  EXPECT_EQ(series("video.missing").state, Measured::kInvalid);
  EXPECT_EQ(series("video.unread").state, Measured::kOk);
}

TEST_F(MarkSeriesTest, WhoseCameraIsOffNeedNotBeRead) {
  show_many(0, 20);
  marks_.muted("bot", true, now_);
  for (int i = 0; i < 40; ++i) show_unread();
  marks_.muted("bot", false, now_);
  for (int i = 0; i < 29; ++i) show_unread();
  show_many(20, 40);
  EXPECT_EQ(total(series("video.unread")), 0);
  EXPECT_EQ(series("video.missing").state, Measured::kOk);
  show_unread();
  EXPECT_EQ(total(series("video.unread")), 1);
}

TEST_F(MarkSeriesTest, AScreenWithoutMarksIsNotJudged) {
  show_many(0, 20);
  marks_.muted("bot", true, now_);
  for (int i = 0; i < 40; ++i) next({{"bot", "screen"}, std::nullopt}, 1);
  marks_.muted("bot", false, now_);
  show_many(60, 80);
  EXPECT_EQ(total(series("video.unread")), 0);
  EXPECT_TRUE(series("video.freeze_true").samples.empty());
  EXPECT_EQ(series("video.marked").state, Measured::kOk);
  for (const Series& one : marks_.all()) EXPECT_EQ(one.stream, "camera") << one.metric;
}

TEST_F(MarkSeriesTest, TheSendersUncertaintyIsThatOfDelays) {
  captured_ = [](int64_t seen) { return std::optional(Captured{seen - 250 * kMs, 4 * kMs}); };
  show_many(0, 10);
  EXPECT_DOUBLE_EQ(series("video.e2e_delay").uncertainty, 0.005);
  EXPECT_DOUBLE_EQ(series("video.interval").uncertainty, 0.001);
}

TEST_F(MarkSeriesTest, WithoutTheSendersTimeThereIsNoDelay) {
  captured_ = [](int64_t) { return std::nullopt; };
  show_many(0, 10);
  EXPECT_TRUE(series("video.e2e_delay").metric.empty());
}

TEST(ParseMarks, ReadsWhatTheScriptGives) {
  RemoteClock clock({});
  clock.probe(1000 * kMs, 500, 1000 * kMs);  // 500 ms ahead of the page
  const auto json = Json::parse(R"({"origin":1,"now":700,"lost":2,
    "tracks":{"t1":{"local":false,"name":"bot","source":"screen"},"t2":{"local":true,"source":"camera"}},
    "shown":[{"track":"t1","at":600,"display":610,"presented":7,"width":320,"height":180,
              "receive":590,"first":580,"rtp":4000000000,"counter":12,"source":9,"flags":1},
             {"track":"t1","at":601,"display":611,"presented":8,"width":320,"height":180},
             {"track":"t1","stream":"camera","at":602,"display":612,"presented":9}],
    "sent":[{"track":"t2","at":650,"counter":3,"source":77,"flags":0}]})");
  ASSERT_TRUE(json);
  const auto marks = parse_marks(*json, clock);
  ASSERT_TRUE(marks) << marks.error().message;
  EXPECT_EQ(marks->lost, 2U);
  ASSERT_EQ(marks->shown.size(), 3U);
  EXPECT_EQ(marks->shown[2].key, (StreamKey{"bot", "camera"})) << "what it was then";
  const ShownFrame& frame = marks->shown[0];
  EXPECT_EQ(frame.key, (StreamKey{"bot", "screen"}));
  EXPECT_EQ(frame.mark, (VideoMark{12, 9, 1}));
  EXPECT_EQ(frame.display_ns, 1110 * kMs);
  EXPECT_EQ(frame.receive_ns, 1090 * kMs);
  EXPECT_EQ(frame.first_ns, 1080 * kMs);
  EXPECT_EQ(frame.rtp_time, 4000000000U);
  EXPECT_FALSE(frame.capture_ns);
  EXPECT_FALSE(marks->shown[1].mark);
  ASSERT_EQ(marks->sent.size(), 1U);
  EXPECT_EQ(marks->sent[0].stream, "camera");
  EXPECT_EQ(marks->sent[0].at_ns, 1150 * kMs);
}

TEST(ParseMarks, RefusesSomethingElse) {
  EXPECT_EQ(parse_marks(Json::object(), RemoteClock(kPageClock)).error().code, Code::kBadInput);
}

TEST(PageMarks, ReadsWhatIsToldOfAFrameThatIsBeingSent) {
  RemoteClock clock(kPageClock);
  clock.probe(0, 1000, 0);
  const auto told = *Json::parse(
      R"({"origin":7.5,"sent":{"track":"t","at":1010,"counter":3,"source":77,"flags":1}})");
  const auto frame = parse_sent(told, 7.5, clock);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->mark, (VideoMark{3, 77, 1}));
  EXPECT_NEAR(static_cast<double>(frame->at_ns), 10e6, 1);
  EXPECT_FALSE(parse_sent(told, 8, clock)) << "another document's";
  EXPECT_FALSE(parse_sent(told, 7.5, RemoteClock(kPageClock))) << "its clock is not known yet";
  EXPECT_FALSE(parse_sent(Json::object(), 7.5, clock));
}

}  // namespace
}  // namespace callbot::browsers
