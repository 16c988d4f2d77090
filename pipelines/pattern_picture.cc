#include "pipelines/pattern_picture.h"

#include <fmt/format.h>

#include <cstring>

namespace callbot::pipelines {

struct PatternPicture::Impl {
  PictureConfig config;
};

Result<std::unique_ptr<PatternPicture>> PatternPicture::create(const PictureConfig& config) {
  if (config.width < kNarrowestPicture || config.width > kWidestPicture ||
      config.height < kLowestPicture || config.height > kHighestPicture)
    return fail(Code::kUsage, fmt::format("a picture of {}x{}: 160x90 to 1920x1920 is possible",
                                          config.width, config.height));
  if (config.fps < 1 || config.fps > kMostFps)
    return fail(Code::kUsage,
                fmt::format("{} frames a second: 1 to {} is possible", config.fps, kMostFps));
  return std::unique_ptr<PatternPicture>(new PatternPicture(std::make_unique<Impl>(Impl{config})));
}

PatternPicture::PatternPicture(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PatternPicture::~PatternPicture() = default;

void PatternPicture::draw(uint64_t frame, bool chirp, const PictureView& picture) const {
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      picture.luma[y * picture.luma_stride + x] =
          static_cast<uint8_t>(60 + (x + y + frame * 4) % 128);
  for (int y = 0; y < (picture.height + 1) / 2; ++y) {
    std::memset(picture.cb + y * picture.chroma_stride, impl_->config.source * 37 % 128 + 64,
                (picture.width + 1) / 2);
    std::memset(picture.cr + y * picture.chroma_stride, 110, (picture.width + 1) / 2);
  }
  write_video_mark(picture, {static_cast<uint32_t>(frame), impl_->config.source,
                             static_cast<uint8_t>(chirp ? kMarkChirp : 0)});
}

}  // namespace callbot::pipelines
