// quality/decoder.h: received frames -> decoded ones, with libavcodec.
//
// Thread:  one at a time.
// Owner:   a meter.
// Fails:   open: kUnsupported. What is refused while decoding is told frame by frame.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "quality/av.h"

namespace callbot::quality {

class Decoder {
 public:
  // A codec by its name in TrackInfo.
  static Result<std::unique_ptr<Decoder>> open(const std::string& codec, int clock_rate,
                                               int channels);

  // `each` gets what came out and the number of the frame it was decoded from, which may be an
  // earlier one. False: the decoder refused the frame.
  using Each = std::function<void(const AVFrame& frame, int64_t number)>;
  bool decode(std::span<const uint8_t> bytes, int64_t number, const Each& each);
  // What comes next needs no earlier frame.
  void reset() { avcodec_flush_buffers(context_.get()); }

 private:
  AvCodecContext context_;
  AvPacket packet_;
  AvFrame frame_;
};

}  // namespace callbot::quality
