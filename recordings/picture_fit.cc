#include "recordings/picture_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace callbot::recordings {
namespace {

void blacken(AVFrame& frame) {
  for (int plane = 0; plane < 3; ++plane) {
    const int rows = plane == 0 ? frame.height : frame.height / 2;
    for (int y = 0; y < rows; ++y)
      std::memset(frame.data[plane] + static_cast<ptrdiff_t>(y) * frame.linesize[plane],
                  plane == 0 ? 16 : 128, static_cast<size_t>(frame.linesize[plane]));
  }
}

}  // namespace

Result<AvFrame> PictureFit::fit(const AVFrame& picture) {
  if (picture.width == width_ && picture.height == height_ && picture.format == AV_PIX_FMT_YUV420P)
    return AvFrame(av_frame_clone(&picture));
  const double scale = std::min(static_cast<double>(width_) / picture.width,
                                static_cast<double>(height_) / picture.height);
  const int width =
      std::clamp(static_cast<int>(std::lround(picture.width * scale)) & ~1, 2, width_);
  const int height =
      std::clamp(static_cast<int>(std::lround(picture.height * scale)) & ~1, 2, height_);
  scaler_.reset(sws_getCachedContext(scaler_.release(), picture.width, picture.height,
                                     static_cast<AVPixelFormat>(picture.format), width, height,
                                     AV_PIX_FMT_YUV420P, SWS_BICUBIC, nullptr, nullptr, nullptr));
  if (!scaler_) return fail(Code::kUnsupported, "pictures of a layout that cannot be converted");
  AvFrame out(av_frame_alloc());
  out->width = width_;
  out->height = height_;
  out->format = AV_PIX_FMT_YUV420P;
  if (av_frame_get_buffer(out.get(), 0) < 0) return fail(Code::kStorage, "out of memory");
  blacken(*out);
  const int left = (width_ - width) / 2 & ~1;
  const int top = (height_ - height) / 2 & ~1;
  uint8_t* planes[4] = {};
  for (int p = 0; p < 3; ++p) {
    const int half = p == 0 ? 1 : 2;
    planes[p] = out->data[p] + static_cast<ptrdiff_t>(top / half) * out->linesize[p] + left / half;
  }
  sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, planes,
            out->linesize);
  return out;
}

}  // namespace callbot::recordings
