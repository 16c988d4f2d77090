#include "browsers/page_ears.h"

#include <gtest/gtest.h>

namespace callbot::browsers {
namespace {

constexpr int64_t kMs = 1'000'000;

class PageEarsTest : public testing::Test {
 protected:
  PageEarsTest() { clock_.probe(0, 0, 0); }

  // After so many ms, with so much energy (of 1 a second at full power) and seconds of sound.
  std::vector<ReceivedStream> listen(double now_ms, double energy, double duration,
                                     double origin = 1) {
    const Json sound = Json::object()
                           .set("name", "bot")
                           .set("kind", "audio")
                           .set("source", "microphone")
                           .set("codec", "opus")
                           .set("energy", energy)
                           .set("duration", duration);
    const Json picture = Json::object()
                             .set("name", "bot")
                             .set("kind", "video")
                             .set("source", "camera")
                             .set("codec", "vp8")
                             .set("width", 640)
                             .set("height", 360)
                             .set("decoded", 3);
    const auto all = ears_.listen(Json::object()
                                      .set("origin", origin)
                                      .set("now", now_ms)
                                      .set("streams", Json::array().add(sound).add(picture)),
                                  clock_);
    EXPECT_TRUE(all);
    return all ? *all : std::vector<ReceivedStream>();
  }

  RemoteClock clock_{{}};
  PageEars ears_;
};

TEST_F(PageEarsTest, HearsWhatGrowsBetweenTwoLooks) {
  EXPECT_FALSE(listen(1000, 0.5, 10)[0].heard) << "nothing to compare with";
  const auto loud = listen(1200, 0.502, 10.2);
  EXPECT_TRUE(loud[0].heard);
  EXPECT_EQ(loud[0].from_ns, 1000 * kMs);
  EXPECT_EQ(loud[0].to_ns, 1200 * kMs);
  EXPECT_EQ(loud[0].key, (StreamKey{"bot", "microphone"}));
  EXPECT_FALSE(listen(1400, 0.502, 10.4)[0].heard);
  EXPECT_FALSE(listen(1600, 0.502 + 0.9e-6 * 0.2, 10.6)[0].heard) << "below -60 dBFS";
  EXPECT_TRUE(listen(1800, 0.503, 10.8)[0].heard);
  EXPECT_FALSE(listen(2000, 0.504, 10.8)[0].heard) << "nothing was played";
}

TEST_F(PageEarsTest, ANewDocumentCountsAnew) {
  listen(1000, 0.5, 10);
  EXPECT_FALSE(listen(1200, 0.6, 10.2, 2)[0].heard);
  EXPECT_TRUE(listen(1400, 0.7, 10.4, 2)[0].heard);
}

TEST_F(PageEarsTest, KnowsCodecAndSize) {
  const auto all = listen(1000, 0, 0);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].codec, "opus");
  EXPECT_TRUE(all[1].video && all[1].decoded);
  EXPECT_EQ(all[1].codec, "vp8");
  EXPECT_EQ(all[1].width, 640);
  EXPECT_EQ(all[1].height, 360);
}

TEST_F(PageEarsTest, RefusesSomethingElse) {
  EXPECT_EQ(ears_.listen(Json::object(), clock_).error().code, Code::kBadInput);
  const Json empty = Json::object().set("now", 1).set("streams", Json::array());
  EXPECT_EQ(ears_.listen(empty, RemoteClock(kPageClock)).error().code, Code::kBadInput);
}

}  // namespace
}  // namespace callbot::browsers
