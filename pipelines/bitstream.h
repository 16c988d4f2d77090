// pipelines/bitstream.h: what is in a frame: can it be decoded alone, and how large is its picture.
//
// Reads the first bytes of each frame only: VP8 (RFC 6386, 9.1), VP9 (bitstream specification 6.2),
// H.264 (ITU-T H.264, 7.3.2.1) and H.265 (ITU-T H.265, 7.3.2.2) as Annex B byte stream.
//
// Thread:  any one; an inspector belongs to one track.
// Owner:   the caller's bytes.
// Fails:   never: what it cannot read is no key frame and has no size. Safe on any bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace callbot::pipelines {

struct FrameFacts {
  bool key = false;   // decodable without any earlier frame
  bool whole = true;  // false: its beginning is missing (H.264, H.265: no first slice)
  // H.264, H.265: a key frame needs FrameInspector::parameter_sets() in front of it.
  bool lacks_parameter_sets = false;
  uint32_t width = 0;  // of this frame; 0: it does not say
  uint32_t height = 0;
};

class FrameInspector {
 public:
  // A name from codecs.h. Of audio every frame is a key frame.
  explicit FrameInspector(std::string_view codec);
  FrameFacts inspect(std::span<const uint8_t> frame);
  // Of H.264 and H.265: the newest complete ones that were seen in a frame, as byte stream.
  std::span<const uint8_t> parameter_sets() const { return sets_; }

 private:
  struct Size {
    uint32_t width = 0, height = 0;
  };
  enum class Kind { kAudio, kVp8, kVp9, kH264, kH265 };

  FrameFacts vp8(std::span<const uint8_t> frame) const;
  FrameFacts vp9(std::span<const uint8_t> frame);
  FrameFacts vp9_layer(std::span<const uint8_t> frame);
  FrameFacts h26x(std::span<const uint8_t> frame);

  Kind kind_;
  std::array<Size, 8> vp9_references_{};  // sizes of the reference slots
  Size sps_;                              // H.264, H.265: of the newest SPS
  std::vector<uint8_t> sets_;
};

}  // namespace callbot::pipelines
