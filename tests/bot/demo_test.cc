#include "bot/demo.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/media_on_disk.h"
#include "tests/support/program.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using recordings::Severity;
using test::Program;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{60000};

class DemoTest : public testing::Test {
 protected:
  void run(std::chrono::milliseconds duration) {
    demo_ = std::make_unique<Demo>(loop_, console_,
                                   DemoOptions{.out = folder_.path(), .duration = duration},
                                   [&](Record::Done done) {
                                     ++dones_;
                                     done_ = std::move(done);
                                   });
    demo_->start();
  }
  bool done() {
    return loop_.run_until([&] { return done_.has_value(); }, kPatience);
  }
  std::string text() const {
    return (done_->error ? done_->error->message + "\n" : "") +
           (done_->verdict ? recordings::to_text(*done_->verdict) : "");
  }

  Loop loop_;
  Console console_{false};
  test::TempFolder folder_;
  std::unique_ptr<Demo> demo_;
  std::optional<Record::Done> done_;
  int dones_ = 0;
};

TEST_F(DemoTest, RecordsTwoBotsAndPasses) {
  run(5s);
  ASSERT_TRUE(done());
  EXPECT_EQ(done_->status, kExitGood) << text();
  ASSERT_TRUE(done_->verdict) << text();
  EXPECT_EQ(done_->verdict->severity, Severity::kPass) << text();
  EXPECT_EQ(done_->verdict->tracks.size(), 4u) << text();
  for (const auto& track : done_->verdict->tracks) EXPECT_EQ(track.marks_missing, 0u) << text();
  EXPECT_EQ(dones_, 1);
}

TEST_F(DemoTest, AnInterruptEndsTheRecordingAndJudgesIt) {
  run(1h);
  ASSERT_TRUE(loop_.run_until(
      [&] {
        for (const auto& folder : fs::directory_iterator(folder_.path()))
          if (test::media_on_disk(folder.path(), "bob") > 200'000) return true;
        return false;
      },
      kPatience));
  demo_->interrupt();
  ASSERT_TRUE(done());
  EXPECT_EQ(done_->status, kExitGood) << text();
}

TEST_F(DemoTest, AnInterruptBeforeAnythingIsRecordedIsSaidSo) {
  run(1h);
  demo_->interrupt();
  ASSERT_TRUE(done());
  EXPECT_EQ(done_->status, kExitInterrupted);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(DemoTest, AFolderThatCannotBeMadeIsSaid) {
  std::ofstream(folder_.path() / "file") << "x";
  demo_ =
      std::make_unique<Demo>(loop_, console_, DemoOptions{.out = folder_.path() / "file" / "below"},
                             [&](Record::Done done) { done_ = std::move(done); });
  demo_->start();
  ASSERT_TRUE(done());
  EXPECT_EQ(done_->status, kExitStorage) << text();
}

TEST_F(DemoTest, TheProgramEndsWellOnAPass) {
  Program demo(loop_, {CALLBOT_PROGRAM, "demo", "--duration", "2s", "--out", folder_.path()});
  EXPECT_EQ(demo.wait(kPatience), kExitGood) << demo.output();
  EXPECT_THAT(demo.output(), HasSubstr("PASS"));
}

TEST_F(DemoTest, TheProgramEndsInOneOnAFail) {
  Program demo(loop_,
               Program::callbot({"demo", "--duration", "3s", "--out", folder_.path().string()}));
  const auto folder = demo.event("recording").at("folder").text();
  ASSERT_TRUE(folder) << demo.output();
  const fs::path media = fs::path(*folder) / "media" / "alice-1.mkv";
  ASSERT_TRUE(
      loop_.run_until([&] { return test::media_on_disk(*folder, "alice") > 5'000; }, kPatience));
  std::fstream(media, std::ios::in | std::ios::out | std::ios::binary).write("not Matroska", 12);
  EXPECT_EQ(demo.wait(kPatience), kExitNotGood) << demo.output();
  EXPECT_EQ(demo.event("verdict").at("verdict").at("verdict").text(), "FAIL");
  EXPECT_THAT(demo.output(), HasSubstr("file-damaged"));
}

}  // namespace
}  // namespace callbot::bot
