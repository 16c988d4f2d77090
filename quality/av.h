// quality/av.h: FFmpeg's things owned by the type.
//
// Thread:  any.
// Owner:   unique_ptrs, named as FFmpeg names the thing.
// Fails:   never.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libavutil/tx.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <optional>

#include "base/gref.h"
#include "base/video_mark.h"

namespace callbot::quality {

// FFmpeg frees most things through a pointer to the pointer.
template <auto kFree>
struct AvFreer {
  template <class T>
  void operator()(T* p) const {
    kFree(&p);
  }
};

using AvPacket = std::unique_ptr<AVPacket, AvFreer<&av_packet_free>>;
using AvFrame = std::unique_ptr<AVFrame, AvFreer<&av_frame_free>>;
using AvCodecContext = std::unique_ptr<AVCodecContext, AvFreer<&avcodec_free_context>>;
using AvResampler = std::unique_ptr<SwrContext, AvFreer<&swr_free>>;
using AvTransform = std::unique_ptr<AVTXContext, AvFreer<&av_tx_uninit>>;
using AvScaler = std::unique_ptr<SwsContext, Freer<&sws_freeContext>>;

// The luma of a decoded picture with 8 bits a sample in a plane of its own; none of any other.
inline std::optional<LumaView> luma_of(const AVFrame& frame) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (d == nullptr || (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL)) != 0 ||
      d->comp[0].depth != 8 || d->comp[0].plane != 0 || d->comp[0].step != 1 ||
      frame.linesize[0] <= 0)
    return std::nullopt;
  return LumaView{frame.data[0], static_cast<size_t>(frame.linesize[0]), frame.width, frame.height};
}

}  // namespace callbot::quality
