#include "quality/vmaf.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include "base/json.h"
#include "tests/support/temp_folder.h"
#include "tests/support/vmaf_ffmpeg.h"

namespace callbot::quality {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;

constexpr int kWidth = 320, kHeight = 180, kFrames = 5;
using Luma = std::vector<uint8_t>;

// A scene that moves, the faster the later.
Luma sent(int number) {
  Luma luma;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      luma.push_back(static_cast<uint8_t>(
          110 + 60 * std::sin((x + number * number * 3) * 0.1) * std::cos(y * 0.07) +
          ((x + number) / 16 + y / 16) % 2 * 30));
  return luma;
}
Luma received(int number) {
  Luma luma = sent(number);
  for (size_t i = luma.size() - 1; i > 1; --i)
    luma[i] = static_cast<uint8_t>((luma[i] + luma[i - 1] + luma[i - 2]) / 3);
  return luma;
}
VmafPictures pictures(int number) {
  return {kWidth, kHeight, received(number), sent(number - 1), sent(number), sent(number + 1)};
}

// What the filter says of each of all the pictures, one after the other.
std::vector<double> of_the_whole() {
  const test::TempFolder folder;
  const auto save = [&](const char* name, Luma (*made)(int)) {
    const auto path = folder.path() / name;
    std::ofstream file(path, std::ios::binary);
    for (int i = 0; i < kFrames; ++i) {
      const Luma luma = made(i);
      file.write(reinterpret_cast<const char*>(luma.data()),
                 static_cast<std::streamsize>(luma.size()));
      file << std::string(luma.size() / 2, '\x80');
    }
    return " -f rawvideo -pix_fmt yuv420p -s 320x180 -i " + path.string();
  };
  const auto log = folder.path() / "log";
  const std::string command =
      test::vmaf_ffmpeg() + " -nostdin -v error" + save("received", received) + save("sent", sent) +
      " -lavfi '[0][1]libvmaf=log_fmt=json:log_path=" + log.string() + "' -f null -";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream file(log);
  const auto said = Json::parse(std::string((std::istreambuf_iterator<char>(file)), {}));
  EXPECT_TRUE(said) << command;
  std::vector<double> all;
  for (int i = 0; said && i < kFrames; ++i)
    all.push_back(said->at("frames")
                      .at(static_cast<size_t>(i))
                      .at("metrics")
                      .at("vmaf")
                      .number()
                      .value_or(-1));
  return all;
}

class Vmaf : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);  // as callbot does
#ifdef __x86_64__
    ASSERT_TRUE(std::filesystem::exists(test::vmaf_ffmpeg())) << "./dev setup";
#else
    GTEST_SKIP() << "an FFmpeg with libvmaf comes for x86-64 alone";
#endif
  }
};

TEST_F(Vmaf, APictureHasTheScoreThatItHasInTheWholeFilm) {
  const test::FfmpegNamed named(test::vmaf_ffmpeg());
  const auto program = vmaf_program();
  ASSERT_TRUE(program) << program.error().message;
  const auto whole = of_the_whole();
  ASSERT_EQ(whole.size(), static_cast<size_t>(kFrames));
  EXPECT_GT(std::abs(whole[3] - whole[1]), 0.5) << "how it moves is weighed in";
  for (const int number : {1, 2, 3}) {
    const auto score = vmaf_of(*program, pictures(number), nullptr);
    ASSERT_TRUE(score) << score.error().message;
    EXPECT_THAT(*score, DoubleNear(whole[static_cast<size_t>(number)], 1e-4)) << number;
  }
}

// An ffmpeg that says that it has these filters, and then does that.
class Impostor {
 public:
  Impostor(const std::string& filters, const std::string& then) : named_(path_) {
    std::ofstream(path_) << "#!/bin/sh\n[ \"$2\" = -filters ] && { echo ' " << filters
                         << " '; exit; }\n"
                         << then << "\n";
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  test::TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "ffmpeg";
  test::FfmpegNamed named_;
};

std::shared_ptr<SeriesSet> series() {
  return std::make_shared<SeriesSet>("bob", "alice", "camera");
}

void wait_for(const VmafQueue& queue) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!queue.idle() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(queue.idle());
}

TEST_F(Vmaf, WhatIsAddedIsMeasured) {
  const test::FfmpegNamed named(test::vmaf_ffmpeg());
  const auto queue = VmafQueue::start();
  ASSERT_TRUE(queue) << queue.error().message;
  const auto alice = series(), carol = series();
  (*queue)->add(pictures(1), 1, alice);
  (*queue)->add(pictures(2), 2, alice);
  (*queue)->add(pictures(1), 3, carol);
  wait_for(**queue);
  const auto all = alice->snapshot();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].state, Measured::kOk) << all[0].why;
  ASSERT_EQ(all[0].samples.size(), 2u);
  EXPECT_EQ(all[0].samples[1].at_ns, 2);
  ASSERT_EQ(carol->snapshot().size(), 1u);
  EXPECT_EQ(carol->snapshot()[0].samples[0].value, all[0].samples[0].value);
  EXPECT_EQ((*queue)->left_out(), 0u);
}

TEST_F(Vmaf, WhereFfmpegHasNoSuchFilterNothingBegins) {
  const Impostor without("psnr", "exit 0");
  const auto queue = VmafQueue::start();
  ASSERT_FALSE(queue);
  EXPECT_EQ(queue.error().code, Code::kUnsupported);
  EXPECT_THAT(queue.error().message, HasSubstr("without the filter libvmaf"));
}

TEST_F(Vmaf, WhereThereIsNoFfmpegItIsNamed) {
  const test::FfmpegNamed named("/nowhere/ffmpeg");
  const auto queue = VmafQueue::start();
  ASSERT_FALSE(queue);
  EXPECT_THAT(queue.error().message, HasSubstr("/nowhere/ffmpeg"));
}

TEST_F(Vmaf, AProgramThatFailsSpoilsTheMetric) {
  const Impostor failing("libvmaf", "cat >/dev/null; echo no memory >&2; exit 1");
  const auto queue = VmafQueue::start();
  ASSERT_TRUE(queue) << queue.error().message;
  const auto out = series();
  out->sample("video.vmaf", 1, 80);
  (*queue)->add(pictures(1), 2, out);
  wait_for(**queue);
  EXPECT_EQ(out->snapshot()[0].state, Measured::kInvalid);
  EXPECT_THAT(out->snapshot()[0].why, HasSubstr(failing.path().string()));
  EXPECT_THAT(out->snapshot()[0].why, HasSubstr("no memory"));
}

TEST_F(Vmaf, WhatIsTooMuchIsLeftOutAndWhatWaitsIsGivenUpInTheEnd) {
  const Impostor slow("libvmaf", "exec sleep 600");
  const auto out = series();
  {
    const auto queue = VmafQueue::start();
    ASSERT_TRUE(queue) << queue.error().message;
    for (int i = 1; i < 30; ++i) (*queue)->add(pictures(1), i, out);
    EXPECT_GE((*queue)->left_out(), 10u);
    EXPECT_FALSE((*queue)->idle());
  }
  EXPECT_TRUE(out->snapshot().empty());
}

}  // namespace
}  // namespace callbot::quality
