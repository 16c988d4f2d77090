#include "pipelines/bitstream.h"

#include <cstring>
#include <optional>

namespace callbot::pipelines {
namespace {

using Bytes = std::span<const uint8_t>;

// Bits, highest first. Past the end everything is 0 and ok() is false.
class BitReader {
 public:
  // `escaped`: bytes 3 of 00 00 03 are no data (H.264 7.4.1, H.265 7.4.2).
  BitReader(Bytes bytes, bool escaped) : bytes_(bytes), escaped_(escaped) {}

  uint32_t bit() {
    if (left_ == 0 && !next_byte()) return 0;
    return (byte_ >> --left_) & 1u;
  }
  uint32_t bits(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | bit();
    return value;
  }
  void skip(int count) {
    for (int i = 0; i < count && ok_; ++i) bit();
  }
  // Exp-Golomb, H.264 9.1.
  uint32_t ue() {
    int zeros = 0;
    while (ok_ && bit() == 0)
      if (++zeros > 31) ok_ = false;
    return ok_ ? (1u << zeros) - 1 + bits(zeros) : 0;
  }
  void se() { ue_signed(); }
  int32_t ue_signed() {
    const uint32_t code = ue();
    return code % 2 == 1 ? static_cast<int32_t>(code / 2 + 1) : -static_cast<int32_t>(code / 2);
  }
  bool ok() const { return ok_; }

 private:
  bool next_byte() {
    if (escaped_ && zeros_ >= 2 && at_ < bytes_.size() && bytes_[at_] == 3) {
      ++at_;
      zeros_ = 0;
    }
    if (at_ >= bytes_.size()) return ok_ = false;
    byte_ = bytes_[at_++];
    zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
    left_ = 8;
    return true;
  }

  Bytes bytes_;
  size_t at_ = 0;
  uint32_t byte_ = 0;
  int left_ = 0;
  int zeros_ = 0;
  bool escaped_;
  bool ok_ = true;
};

struct Picture {
  uint32_t width, height;
};

// Larger than anything a call carries is a broken header.
constexpr uint32_t kMostPixelsASide = 16384;

std::optional<Picture> sane(const BitReader& reader, uint64_t width, uint64_t height) {
  if (!reader.ok() || width == 0 || height == 0 || width > kMostPixelsASide ||
      height > kMostPixelsASide)
    return std::nullopt;
  return Picture{static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
}

std::optional<Picture> cropped(BitReader& reader, uint64_t width, uint64_t height, uint32_t unit_x,
                               uint32_t unit_y) {
  if (reader.bit() != 0) {
    const uint64_t left = reader.ue(), right = reader.ue(), top = reader.ue(), bottom = reader.ue();
    const uint64_t x = unit_x * (left + right), y = unit_y * (top + bottom);
    if (x >= width || y >= height) return std::nullopt;
    width -= x;
    height -= y;
  }
  return sane(reader, width, height);
}

void skip_scaling_list(BitReader& reader, int size) {
  int last = 8, next = 8;
  for (int i = 0; i < size && reader.ok(); ++i) {
    if (next != 0) next = (last + reader.ue_signed() % 256 + 512) % 256;
    if (next != 0) last = next;
  }
}

// Profiles whose SPS says more about chroma and scaling, 7.3.2.1.1.
bool has_chroma_info(uint32_t profile) {
  for (const uint32_t p : {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
    if (p == profile) return true;
  return false;
}

std::optional<Picture> h264_sps(Bytes nal) {
  BitReader reader(nal.subspan(1), true);
  const uint32_t profile = reader.bits(8);
  reader.skip(16);
  reader.ue();
  uint32_t chroma = 1;
  if (has_chroma_info(profile)) {
    chroma = reader.ue();
    if (chroma == 3) reader.bit();
    reader.ue();
    reader.ue();
    reader.bit();
    if (reader.bit() != 0)
      for (int i = 0; i < (chroma == 3 ? 12 : 8); ++i)
        if (reader.bit() != 0) skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  reader.ue();
  const uint32_t order = reader.ue();
  if (order == 0) reader.ue();
  if (order == 1) {
    reader.bit();
    reader.se();
    reader.se();
    const uint32_t cycle = reader.ue();
    for (uint32_t i = 0; i < cycle && reader.ok(); ++i) reader.se();
  }
  reader.ue();
  reader.bit();
  const uint64_t width = 16 * (uint64_t{reader.ue()} + 1);
  uint64_t height = 16 * (uint64_t{reader.ue()} + 1);
  const uint32_t fields = 2 - reader.bit();
  if (fields == 2) reader.bit();
  height *= fields;
  reader.bit();
  const uint32_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  return cropped(reader, width, height, unit_x, (chroma == 1 ? 2 : 1) * fields);
}

std::optional<Picture> h265_sps(Bytes nal) {
  if (nal.size() < 2) return std::nullopt;
  BitReader reader(nal.subspan(2), true);
  constexpr int kProfileBits = 88;
  reader.skip(4);
  const uint32_t sub_layers = reader.bits(3);
  reader.skip(1 + kProfileBits + 8);
  std::array<bool, 8> has_profile{}, has_level{};
  for (uint32_t i = 0; i < sub_layers; ++i) {
    has_profile[i] = reader.bit() != 0;
    has_level[i] = reader.bit() != 0;
  }
  if (sub_layers > 0) reader.skip(2 * static_cast<int>(8 - sub_layers));
  for (uint32_t i = 0; i < sub_layers; ++i)
    reader.skip((has_profile[i] ? kProfileBits : 0) + (has_level[i] ? 8 : 0));
  reader.ue();
  const uint32_t chroma = reader.ue();
  if (chroma == 3) reader.bit();
  const uint32_t width = reader.ue();
  const uint32_t height = reader.ue();
  return cropped(reader, width, height, chroma == 1 || chroma == 2 ? 2 : 1, chroma == 1 ? 2 : 1);
}

// The NAL units of an Annex B byte stream, one after another; empty at the end.
class NalUnits {
 public:
  explicit NalUnits(Bytes stream) : rest_(after_start_code(stream)) {}
  Bytes next() {
    if (rest_.empty()) return {};
    const size_t end = find_start_code(rest_);
    const Bytes nal = rest_.first(end);
    rest_ = after_start_code(rest_.subspan(end));
    return nal;
  }

 private:
  static size_t find_start_code(Bytes bytes) {
    for (size_t at = 2; at < bytes.size();) {
      const void* one = std::memchr(bytes.data() + at, 1, bytes.size() - at);
      if (one == nullptr) break;
      at = static_cast<size_t>(static_cast<const uint8_t*>(one) - bytes.data());
      if (bytes[at - 1] == 0 && bytes[at - 2] == 0) return at - 2;
      ++at;
    }
    return bytes.size();
  }
  static Bytes after_start_code(Bytes bytes) {
    const size_t at = find_start_code(bytes);
    return at + 3 <= bytes.size() ? bytes.subspan(at + 3) : Bytes{};
  }
  Bytes rest_;
};

enum class NalKind { kOther, kVps, kSps, kPps, kSlice, kKeySlice };

NalKind h264_kind(uint8_t head) {
  switch (head & 0x1f) {
    case 1:
    case 2:
      return NalKind::kSlice;
    case 5:
      return NalKind::kKeySlice;
    case 7:
      return NalKind::kSps;
    case 8:
      return NalKind::kPps;
    default:
      return NalKind::kOther;
  }
}

NalKind h265_kind(uint8_t head) {
  const int type = head >> 1 & 0x3f;
  if (type == 32) return NalKind::kVps;
  if (type == 33) return NalKind::kSps;
  if (type == 34) return NalKind::kPps;
  if (type >= 16 && type <= 21) return NalKind::kKeySlice;
  return type < 32 ? NalKind::kSlice : NalKind::kOther;
}

// The parameter sets of one frame.
struct ParameterSets {
  bool vps = false, sps = false, pps = false;
  std::vector<uint8_t> stream;

  void add(NalKind kind, Bytes nal) {
    vps |= kind == NalKind::kVps;
    sps |= kind == NalKind::kSps;
    pps |= kind == NalKind::kPps;
    stream.insert(stream.end(), {0, 0, 0, 1});
    stream.insert(stream.end(), nal.begin(), nal.end());
  }
  bool complete(bool h264) const { return sps && pps && (h264 || vps); }
};

}  // namespace

FrameInspector::FrameInspector(std::string_view codec)
    : kind_(codec == "vp8"    ? Kind::kVp8
            : codec == "vp9"  ? Kind::kVp9
            : codec == "h264" ? Kind::kH264
            : codec == "h265" ? Kind::kH265
                              : Kind::kAudio) {}

FrameFacts FrameInspector::inspect(Bytes frame) {
  switch (kind_) {
    case Kind::kAudio:
      return {.key = true};
    case Kind::kVp8:
      return vp8(frame);
    case Kind::kVp9:
      return vp9(frame);
    case Kind::kH264:
    case Kind::kH265:
      return h26x(frame);
  }
  return {};
}

FrameFacts FrameInspector::vp8(Bytes frame) const {
  if (frame.size() < 10 || (frame[0] & 1) != 0) return {};
  if (frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a) return {};
  return {.key = true,
          .width = (frame[6] | frame[7] << 8) & 0x3fffu,
          .height = (frame[8] | frame[9] << 8) & 0x3fffu};
}

// A superframe (Annex B of the VP9 specification) holds several frames; an index at its end tells.
FrameFacts FrameInspector::vp9(Bytes frame) {
  if (frame.empty()) return {};
  const uint8_t marker = frame.back();
  const size_t count = (marker & 7u) + 1;
  const size_t size_bytes = (marker >> 3 & 3u) + 1;
  const size_t index_bytes = 2 + count * size_bytes;
  if ((marker & 0xe0) != 0xc0 || frame.size() < index_bytes ||
      frame[frame.size() - index_bytes] != marker)
    return vp9_layer(frame);
  FrameFacts facts;
  Bytes rest = frame.first(frame.size() - index_bytes);
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    for (size_t b = 0; b < size_bytes; ++b)
      size |= size_t{frame[frame.size() - index_bytes + 1 + i * size_bytes + b]} << (8 * b);
    if (size == 0 || size > rest.size()) break;
    const FrameFacts layer = vp9_layer(rest.first(size));
    if (layer.width != 0) {
      facts.width = layer.width;
      facts.height = layer.height;
    }
    if (i == 0) facts.key = layer.key;
    rest = rest.subspan(size);
  }
  return facts;
}

// The uncompressed header's syntax, field by field (VP9 bitstream specification, 6.2).
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
FrameFacts FrameInspector::vp9_layer(Bytes frame) {
  constexpr uint32_t kSync = 0x498342;
  BitReader reader(frame, false);
  if (reader.bits(2) != 2) return {};
  const uint32_t profile = reader.bit() | reader.bit() << 1;
  if (profile == 3) reader.bit();
  if (reader.bit() != 0) return {};  // shows a frame that was sent before
  const bool key = reader.bit() == 0;
  const bool shown = reader.bit() != 0;
  const bool resilient = reader.bit() != 0;
  bool intra = key;
  if (!key) {
    intra = !shown && reader.bit() != 0;
    if (!resilient) reader.skip(2);
  }
  if (intra && reader.bits(24) != kSync) return {};
  if (intra && (key || profile > 0)) {
    if (profile >= 2) reader.bit();
    constexpr uint32_t kRgb = 7;
    if (reader.bits(3) != kRgb)
      reader.skip(profile % 2 == 1 ? 4 : 1);
    else if (profile % 2 == 1)
      reader.skip(1);
  }
  const uint32_t refreshed = key ? 0xff : reader.bits(8);
  Size size;
  if (!intra) {
    std::array<uint32_t, 3> slots{};
    for (uint32_t& slot : slots) {
      slot = reader.bits(3);
      reader.bit();
    }
    for (const uint32_t slot : slots) {
      if (reader.bit() == 0) continue;
      size = vp9_references_[slot];
      if (size.width == 0) return {};  // its key frame was not seen
      break;
    }
  }
  if (size.width == 0) {
    size.width = reader.bits(16) + 1;
    size.height = reader.bits(16) + 1;
  }
  if (!sane(reader, size.width, size.height)) return {};
  for (int i = 0; i < 8; ++i)
    if ((refreshed >> i & 1u) != 0) vp9_references_[i] = size;
  return {.key = key, .width = size.width, .height = size.height};
}

FrameFacts FrameInspector::h26x(Bytes frame) {
  const bool h264 = kind_ == Kind::kH264;
  const size_t head_bytes = h264 ? 1 : 2;
  ParameterSets sets;
  NalUnits units(frame);
  for (Bytes nal = units.next(); !nal.empty(); nal = units.next()) {
    const NalKind kind = h264 ? h264_kind(nal[0]) : h265_kind(nal[0]);
    if (kind == NalKind::kOther) continue;
    if (kind != NalKind::kSlice && kind != NalKind::kKeySlice) {
      sets.add(kind, nal);
      if (kind != NalKind::kSps) continue;
      if (const auto picture = h264 ? h264_sps(nal) : h265_sps(nal))
        sps_ = {picture->width, picture->height};
      continue;
    }
    const bool lacks = !sets.complete(h264);
    if (!lacks) sets_ = std::move(sets.stream);
    // first_mb_in_slice = 0, first_slice_segment_in_pic_flag = 1: both are a first bit of 1.
    const bool first = nal.size() > head_bytes && (nal[head_bytes] & 0x80) != 0;
    const bool key = first && kind == NalKind::kKeySlice && sps_.width != 0 && !sets_.empty();
    if (!key) return {.whole = first};
    return {.key = true, .lacks_parameter_sets = lacks, .width = sps_.width, .height = sps_.height};
  }
  return {.whole = false};
}

}  // namespace callbot::pipelines
