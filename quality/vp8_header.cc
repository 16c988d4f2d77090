#include "quality/vp8_header.h"

namespace callbot::quality {
namespace {

// The boolean entropy decoder (RFC 6386, 7.3).
class BoolDecoder {
 public:
  explicit BoolDecoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    value_ = next_byte() << 8;
    value_ |= next_byte();
  }
  // A flag or the bits of a number, each as likely 0 as 1 (7.3: read_literal).
  uint32_t literal(int bits) {
    uint32_t value = 0;
    for (; bits > 0; --bits) value = value << 1 | bit();
    return value;
  }
  bool flag() { return bit() != 0; }
  void skip_signed(int bits) {
    if (!flag()) return;
    literal(bits);
    flag();
  }
  bool ok() const { return !past_end_; }

 private:
  uint32_t bit() {
    constexpr uint32_t kEven = 128;
    const uint32_t split = 1 + ((range_ - 1) * kEven >> 8);
    const bool one = value_ >= split << 8;
    if (one) {
      range_ -= split;
      value_ -= split << 8;
    } else {
      range_ = split;
    }
    while (range_ < 128) {
      value_ <<= 1;
      range_ <<= 1;
      if (++shifted_ == 8) {
        shifted_ = 0;
        value_ |= next_byte();
      }
    }
    return one ? 1 : 0;
  }
  uint32_t next_byte() {
    if (at_ < bytes_.size()) return bytes_[at_++];
    // Two bytes beyond the end are looked ahead at, never needed.
    past_end_ = past_end_ || at_++ > bytes_.size() + 2;
    return 0;
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  uint32_t value_ = 0, range_ = 255;
  int shifted_ = 0;
  bool past_end_ = false;
};

// 9.3
void skip_segmentation(BoolDecoder& d) {
  constexpr int kSegments = 4, kTreeProbabilities = 3;
  if (!d.flag()) return;
  const bool map = d.flag(), data = d.flag();
  if (data) {
    d.flag();
    for (int i = 0; i < kSegments; ++i) d.skip_signed(7);
    for (int i = 0; i < kSegments; ++i) d.skip_signed(6);
  }
  for (int i = 0; map && i < kTreeProbabilities; ++i)
    if (d.flag()) d.literal(8);
}

// 9.6, which begins with 9.3's loop filter adjustments
void skip_filter(BoolDecoder& d) {
  constexpr int kDeltas = 8;
  d.flag();
  d.literal(6 + 3);
  if (!d.flag() || !d.flag()) return;
  for (int i = 0; i < kDeltas; ++i) d.skip_signed(6);
}

}  // namespace

std::optional<Vp8Header> vp8_header(std::span<const uint8_t> frame) {
  constexpr size_t kTag = 3, kKeyHeader = 10;
  if (frame.size() <= kTag) return std::nullopt;
  Vp8Header header;
  header.key = (frame[0] & 1) == 0;
  header.shown = (frame[0] >> 4 & 1) != 0;
  if (header.key) {
    if (frame.size() <= kKeyHeader || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a)
      return std::nullopt;
    header.width = (frame[6] | frame[7] << 8) & 0x3fff;
    header.height = (frame[8] | frame[9] << 8) & 0x3fff;
  }
  BoolDecoder d(frame.subspan(header.key ? kKeyHeader : kTag));
  if (header.key) d.literal(2);  // 9.2: colour space, clamping
  skip_segmentation(d);
  skip_filter(d);
  d.literal(2);  // 9.5: partitions
  header.quantiser = static_cast<int>(d.literal(7));
  return d.ok() ? std::optional(header) : std::nullopt;
}

}  // namespace callbot::quality
