// feeds/media_decoder.h: packets of a file -> pictures and samples as our encoders take them.
//
// Thread:  one.
// Owner:   whoever encodes.
// Fails:   create: kUnsupported where FFmpeg has no decoder. A packet that does not decode is
//          counted and left out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "feeds/av.h"

namespace callbot::feeds {

// 8-bit 4:2:0, limited range, of one size; the picture is fitted into it, with black beside it.
class PictureDecoder {
 public:
  using Take = std::function<Result<>(const AVFrame& picture, int64_t time_ns)>;
  static Result<std::unique_ptr<PictureDecoder>> create(const AVStream& stream, int width,
                                                        int height, Take take);
  // Null: no more comes.
  Result<> decode(const AVPacket* packet);
  uint64_t undecodable() const { return undecodable_; }

 private:
  PictureDecoder() = default;
  Result<> hand_over(const AVFrame& decoded);
  Result<> fit(const AVFrame& decoded);

  AvCodecContext decoder_;
  AVRational base_{};
  int width_ = 0, height_ = 0;
  Take take_;
  AvScaler scaler_;
  AvFrame decoded_{av_frame_alloc()}, fitted_;
  int from_width_ = 0, from_height_ = 0, from_format_ = -1;  // what the scaler is for
  uint64_t undecodable_ = 0;
};

// 16-bit samples, interleaved, without gaps: where the file has one, silence; where it goes back,
// less.
class SoundDecoder {
 public:
  using Take = std::function<Result<>(std::span<const int16_t> samples)>;
  // The first sample handed over belongs to `begin_ns` of the file's time.
  static Result<std::unique_ptr<SoundDecoder>> create(const AVStream& stream, int rate,
                                                      int channels, int64_t begin_ns, Take take);
  Result<> decode(const AVPacket* packet);
  // Silence up to this time of the file.
  Result<> fill(int64_t until_ns);
  uint64_t undecodable() const { return undecodable_; }

 private:
  SoundDecoder() = default;
  Result<> hand_over(const AVFrame* decoded);

  AvCodecContext decoder_;
  AVRational base_{};
  int rate_ = 48000, channels_ = 1;
  int64_t begin_ns_ = 0;
  int64_t done_ = 0;  // samples handed over
  Take take_;
  AvResampler resampler_;
  int from_rate_ = 0, from_channels_ = 0, from_format_ = -1;
  AvFrame decoded_{av_frame_alloc()};
  std::vector<int16_t> samples_;
  uint64_t undecodable_ = 0;
};

}  // namespace callbot::feeds
