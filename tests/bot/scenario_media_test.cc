#include "bot/scenario_media.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "recordings/manifest.h"
#include "tests/support/marked_media.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

class ScenarioMediaTest : public ::testing::Test {
 protected:
  // A second of alice's sound, as if it arrived now.
  void call() {
    const auto sink = media_->begin({});
    ASSERT_TRUE(sink) << sink.error().message;
    media_->member_joined("p-1", "alice-1");
    TrackInfo track = test::audio_track(1, "p-1");
    track.name = "Alice";
    (*sink)->add_track(track);
    for (const auto& frame : test::make_audio({.seconds = 1}))
      (*sink)->frame(1, test::arrived(frame, monotonic_ns() + frame.time_ns));
    (*sink)->remove_track(1);
    media_->end();
  }
  bool written() {
    return loop_.run_until([&] { return media_->written(); }, 20s);
  }

  Loop loop_;
  test::TempFolder folder_;
  pipelines::WriterPool pool_;
  std::unique_ptr<ScenarioMedia> media_ =
      std::make_unique<ScenarioMedia>(loop_, pool_, folder_.path() / "kept", "bob-2");
};

TEST_F(ScenarioMediaTest, EachTimeInTheCallIsARecording) {
  const int64_t before = monotonic_ns();
  call();
  call();
  ASSERT_TRUE(written());
  ASSERT_EQ(media_->kept().size(), 2u);
  for (const KeptMedia& one : media_->kept()) {
    EXPECT_EQ(one.actor, "bob-2");
    EXPECT_GE(one.began_ns, before);
    EXPECT_LE(one.began_ns, monotonic_ns());
    const auto loaded = recordings::load(one.folder);
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_EQ(loaded->manifest.participants.size(), 1u);
    EXPECT_EQ(loaded->manifest.participants[0].name, "alice-1");
    EXPECT_EQ(loaded->manifest.tracks.size(), 1u);
  }
}

TEST_F(ScenarioMediaTest, AFolderThatCannotBeMadeIsSaid) {
  ASSERT_TRUE(write_atomically(folder_.path() / "kept", "a file"));
  const auto sink = media_->begin({});
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, Code::kStorage);
  EXPECT_TRUE(media_->written());
  EXPECT_TRUE(media_->kept().empty());
}

}  // namespace
}  // namespace callbot::bot
