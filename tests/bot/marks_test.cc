#include "bot/marks.h"

#include <gmock/gmock.h>

#include <fstream>

#include "bot/options.h"
#include "tests/support/raw_media.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MarksTest : public testing::Test {
 protected:
  void SetUp() override {
    test::write_y4m(good_, {.width = 320, .height = 180, .frames = 60, .source = 7});
    test::write_y4m(bare_, {.width = 320, .height = 180, .frames = 10, .mark = [](int) {
                              return std::nullopt;
                            }});
  }
  ExitStatus marks(MarksOptions options) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Console console(options.json);
    const ExitStatus status = run_marks(console, options);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return status;
  }
  fs::path plan(const std::string& text) {
    std::ofstream(folder_.path() / "plan.json") << text;
    return folder_.path() / "plan.json";
  }
  test::TempFolder folder_;
  const fs::path good_ = folder_.path() / "good.y4m", bare_ = folder_.path() / "bare.y4m";
  std::string out_, err_;
};

TEST_F(MarksTest, ListsWhatItFinds) {
  EXPECT_EQ(marks({.files = {good_}}), kExitGood) << err_;
  EXPECT_THAT(out_,
              AllOf(HasSubstr("source 7"), HasSubstr("frames 0 to 59"), HasSubstr("missing 0")));
  EXPECT_EQ(marks({.files = {bare_}}), kExitUnmeasured);
  EXPECT_THAT(out_, HasSubstr("no mark could be read"));
}

TEST_F(MarksTest, SoundAloneHasMarksToo) {
  test::write_pcm(folder_.path() / "s.pcm", 3);
  test::ffmpeg("-f s16le -ar 48000 -ac 1 -i " + (folder_.path() / "s.pcm").string() + " " +
               (folder_.path() / "s.wav").string());
  EXPECT_EQ(marks({.files = {folder_.path() / "s.wav"}}), kExitGood) << err_;
  EXPECT_THAT(out_, HasSubstr("3 chirps"));
  const auto asks = plan(R"({"who": [{"source": 7}]})");
  EXPECT_EQ(marks({.files = {folder_.path() / "s.wav"}, .plan = asks}), kExitUnmeasured);
}

TEST_F(MarksTest, JudgesByAPlan) {
  const auto fits = plan(R"({"fps": 30, "seconds": 2, "who": [{"source": 7, "name": "alice"}]})");
  EXPECT_EQ(marks({.files = {good_}, .plan = fits}), kExitGood) << out_;
  EXPECT_THAT(out_, HasSubstr("PASS"));
  EXPECT_EQ(marks({.files = {bare_}, .plan = fits}), kExitUnmeasured);
  EXPECT_THAT(out_, HasSubstr("UNMEASURED"));
  const auto other = plan(R"({"who": [{"source": 8, "name": "bob"}]})");
  EXPECT_EQ(marks({.files = {good_, bare_}, .plan = other}), kExitNotGood) << "FAIL outweighs";
  EXPECT_THAT(out_, AllOf(HasSubstr("bob is not seen at all"), HasSubstr("source 7")));
}

TEST_F(MarksTest, WhoIsMutedIsNotHeard) {
  const std::string at = folder_.path().string();
  test::write_y4m(at + "/v.y4m", {.width = 320, .height = 180, .frames = 300, .source = 7});
  test::write_pcm(at + "/s.pcm", 10, chirp_place(7, 0));
  const auto make = [&](const std::string& name, const std::string& filter) {
    test::ffmpeg("-i " + at + "/v.y4m -f s16le -ar 48000 -ac 1 -i " + at + "/s.pcm " + filter +
                 " -c:v libx264 -preset ultrafast -c:a libopus " + at + "/" + name);
    return folder_.path() / name;
  };
  const auto muted = make("muted.mkv", "-af \"volume=0:enable='between(t,3,8)'\"");
  const auto open = make("open.mkv", "");
  const auto asks = plan(R"({"who": [{"source": 7, "name": "alice", "heard": true,
                                      "must_not_hear": [{"from": "3s", "to": "8s"}]}]})");
  EXPECT_EQ(marks({.files = {muted}, .plan = asks}), kExitGood) << out_;
  EXPECT_EQ(marks({.files = {open}, .plan = asks}), kExitNotGood);
  EXPECT_THAT(out_, HasSubstr("alice is heard from 4.0"));
  EXPECT_THAT(out_, HasSubstr("and must not be from 3.00 to 8.00 s"));
}

TEST_F(MarksTest, AsJsonItIsOneValue) {
  const auto fits = plan(R"({"who": [{"source": 7}]})");
  EXPECT_EQ(marks({.files = {good_, bare_}, .plan = fits, .json = true}), kExitUnmeasured);
  const auto json = Json::parse(out_);
  ASSERT_TRUE(json) << out_;
  ASSERT_EQ(json->size(), 2u);
  EXPECT_EQ(json->at(size_t{0}).at("verdict").text(), "PASS");
  EXPECT_EQ(json->at(size_t{0}).at("sources").at(size_t{0}).at("source").whole(), 7);
  EXPECT_EQ(json->at(size_t{1}).at("verdict").text(), "UNMEASURED");
}

TEST_F(MarksTest, SaysOfEachPictureWhatWasReadInIt) {
  test::write_y4m(
      folder_.path() / "hidden.y4m",
      {.width = 320, .height = 180, .frames = 9, .mark = [](int n) {
         return n == 4 ? std::nullopt : std::optional(VideoMark{static_cast<uint32_t>(n), 7, 0});
       }});
  EXPECT_EQ(marks({.files = {folder_.path() / "hidden.y4m"}, .json = true, .each = true}),
            kExitGood);
  const auto json = Json::parse(out_);
  ASSERT_TRUE(json) << out_;
  const Json each = json->at(size_t{0}).at("each");
  ASSERT_EQ(each.size(), 9u);
  for (size_t n = 0; n < each.size(); ++n) {
    EXPECT_NEAR(each.at(n).at("time").number().value_or(-1), static_cast<double>(n) / 30, 0.001);
    const Json marks = each.at(n).at("marks");
    ASSERT_EQ(marks.size(), n == 4 ? 0u : 1u);
    if (n == 4) continue;
    EXPECT_EQ(marks.at(size_t{0}).at("source").whole(), 7);
    EXPECT_EQ(marks.at(size_t{0}).at("counter").whole(), static_cast<int64_t>(n));
  }
  EXPECT_EQ(marks({.files = {good_}, .json = true}), kExitGood);
  EXPECT_TRUE(Json::parse(out_)->at(size_t{0}).at("each").is_null());
}

// What was sent, came and was recorded: of each file what the one before it has.
TEST_F(MarksTest, ComparesEachFileWithTheOneBeforeIt) {
  const fs::path received = folder_.path() / "received.y4m", recorded = folder_.path() / "r.mkv";
  test::write_y4m(received, {.width = 320, .height = 180, .frames = 40, .source = 7, .first = 10});
  test::ffmpeg("-i " + received.string() + " -vf \"select='not(between(n,5,7)+eq(n,20))'\"" +
               " -fps_mode passthrough -c:v libx264 -preset ultrafast " + recorded.string());
  EXPECT_EQ(marks({.files = {good_, received, recorded}, .compare = true}), kExitGood) << err_;
  EXPECT_THAT(out_, HasSubstr("  against " + good_.string() +
                              ":\n    source 7: 10 to 49: 40 of 60 pictures, 10 before, 10 behind, "
                              "0 missing in between; times -0.333 s, even to 0.0 ms\n"));
  EXPECT_THAT(out_, HasSubstr("  against " + received.string() +
                              ":\n    source 7: 10 to 49: 36 of 40 pictures, 4 missing in between: "
                              "15-17 30; times"));
  EXPECT_EQ(marks({.files = {received, recorded}, .json = true, .compare = true}), kExitGood);
  const auto json = Json::parse(out_);
  ASSERT_TRUE(json) << out_;
  EXPECT_TRUE(json->at(size_t{0}).at("compared").is_null());
  EXPECT_TRUE(json->at(size_t{1}).at("each").is_null());
  const Json compared = json->at(size_t{1}).at("compared");
  EXPECT_EQ(compared.at("with").text(), received.string());
  const Json source = compared.at("sources").at(size_t{0});
  EXPECT_EQ(source.at("common").whole(), 36);
  EXPECT_EQ(source.at("gaps").at(size_t{0}).at("last").whole(), 17);
  EXPECT_EQ(marks({.files = {good_, bare_}, .compare = true}), kExitUnmeasured);
  EXPECT_THAT(out_, HasSubstr("they have no picture and no chirp in common"));
  EXPECT_EQ(marks({.files = {good_, bare_}, .json = true, .compare = true}), kExitUnmeasured);
  EXPECT_EQ(Json::parse(out_)->at(size_t{1}).at("compared").at("unmeasured").text(),
            "they have no picture and no chirp in common");
  EXPECT_EQ(marks({.files = {good_, folder_.path() / "none", received}, .compare = true}),
            kExitUnmeasured);
  EXPECT_THAT(out_, HasSubstr("against " + good_.string())) << "the last that could be read";
  EXPECT_EQ(marks({.files = {good_}, .compare = true}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("two files or more"));
}

// Of a call's sound: what was sent, and somebody's recording of it with a second cut out.
TEST_F(MarksTest, ComparesSoundsToo) {
  const fs::path film = folder_.path() / "film.y4m", sent = folder_.path() / "sent.pcm",
                 received = folder_.path() / "received.mkv", recorded = folder_.path() / "r.ogg";
  test::write_y4m(film, {.width = 320, .height = 180, .frames = 600, .source = 7});
  test::write_pcm(sent, 20, chirp_place(7, 0));
  const std::string sound = "-f s16le -ar 48000 -ac 1 -i " + sent.string() + " ";
  test::ffmpeg("-i " + film.string() + " -itsoffset 0.03 " + sound +
               "-c:v libx264 -preset ultrafast -c:a pcm_s16le " + received.string());
  test::ffmpeg(sound + "-af \"volume=0:enable='between(t,16.5,17.5)'\" -c:a libopus -b:a 32k " +
               recorded.string());
  EXPECT_EQ(marks({.files = {received, recorded}, .compare = true}), kExitGood) << err_;
  EXPECT_THAT(out_,
              HasSubstr("    source 7: none of its 600 pictures\n    source 7: 0 to 19: 19 of "
                        "20 chirps, 1 missing in between: 17; times -0.030 s, even to 0."));
  EXPECT_EQ(marks({.files = {received, recorded}, .json = true, .compare = true}), kExitGood);
  const Json heard = Json::parse(out_)->at(size_t{1}).at("compared").at("sounds").at(size_t{0});
  EXPECT_EQ(heard.at("source").whole(), 7);
  EXPECT_EQ(heard.at("common").whole(), 19);
}

TEST_F(MarksTest, WhatCannotBeReadIsSaid) {
  EXPECT_EQ(marks({.files = {folder_.path() / "none.mp4"}}), kExitUnmeasured);
  EXPECT_THAT(err_, HasSubstr("none.mp4"));
  EXPECT_EQ(marks({.files = {good_}, .plan = plan("{}")}), kExitUsage);
  EXPECT_THAT(err_, AllOf(HasSubstr("plan.json"), HasSubstr("who")));
  EXPECT_THAT(out_, IsEmpty());
}

}  // namespace
}  // namespace callbot::bot
