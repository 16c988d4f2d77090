#include "quality/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>
#include <regex>

#include "tests/support/temp_folder.h"

namespace callbot::quality {
namespace {

constexpr int kWidth = 320, kHeight = 180;
using Luma = std::vector<uint8_t>;

size_t at(int x, int y) { return static_cast<size_t>(y) * kWidth + static_cast<size_t>(x); }

Luma scene() {
  Luma luma(kWidth * kHeight);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      luma[at(x, y)] = static_cast<uint8_t>(128 + 60 * std::sin(x * 0.1) * std::cos(y * 0.07) +
                                            (x / 16 + y / 16) % 2 * 30);
  return luma;
}
LumaView view(const Luma& luma) { return {luma.data(), kWidth, kWidth, kHeight}; }

Luma noisy(Luma luma, int strength) {
  std::mt19937 random(3);
  for (uint8_t& y : luma) {
    const int by = static_cast<int>(random() % static_cast<uint32_t>(2 * strength + 1)) - strength;
    y = static_cast<uint8_t>(std::clamp(y + by, 0, 255));
  }
  return luma;
}
Luma blurred(const Luma& luma) {
  Luma out = luma;
  for (int y = 1; y + 1 < kHeight; ++y)
    for (int x = 1; x + 1 < kWidth; ++x) {
      int sum = 0;
      for (int v = -1; v <= 1; ++v)
        for (int u = -1; u <= 1; ++u) sum += luma[at(x + u, y + v)];
      out[at(x, y)] = static_cast<uint8_t>(sum / 9);
    }
  return out;
}

// What FFmpeg's own filter says of the luma of two pictures.
double by_ffmpeg(const std::string& filter, const Luma& a, const Luma& b) {
  const test::TempFolder folder;
  const auto save = [&](const char* name, const Luma& luma) {
    const auto path = folder.path() / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(luma.data()),
               static_cast<std::streamsize>(luma.size()));
    return "-f rawvideo -pix_fmt gray -s 320x180 -i " + path.string() + " ";
  };
  const auto stats = folder.path() / "stats";
  const std::string command = "ffmpeg -nostdin -v error -y " + save("a", a) + save("b", b) +
                              "-lavfi '[0][1]" + filter + "=stats_file=" + stats.string() +
                              "' -f null - 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream file(stats);
  const std::string line((std::istreambuf_iterator<char>(file)), {});
  std::smatch found;
  EXPECT_TRUE(std::regex_search(
      line, found, std::regex(filter == "psnr" ? "psnr_avg:([0-9.]+)" : "All:([0-9.]+)")))
      << line;
  return found.empty() ? -1 : std::stod(found[1]);
}

TEST(Reference, PsnrAndSsimAreThoseOfFfmpeg) {
  const Luma sent = scene();
  for (const Luma& received : {noisy(sent, 2), noisy(sent, 20), noisy(sent, 90), blurred(sent)}) {
    EXPECT_NEAR(luma_psnr(view(sent), view(received)), by_ffmpeg("psnr", sent, received), 0.01);
    EXPECT_NEAR(luma_ssim(view(sent), view(received)), by_ffmpeg("ssim", sent, received), 0.002);
  }
}

TEST(Reference, TheSamePictureIsPerfect) {
  const Luma sent = scene();
  EXPECT_EQ(luma_psnr(view(sent), view(sent)), 100);
  EXPECT_NEAR(luma_ssim(view(sent), view(sent)), 1, 1e-9);
}

AvFrame frame_of(int width, int height, const std::function<uint8_t(int, int)>& luma) {
  AvFrame frame(av_frame_alloc());
  frame->width = width;
  frame->height = height;
  frame->format = AV_PIX_FMT_YUV420P;
  av_frame_get_buffer(frame.get(), 0);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) frame->data[0][y * frame->linesize[0] + x] = luma(x, y);
  return frame;
}

Painting painting(int every) {
  return {.width = kWidth,
          .height = kHeight,
          .paint =
              [](uint16_t source, uint32_t counter, const PictureView& p) {
                for (int y = 0; y < p.height; ++y)
                  for (int x = 0; x < p.width; ++x)
                    p.luma[static_cast<size_t>(y) * p.luma_stride + x] = static_cast<uint8_t>(
                        100 + 80 * std::sin((x + static_cast<int>(counter)) * 0.05));
                return source == 1;
              },
          .every = every};
}

TEST(Reference, ComparesWithTheFrameOfTheCounter) {
  Reference reference(painting(1), false);
  const auto received = frame_of(kWidth, kHeight, [](int x, int) {
    return static_cast<uint8_t>(100 + 80 * std::sin((x + 7) * 0.05));
  });
  EXPECT_EQ(reference.compare(*received, {7, 1, 0})->psnr, 100);
  EXPECT_LT(reference.compare(*received, {17, 1, 0})->psnr, 25);
  EXPECT_FALSE(reference.compare(*received, {7, 2, 0})) << "nobody paints that source";
}

TEST(Reference, AnotherSizeIsScaledToTheOneThatWasSent) {
  Reference reference(painting(1), false);
  const auto half = frame_of(kWidth / 2, kHeight / 2, [](int x, int) {
    return static_cast<uint8_t>(100 + 80 * std::sin((2 * x + 0.5 + 7) * 0.05));
  });
  const auto likeness = reference.compare(*half, {7, 1, 0});
  ASSERT_TRUE(likeness);
  EXPECT_GT(likeness->psnr, 40);
  EXPECT_GT(likeness->ssim, 0.98);
}

// As after a switch of what is sent: each frame is compared at the size it was sent in.
TEST(Reference, AFrameHasTheSizeItWasSentIn) {
  Painting changing = painting(1);
  changing.size = [](uint16_t, uint32_t counter, PaintedSize) -> std::optional<PaintedSize> {
    if (counter == 8) return std::nullopt;
    return counter < 8 ? PaintedSize{kWidth, kHeight} : PaintedSize{kWidth * 2, kHeight / 2};
  };
  Reference reference(changing, false);
  const auto sent = [](uint32_t counter, int width, int height) {
    return frame_of(width, height, [counter](int x, int) {
      return static_cast<uint8_t>(100 + 80 * std::sin((x + static_cast<int>(counter)) * 0.05));
    });
  };
  EXPECT_EQ(reference.compare(*sent(7, kWidth, kHeight), {7, 1, 0})->psnr, 100);
  EXPECT_FALSE(reference.compare(*sent(8, kWidth, kHeight), {8, 1, 0})) << "nobody paints it";
  EXPECT_EQ(reference.compare(*sent(9, kWidth * 2, kHeight / 2), {9, 1, 0})->psnr, 100);
  EXPECT_LT(reference.compare(*sent(9, kWidth, kHeight), {9, 1, 0})->psnr, 40);
  EXPECT_EQ(reference.compare(*sent(7, kWidth, kHeight), {7, 1, 0})->psnr, 100);
}

TEST(Reference, GetsEveryFourthReadyForVmafWithItsNeighbours) {
  Reference reference(painting(3), true);
  const auto luma = [](int x, uint32_t counter) {
    return static_cast<uint8_t>(100 + 80 * std::sin((x + static_cast<int>(counter)) * 0.05));
  };
  std::vector<uint32_t> ready;
  for (uint32_t n = 1; n < 30; ++n) {
    const auto got = frame_of(kWidth, kHeight, [](int x, int) { return static_cast<uint8_t>(x); });
    const auto likeness = reference.compare(*got, {n, 1, 0});
    if (!likeness || !likeness->vmaf) continue;
    ready.push_back(n);
    const VmafPictures& p = *likeness->vmaf;
    ASSERT_EQ(p.sent.size(), static_cast<size_t>(kWidth * kHeight));
    EXPECT_EQ(p.received[at(70, 9)], 70);
    EXPECT_EQ(p.before[at(70, 9)], luma(70, n - 1));
    EXPECT_EQ(p.sent[at(70, 9)], luma(70, n));
    EXPECT_EQ(p.after[at(70, 9)], luma(70, n + 1));
  }
  EXPECT_EQ(ready, (std::vector<uint32_t>{1, 13, 25}));
  Reference first(painting(1), true);
  const auto got = frame_of(kWidth, kHeight, [](int, int) { return 100; });
  EXPECT_FALSE(first.compare(*got, {0, 1, 0})->vmaf) << "nothing was before it";
}

TEST(Reference, ComparesEveryNth) {
  Reference reference(painting(3), false);
  const auto received = frame_of(kWidth, kHeight, [](int, int) { return 100; });
  int compared = 0;
  for (uint32_t n = 0; n < 9; ++n) compared += reference.compare(*received, {n, 1, 0}) ? 1 : 0;
  EXPECT_EQ(compared, 3);
}

}  // namespace
}  // namespace callbot::quality
