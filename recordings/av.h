// recordings/av.h: FFmpeg's things owned by the type, and its error numbers as Errors.
//
// Thread:  any.
// Owner:   unique_ptrs, named as FFmpeg names the thing.
// Fails:   open_media: kBadInput, kDenied if the file is sealed and no key fits; av_failure turns a
//          negative return value into an Error.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/error.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/growing_file.h"
#include "recordings/readable_file.h"

namespace callbot::recordings {

// FFmpeg frees through a pointer to the pointer.
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
using AvParameters = std::unique_ptr<AVCodecParameters, AvFreer<&avcodec_parameters_free>>;
using AvResampler = std::unique_ptr<SwrContext, AvFreer<&swr_free>>;
using AvFilter = std::unique_ptr<AVBSFContext, AvFreer<&av_bsf_free>>;

struct AvIoFreer {
  void operator()(AVIOContext* io) const;
};
using AvIo = std::unique_ptr<AVIOContext, AvIoFreer>;

// With the file below it, where that is not FFmpeg's own.
struct AvInputFreer {
  void operator()(AVFormatContext* input) const;
};
using AvInput = std::unique_ptr<AVFormatContext, AvInputFreer>;

// "what: Invalid data found when processing input".
// What makes such sound into interleaved floats; nothing where FFmpeg cannot. A sound keeps its
// level: the same on both sides is as loud in mono, one channel as loud on both sides. (FFmpeg's
// own way is 3 dB more and 3 dB less.) One that stretches makes up for small differences, also
// between equal rates.
enum class Stretches { kNo, kYes };
AvResampler open_resampler(const AVFrame& like, int channels, int rate, Stretches stretches);

Error av_failure(Code code, const std::string& what, int av_error);

// FFmpeg's own log goes into ours, as debug lines: what it complains of becomes a finding or an
// Error anyway. Call before anything else of FFmpeg; any number of times.
void take_av_log();

// Matroska alone, as it is written by us: nothing is guessed, no packet is parsed.
struct OpenRaw {
  Damaged damaged = Damaged::kSalvage;
  std::vector<ByteRange> blank = {};  // see ReadableFile
};
// A media file, plain or sealed, for reading. Null: it ends before its first frame.
Result<AvInput> open_media(const std::filesystem::path& path,
                           const std::optional<OpenRaw>& raw = std::nullopt);

// FFmpeg writes into the file, which must live longer. The context's own errors say that it failed;
// why, file.failure().
AvIo write_through(GrowingFile& file, int buffer_bytes);

}  // namespace callbot::recordings
