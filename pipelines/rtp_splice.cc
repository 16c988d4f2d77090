#include "pipelines/rtp_splice.h"

#include <algorithm>
#include <cmath>

namespace callbot::pipelines {
namespace {

// Renditions that count time from the same beginning differ by no more than rounding.
constexpr int32_t kRounding = 2;  // RTP ticks
constexpr uint16_t kPictures = 0x7fff, kFewPictures = 0x7f;

uint16_t read16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
void write16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
uint32_t read32(const uint8_t* at) { return uint32_t{read16(at)} << 16 | read16(at + 2); }
void write32(uint8_t* at, uint32_t value) {
  write16(at, static_cast<uint16_t>(value >> 16));
  write16(at + 2, static_cast<uint16_t>(value));
}

// Where the picture id is in a payload descriptor; empty: there is none.
std::span<uint8_t> picture_id(std::span<uint8_t> descriptor, bool vp8) {
  size_t at = 1;
  if (descriptor.empty()) return {};
  if (vp8) {
    if ((descriptor[0] & 0x80) == 0 || descriptor.size() < 2) return {};  // X
    if ((descriptor[1] & 0x80) == 0) return {};                           // I
    at = 2;
  } else if ((descriptor[0] & 0x80) == 0) {  // I
    return {};
  }
  if (at >= descriptor.size()) return {};
  const size_t size = (descriptor[at] & 0x80) != 0 ? 2 : 1;  // M
  return at + size <= descriptor.size() ? descriptor.subspan(at, size) : std::span<uint8_t>();
}

uint16_t read_id(std::span<const uint8_t> id) {
  return id.size() == 2 ? read16(id.data()) & kPictures : id[0] & kFewPictures;
}
void write_id(std::span<uint8_t> id, uint16_t value) {
  if (id.size() == 2)
    write16(id.data(), 0x8000 | (value & kPictures));
  else
    id[0] = value & kFewPictures;
}

}  // namespace

RtpSplice::RtpSplice(std::string_view codec, int clock)
    : picture_ids_(codec == "vp8" || codec == "vp9"), vp8_(codec == "vp8"), clock_(clock) {}

void RtpSplice::join(std::span<uint8_t> head, size_t header_bytes, int64_t captured_ns) {
  constexpr size_t kFixedHeader = 12;  // RFC 3550, 5.1
  if (head.size() < kFixedHeader || header_bytes > head.size()) return;
  uint8_t* packet = head.data();
  const auto id =
      picture_ids_ ? picture_id(head.subspan(header_bytes), vp8_) : std::span<uint8_t>();
  const bool timed = captured_ns >= 0 && captured_ns_ >= 0;
  if (cut_ && any_) {
    sequence_shift_ = static_cast<uint16_t>(sequence_ + 1 - read16(packet + 2));
    const double passed_s = static_cast<double>(captured_ns - captured_ns_) * 1e-9;
    const auto passed = static_cast<uint32_t>(std::max(1L, std::lround(passed_s * clock_)));
    const uint32_t shift = time_ + passed - read32(packet + 4);
    if (timed && std::abs(static_cast<int32_t>(shift - time_shift_)) > kRounding)
      time_shift_ = shift;
    if (!id.empty()) picture_shift_ = static_cast<uint16_t>(picture_ + 1 - read_id(id));
  }
  // In the lower half, far from where SRTP's rollover counter begins: a receiver that misses the
  // wrap of a stream's first packets never agrees on it (RFC 3711, 3.3.1).
  if (!any_) sequence_shift_ = read16(packet + 2) & 0x8000;
  cut_ = false;
  any_ = true;
  sequence_ = static_cast<uint16_t>(read16(packet + 2) + sequence_shift_);
  time_ = read32(packet + 4) + time_shift_;
  captured_ns_ = captured_ns;
  write16(packet + 2, sequence_);
  write32(packet + 4, time_);
  if (id.empty()) return;
  picture_ = static_cast<uint16_t>(read_id(id) + picture_shift_);
  write_id(id, picture_);
  picture_ = read_id(id);
}

}  // namespace callbot::pipelines
