// What reading marks costs: the fast path of a 720p picture, and the search of one that has none.
#include <fmt/core.h>

#include <chrono>
#include <random>
#include <vector>

#include "base/mark_finder.h"

namespace {

using namespace callbot;
constexpr int kWidth = 1280, kHeight = 720;

struct Picture {
  std::vector<uint8_t> luma = std::vector<uint8_t>(kWidth * kHeight, 90), chroma = luma;
  LumaView view() const { return {luma.data(), kWidth, kWidth, kHeight}; }
  PictureView writable() {
    return {luma.data(), kWidth, chroma.data(), chroma.data(), kWidth, kWidth, kHeight};
  }
};

template <class Read>
double milliseconds_each(int rounds, Read read) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) read(static_cast<size_t>(i));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  return took.count() / rounds;
}

}  // namespace

int main() {
  // As many pictures as no cache holds: a decoder's output has just been written, but not by us.
  std::vector<Picture> pictures(16);
  for (size_t i = 0; i < pictures.size(); ++i)
    write_video_mark(pictures[i].writable(), {static_cast<uint32_t>(i), 7, 0});
  size_t read = 0;
  MarkFinder finder;
  const double fast = milliseconds_each(20000, [&](size_t i) {
    const auto& readings = finder.read(pictures[i % pictures.size()].view());
    if (!readings.empty() && readings[0].mark) ++read;
  });
  std::mt19937 random(1);
  Picture noise;
  for (uint8_t& y : noise.luma) y = static_cast<uint8_t>(random());
  const double slow = milliseconds_each(20, [&](size_t) { search_video_marks(noise.view()); });
  const double marked =
      milliseconds_each(50, [&](size_t i) { search_video_marks(pictures[i % 16].view()); });
  fmt::print(
      "720p: fast path {:.4f} ms a frame ({} of 20000 read), search {:.2f} ms, of noise {:.2f} "
      "ms\n",
      fast, read, marked, slow);
  return read == 20000 && fast < 0.2 ? 0 : 1;
}
