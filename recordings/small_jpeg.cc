#include "recordings/small_jpeg.h"

extern "C" {
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <memory>

namespace callbot::recordings {
namespace {

constexpr int kQuality = 7;  // of 1..31: about 5 kB for 224x126

struct ScalerFreer {
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};

Error failed(int av_error) { return av_failure(Code::kInternal, "small picture", av_error); }

int even(double value) { return std::max(2, static_cast<int>(value) / 2 * 2); }

Result<AvFrame> scaled(const AVFrame& picture, int width, int height) {
  AvFrame out(av_frame_alloc());
  out->format = AV_PIX_FMT_YUVJ420P;
  out->width = width;
  out->height = height;
  if (const int got = av_frame_get_buffer(out.get(), 0); got < 0)
    return tl::unexpected(failed(got));
  const std::unique_ptr<SwsContext, ScalerFreer> scaler(
      sws_getContext(picture.width, picture.height, static_cast<AVPixelFormat>(picture.format),
                     width, height, AV_PIX_FMT_YUVJ420P, SWS_AREA, nullptr, nullptr, nullptr));
  if (!scaler) return tl::unexpected(failed(AVERROR(EINVAL)));
  sws_scale(scaler.get(), picture.data, picture.linesize, 0, picture.height, out->data,
            out->linesize);
  return out;
}

}  // namespace

Result<SmallJpeg> small_jpeg(const AVFrame& picture, int width, int height) {
  const double scale = std::min({1.0, static_cast<double>(width) / picture.width,
                                 static_cast<double>(height) / picture.height});
  auto small = scaled(picture, even(picture.width * scale), even(picture.height * scale));
  if (!small) return tl::unexpected(small.error());
  AvCodecContext encoder(avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_MJPEG)));
  encoder->width = (*small)->width;
  encoder->height = (*small)->height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->time_base = {1, 1};
  encoder->thread_count = 1;
  encoder->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  encoder->global_quality = FF_QP2LAMBDA * kQuality;
  (*small)->quality = encoder->global_quality;
  if (const int opened = avcodec_open2(encoder.get(), nullptr, nullptr); opened < 0)
    return tl::unexpected(failed(opened));
  AvPacket packet(av_packet_alloc());
  avcodec_send_frame(encoder.get(), small->get());
  avcodec_send_frame(encoder.get(), nullptr);
  if (const int got = avcodec_receive_packet(encoder.get(), packet.get()); got < 0)
    return tl::unexpected(failed(got));
  return SmallJpeg{
      (*small)->width, (*small)->height,
      std::string(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size))};
}

}  // namespace callbot::recordings
