#include "pipelines/rtp_rewrite.h"

#include <gmock/gmock.h>
#include <gst/gst.h>

#include <vector>

namespace callbot::pipelines {
namespace {

using Bytes = std::vector<uint8_t>;

// Version 2, marker, payload type 96, and whatever follows the fixed header.
Bytes packet(uint8_t first, const Bytes& rest) {
  Bytes out;
  for (const uint8_t byte : {first, uint8_t{0x80 | 96}}) out.push_back(byte);
  for (const uint8_t byte : {0, 1, 0, 0, 0, 2, 0, 0, 0, 3}) out.push_back(byte);
  for (const uint8_t byte : rest) out.push_back(byte);
  return out;
}

Bytes rewritten(Bytes bytes, const SendFormat& format) {
  rewrite_rtp(bytes.data(), bytes.size(), format);
  return bytes;
}

TEST(RewriteRtp, ChangesThePayloadTypeAndKeepsTheMarker) {
  EXPECT_EQ(rewritten(packet(0x80, {}), {.payload = 120})[1], 0x80 | 120);
  EXPECT_EQ(rewritten(packet(0x80, {}), {.payload = -1})[1], 0x80 | 96);
}

TEST(RewriteRtp, RenamesOneByteExtensionsAndBlanksTheUnnegotiated) {
  // id 3 with two bytes, padding, id 5 with one byte.
  const Bytes before = packet(0x90, {0xBE, 0xDE, 0, 2, 0x31, 7, 8, 0, 0x50, 9, 0, 0, 1, 2, 3});
  const Bytes after = rewritten(before, {.payload = 97, .extensions = {{3, 11}}});
  EXPECT_EQ(after, [&] {
    Bytes expected = packet(0x90, {0xBE, 0xDE, 0, 2, 0xB1, 7, 8, 0, 0, 0, 0, 0, 1, 2, 3});
    expected[1] = 0x80 | 97;
    return expected;
  }());
}

TEST(RewriteRtp, RenamesTwoByteExtensions) {
  const Bytes before = packet(0x90, {0x10, 0, 0, 2, 3, 1, 7, 0, 20, 2, 8, 9});
  const Bytes after = rewritten(before, {.payload = 96, .extensions = {{20, 200}}});
  EXPECT_EQ(after, packet(0x90, {0x10, 0, 0, 2, 0, 0, 0, 0, 200, 2, 8, 9}));
}

TEST(RewriteRtp, SkipsContributingSources) {
  const Bytes before = packet(0x92, {1, 1, 1, 1, 2, 2, 2, 2, 0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0});
  const Bytes after = rewritten(before, {.payload = 96, .extensions = {{1, 4}}});
  EXPECT_EQ(after, packet(0x92, {1, 1, 1, 1, 2, 2, 2, 2, 0xBE, 0xDE, 0, 1, 0x40, 7, 0, 0}));
}

TEST(RewriteRtp, NeverLeavesThePacket) {
  const Bytes whole = packet(0x9f, {0xBE, 0xDE, 0xff, 0xff, 0x3f, 7});
  for (size_t size = 0; size <= whole.size(); ++size) {
    // Exactly as long as it says, so that a sanitizer sees every byte too far.
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    rewrite_rtp(cut.data(), cut.size(), {.payload = 1, .extensions = {{3, 4}}});
  }
  for (uint8_t length = 0; length < 16; ++length) {
    Bytes lying = packet(0x90, {0xBE, 0xDE, 0, 1, static_cast<uint8_t>(0x30 | length), 7, 7, 7});
    rewrite_rtp(lying.data(), lying.size(), {.payload = 1, .extensions = {}});
  }
}

// --- whole packets

Bytes left(
    const Bytes& bytes, const SendFormat& format, size_t descriptor_bytes = 0,
    const std::function<void(std::span<uint8_t>, size_t)>& join = [](auto, size_t) {}) {
  gst_init(nullptr, nullptr);
  const auto packet = GRef<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
  GST_BUFFER_FLAG_SET(packet.get(), GST_BUFFER_FLAG_MARKER);
  const auto made = rewritten_packet(packet, format, descriptor_bytes, join);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(made.get(), GST_BUFFER_FLAG_MARKER));  // kept, as all are
  Bytes out(gst_buffer_get_size(made.get()));
  gst_buffer_extract(made.get(), 0, out.data(), out.size());
  return out;
}

TEST(RewrittenPacket, ThePayloadStaysAndTheHeadIsAsAskedFor) {
  EXPECT_EQ(left(packet(0x80, {9, 8, 7}), {.payload = -1}), packet(0x80, {9, 8, 7}));
  EXPECT_EQ(left(packet(0x80, {9, 8, 7}), {.payload = 101})[1], 0x80 | 101);
}

TEST(RewrittenPacket, MakesRoomForTransportWideNumbers) {
  EXPECT_EQ(left(packet(0x80, {9, 8, 7}), {.transport_cc = 5}),
            packet(0x90, {0xBE, 0xDE, 0, 1, 0x51, 0, 0, 0, 9, 8, 7}));
  // Behind what is there already, with the contributing sources before it.
  EXPECT_EQ(left(packet(0x91, {1, 1, 1, 1, 0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0, 9, 8, 7}),
                 {.extensions = {{1, 3}}, .transport_cc = 14}),
            packet(0x91, {1, 1, 1, 1, 0xBE, 0xDE, 0, 2, 0x30, 7, 0, 0, 0xe1, 0, 0, 0, 9, 8, 7}));
  // Two-byte extensions are none that rtpsession would number.
  const Bytes two = packet(0x90, {0x10, 0, 0, 1, 3, 0, 0, 0, 9, 8, 7});
  EXPECT_EQ(left(two, {.extensions = {{3, 3}}, .transport_cc = 5}), two);
}

TEST(RewrittenPacket, TheDescriptorMayBeChangedAndNothingBehindIt) {
  const Bytes before = packet(0x80, {1, 2, 3, 4, 5, 6, 7, 8});
  size_t header = 0, size = 0;
  const Bytes after = left(before, {.transport_cc = 5}, 4, [&](std::span<uint8_t> head, size_t at) {
    header = at;
    size = head.size();
    head[2] = 0xab;
    head[at] = 0xcd;
  });
  EXPECT_EQ(header, 20u);
  EXPECT_EQ(size, 24u);
  Bytes expected = packet(0x90, {0xBE, 0xDE, 0, 1, 0x51, 0, 0, 0, 0xcd, 2, 3, 4, 5, 6, 7, 8});
  expected[2] = 0xab;
  EXPECT_EQ(after, expected);
}

TEST(RewrittenPacket, ShortAndStrangePacketsPass) {
  for (size_t size = 1; size < 12; ++size) EXPECT_EQ(left(Bytes(size, 0x80), {}, 4).size(), size);
  EXPECT_EQ(left(packet(0x80, {}), {.transport_cc = 1}, 4).size(), 20u);
  const Bytes lying = packet(0x90, {0xBE, 0xDE, 0xff, 0xff, 1, 2, 3});
  EXPECT_EQ(left(lying, {.transport_cc = 1}, 4), lying);
}

}  // namespace
}  // namespace callbot::pipelines
