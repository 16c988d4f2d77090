#include "pipelines/rtp_splice.h"

#include <gmock/gmock.h>

#include <vector>

namespace callbot::pipelines {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr size_t kHeader = 12;
constexpr int64_t kFrame_ns = 1'000'000'000 / 30;

struct Numbers {
  uint16_t sequence;
  uint32_t time;
  uint16_t picture;
  bool operator==(const Numbers&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Numbers& n) {
  return out << n.sequence << " at " << n.time << " picture " << n.picture;
}

Bytes head(Numbers n, Bytes descriptor) {
  Bytes out = {0x80, 96};
  out.push_back(static_cast<uint8_t>(n.sequence >> 8));
  out.push_back(static_cast<uint8_t>(n.sequence));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(n.time >> shift));
  for (const uint8_t byte : {1, 2, 3, 4}) out.push_back(byte);
  out.insert(out.end(), descriptor.begin(), descriptor.end());
  return out;
}
Bytes vp8(Numbers n) {  // X, S; I; M and 15 bits
  return head(n, {0x90, 0x80, static_cast<uint8_t>(0x80 | n.picture >> 8),
                  static_cast<uint8_t>(n.picture)});
}
Bytes vp9(Numbers n) {  // I, B, E; M and 15 bits
  return head(
      n, {0x8c, static_cast<uint8_t>(0x80 | n.picture >> 8), static_cast<uint8_t>(n.picture), 0});
}
Numbers read(const Bytes& packet, size_t picture_at) {
  const auto word = [&](size_t at) {
    return static_cast<uint16_t>(packet[at] << 8 | packet[at + 1]);
  };
  return {word(2), uint32_t{word(4)} << 16 | word(6),
          static_cast<uint16_t>(word(picture_at) & 0x7fff)};
}

Numbers joined_vp8(RtpSplice& splice, Numbers n, int64_t captured_ns) {
  Bytes packet = vp8(n);
  splice.join(packet, kHeader, captured_ns);
  return read(packet, kHeader + 2);
}

TEST(RtpSplice, LeavesAStreamAsItIs) {
  RtpSplice splice("vp8", 90000);
  EXPECT_EQ(joined_vp8(splice, {32767, 4294967295, 32767}, 0), (Numbers{32767, 4294967295, 32767}));
  EXPECT_EQ(joined_vp8(splice, {32768, 2999, 0}, kFrame_ns), (Numbers{32768, 2999, 0}));
  splice.cut();  // before anything else
  RtpSplice fresh("vp8", 90000);
  fresh.cut();
  EXPECT_EQ(joined_vp8(fresh, {7, 8, 9}, 0), (Numbers{7, 8, 9}));
}

// A receiver that misses what comes before the wrap decrypts nothing of what comes after it.
TEST(RtpSplice, SequenceNumbersBeginFarBeforeTheyWrap) {
  RtpSplice splice("vp8", 90000);
  EXPECT_EQ(joined_vp8(splice, {65535, 0, 0}, 0).sequence, 32767);
  EXPECT_EQ(joined_vp8(splice, {0, 3000, 1}, kFrame_ns).sequence, 32768);
  splice.cut();
  EXPECT_EQ(joined_vp8(splice, {65000, 6000, 2}, 2 * kFrame_ns).sequence, 32769);
  RtpSplice sound("opus", 48000);
  Bytes packet = head({0x8000, 0, 0}, {0xff});
  sound.join(packet, kHeader, 0);
  EXPECT_EQ(sound.last_sequence(), 0);
}

TEST(RtpSplice, AnotherRenditionFollowsWithoutAGap) {
  RtpSplice splice("vp8", 90000);
  joined_vp8(splice, {32766, 1000, 32766}, 0);
  joined_vp8(splice, {32767, 1000, 32766}, 0);
  splice.cut();
  // Two frames later: none of the numbers has to do with the ones before.
  EXPECT_EQ(joined_vp8(splice, {40, 77'000, 5}, 2 * kFrame_ns), (Numbers{32768, 7000, 32767}));
  EXPECT_EQ(joined_vp8(splice, {41, 77'000, 5}, 2 * kFrame_ns), (Numbers{32769, 7000, 32767}));
  EXPECT_EQ(joined_vp8(splice, {42, 80'000, 6}, 3 * kFrame_ns), (Numbers{32770, 10'000, 0}));
  splice.cut();
  EXPECT_EQ(joined_vp8(splice, {100, 100, 100}, 4 * kFrame_ns), (Numbers{32771, 13'000, 1}));
  EXPECT_EQ(splice.last_sequence(), 32771);
}

// Renditions of one source count time alike; joining them does not move it by a tick.
TEST(RtpSplice, TimeThatIsTheSameStaysTheSame) {
  RtpSplice splice("vp8", 90000);
  for (uint32_t frame = 0; frame < 100; ++frame) {
    if (frame % 3 == 0) splice.cut();
    const uint32_t time = 5000 + frame * 90000 / 29;
    const auto captured = static_cast<int64_t>(frame) * 1'000'000'000 / 29;
    EXPECT_EQ(joined_vp8(splice, {static_cast<uint16_t>(frame * 31), time, 0}, captured).time,
              time);
  }
}

TEST(RtpSplice, Vp9CountsPicturesToo) {
  RtpSplice splice("vp9", 90000);
  Bytes packet = vp9({10, 0, 20});
  splice.join(packet, kHeader, 0);
  splice.cut();
  packet = vp9({500, 3000, 9000});
  splice.join(packet, kHeader, kFrame_ns);
  EXPECT_EQ(read(packet, kHeader + 1), (Numbers{11, 3000, 21}));
}

TEST(RtpSplice, ShortPictureIdsWrapAtSevenBits) {
  RtpSplice splice("vp8", 90000);
  Bytes packet = head({1, 0, 0}, {0x90, 0x80, 127, 0});
  splice.join(packet, kHeader, 0);
  splice.cut();
  packet = head({1, 0, 0}, {0x90, 0x80, 50, 0});
  splice.join(packet, kHeader, kFrame_ns);
  EXPECT_EQ(packet[kHeader + 2], 0);
}

TEST(RtpSplice, WithoutPictureIdsOnlyTheHeaderChanges) {
  for (const char* codec : {"h264", "opus", "vp8"}) {
    RtpSplice splice(codec, 90000);
    Bytes packet = head({1, 0, 0}, {0x10, 0xff, 0xff, 0xff});  // VP8 without X
    splice.join(packet, kHeader, 0);
    splice.cut();
    packet = head({9, 100, 0}, {0x10, 0xff, 0xff, 0xff});
    splice.join(packet, kHeader, kFrame_ns);
    EXPECT_EQ(packet, head({2, 3000, 0}, {0x10, 0xff, 0xff, 0xff})) << codec;
  }
}

TEST(RtpSplice, NeverLeavesThePacket) {
  for (const char* codec : {"vp8", "vp9"})
    for (size_t size = 0; size < 16; ++size) {
      RtpSplice splice(codec, 90000);
      const Bytes whole = vp8({1, 2, 3});
      Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      splice.join(cut, kHeader, 0);
    }
}

}  // namespace
}  // namespace callbot::pipelines
