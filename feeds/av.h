// feeds/av.h: FFmpeg's things owned by the type, and its error numbers as Errors.
//
// Thread:  any.
// Owner:   unique_ptrs, named as FFmpeg names the thing.
// Fails:   av_failure turns a negative return value into an Error.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/error.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "base/error.h"

namespace callbot::feeds {

// FFmpeg frees through a pointer to the pointer.
template <auto kFree>
struct AvFreer {
  template <class T>
  void operator()(T* p) const {
    kFree(&p);
  }
};
struct ScalerFreer {
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};

using AvPacket = std::unique_ptr<AVPacket, AvFreer<&av_packet_free>>;
using AvFrame = std::unique_ptr<AVFrame, AvFreer<&av_frame_free>>;
using AvCodecContext = std::unique_ptr<AVCodecContext, AvFreer<&avcodec_free_context>>;
using AvResampler = std::unique_ptr<SwrContext, AvFreer<&swr_free>>;
using AvScaler = std::unique_ptr<SwsContext, ScalerFreer>;
using AvFilter = std::unique_ptr<AVBSFContext, AvFreer<&av_bsf_free>>;

// "what: Invalid data found when processing input".
Error av_failure(Code code, const std::string& what, int av_error);
// FFmpeg's own log goes into ours, as debug lines. Any number of times.
void take_av_log();

constexpr AVRational kNanoseconds{1, 1'000'000'000};

}  // namespace callbot::feeds
