// feeds/recoder.h: one stream of pictures decoded frame by frame, and from a frame on encoded anew
// in its own codec, at its own size: each frame in gives its picture out, none waits for a later.
//
// Thread:  one at a time.
// Owner:   whoever needs it, for one run of frames that begins with a key frame.
// Fails:   create: kUnsupported (no such decoder here); decode: kBadInput; encode: as ClipWriter.
//          After that it is of no use any more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clip.h"
#include "feeds/clip_writer.h"

namespace callbot::feeds {

class Recoder {
 public:
  static Result<std::unique_ptr<Recoder>> create(const std::string& codec, int fps);

  // False: it shows no picture, as frames that are only referred to.
  Result<bool> decode(std::span<const uint8_t> frame);
  // Ready to encode pictures as the last one that was decoded.
  Result<> open(int bitrate);
  bool opened() const { return encoder_ != nullptr; }
  // The last picture that was decoded. A key frame if asked, and where its size is a new one.
  Result<ClipFrame> encode(int64_t time_ns, bool key);

 private:
  Recoder(std::string codec, int fps) : codec_(std::move(codec)), fps_(fps) {}
  bool fits() const;

  const std::string codec_;
  const int fps_;
  AvCodecContext decoder_;
  AvPacket packet_{av_packet_alloc()};
  AvFrame decoded_{av_frame_alloc()}, picture_{av_frame_alloc()};
  // What the encoder is for.
  std::unique_ptr<ClipWriter> encoder_;
  int width_ = 0, height_ = 0, bitrate_ = 0;
  int64_t begin_ns_ = 0, last_tick_ = -1;
  ClipFrame made_;
};

}  // namespace callbot::feeds
