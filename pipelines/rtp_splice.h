// pipelines/rtp_splice.h: joins packets of several renditions to one RTP stream: sequence number,
// RTP time and the picture id of VP8 (RFC 7741, 4.2) and VP9 (RFC 9628, 4.2) go on without a gap.
// Sequence numbers begin below 2^15.
//
// Thread:  any one at a time.
// Owner:   Sender, SplicedSource: one for each receiver.
// Fails:   never; a packet that is not understood keeps its picture id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace callbot::pipelines {

class RtpSplice {
 public:
  // Codec and clock of the stream, from codecs.h.
  RtpSplice(std::string_view codec, int clock);

  // The next packet comes from elsewhere: it follows the last one.
  void cut() { cut_ = true; }
  // Changes the numbers. `head`: the packet's beginning, the payload's first kDescriptor bytes with
  // it; `captured_ns`: of its frame; negative: not known.
  void join(std::span<uint8_t> head, size_t header_bytes, int64_t captured_ns);
  // Bytes at the beginning of the payload that may be changed.
  size_t descriptor_bytes() const { return picture_ids_ ? 4 : 0; }
  uint16_t last_sequence() const { return sequence_; }  // as it left

 private:
  bool picture_ids_;
  bool vp8_;
  int clock_;
  bool any_ = false, cut_ = false;
  uint16_t sequence_ = 0, sequence_shift_ = 0;  // of the last that left; what is added
  uint32_t time_ = 0, time_shift_ = 0;
  uint16_t picture_ = 0, picture_shift_ = 0;
  int64_t captured_ns_ = 0;
};

}  // namespace callbot::pipelines
