#include "pipelines/sender.h"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace callbot::pipelines
