#include "feeds/live_clip.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/clips.h"
#include "tests/support/temp_folder.h"

namespace callbot::feeds {
namespace {

using namespace callbot::test;

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    in = Descriptor(ends[0]);
    out = Descriptor(ends[1]);
  }
  Descriptor in, out;
};

// Writes a file into a pipe, and closes it.
std::thread feeding(Descriptor to, const fs::path& path) {
  return std::thread([to = std::move(to), bytes = *read_file(path, 1 << 28)] {
    (void)write_all(to.get(), bytes);
  });
}

class LiveForm : public testing::TestWithParam<const char*> {};

TEST_P(LiveForm, EveryPictureComesThrough) {
  TempFolder folder;
  const auto path = pattern_clip(folder.path() / GetParam(), {.seconds = 2});
  Pipe pipe;
  std::thread feeder = feeding(std::move(pipe.out), path);
  auto input = InputFile::from(std::move(pipe.in), "standard input");
  ASSERT_TRUE(input) << input.error().message;
  auto clip = LiveClip::create(std::move(*input), {});
  ASSERT_TRUE(clip) << clip.error().message;
  ASSERT_EQ((*clip)->pace(), Pace::kLive);
  std::vector<ClipFrame> video;
  size_t sound = 0;
  for (;;) {
    auto frame = (*clip)->next();
    ASSERT_TRUE(frame) << frame.error().message;
    if (!*frame) break;
    if ((*clip)->streams()[(*frame)->stream].kind == MediaKind::kAudio) {
      ++sound;
    } else {
      video.push_back(std::move(**frame));
      if (video.size() == 10) (*clip)->request_key_frame(0);
    }
  }
  feeder.join();
  ASSERT_EQ(video.size(), 60u);
  // Coded sound begins a little before the picture.
  EXPECT_NEAR(static_cast<double>(video[0].time_ns), 10e6, 10e6);
  for (size_t i = 0; i < 60; ++i)
    EXPECT_NEAR(static_cast<double>(video[i].time_ns - video[0].time_ns),
                static_cast<double>(i) * 1e9 / 30, 1e6);
  EXPECT_TRUE(video[10].key) << "the next picture after the request";
  EXPECT_FALSE(video[9].key || video[11].key);
  const bool with_sound = std::string_view(GetParam()) != "a.y4m";
  EXPECT_EQ((*clip)->streams().size(), with_sound ? 2u : 1u);
  if (with_sound) {
    EXPECT_NEAR(static_cast<double>(sound), 100, 2);
  }
}

INSTANTIATE_TEST_SUITE_P(, LiveForm, testing::Values("a.y4m", "a.mkv"),
                         [](const auto& test) { return std::string(test.param).substr(2); });

TEST(LiveClip, AWaitIsGivenUpWhenAskedTo) {
  Pipe pipe;
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  std::thread stopper([&] { *stop = true; });
  const auto input = InputFile::from(std::move(pipe.in), "standard input", stop);
  stopper.join();
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().code, Code::kInterrupted);
}

TEST(LiveClip, AnInputThatIsNoMediaIsSaid) {
  TempFolder folder;
  const auto text = folder.path() / "text";
  std::ofstream(text) << std::string(100'000, 'a');
  Pipe pipe;
  std::thread feeder = feeding(std::move(pipe.out), text);
  const auto input = InputFile::from(std::move(pipe.in), "standard input");
  feeder.join();
  ASSERT_FALSE(input);
  EXPECT_EQ(input.error().code, Code::kBadInput);
  EXPECT_THAT(input.error().message, testing::HasSubstr("standard input"));
}

}  // namespace
}  // namespace callbot::feeds
