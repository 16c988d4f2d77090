#include "network/packet_kind.h"

#include <gtest/gtest.h>

#include <vector>

namespace callbot::network {
namespace {

TEST(PacketKind, IsSaidByTheFirstBytes) {
  const auto kind = [](std::vector<uint8_t> bytes) { return kind_of(bytes); };
  EXPECT_EQ(kind({0, 1}), PacketKind::kStun);
  EXPECT_EQ(kind({3}), PacketKind::kStun);
  EXPECT_EQ(kind({4, 0}), PacketKind::kOther);
  EXPECT_EQ(kind({20, 0}), PacketKind::kDtls);
  EXPECT_EQ(kind({63, 0}), PacketKind::kDtls);
  EXPECT_EQ(kind({64, 0}), PacketKind::kOther) << "TURN channels";
  EXPECT_EQ(kind({128, 96}), PacketKind::kRtp);
  EXPECT_EQ(kind({191, 0x80 | 96}), PacketKind::kRtp);
  EXPECT_EQ(kind({128, 191}), PacketKind::kRtp);
  EXPECT_EQ(kind({128, 192}), PacketKind::kRtcp);
  EXPECT_EQ(kind({128, 223}), PacketKind::kRtcp);
  EXPECT_EQ(kind({128, 224}), PacketKind::kRtp);
  EXPECT_EQ(kind({192, 200}), PacketKind::kOther);
  EXPECT_EQ(kind({128}), PacketKind::kOther);
  EXPECT_EQ(kind({}), PacketKind::kOther);
}

TEST(PacketKind, SetsHaveWhatWasPutIn) {
  Kinds kinds{PacketKind::kRtp};
  EXPECT_TRUE(kinds.has(PacketKind::kRtp));
  EXPECT_FALSE(kinds.has(PacketKind::kRtcp));
  kinds.add(PacketKind::kOther);
  EXPECT_TRUE(kinds.has(PacketKind::kOther));
  EXPECT_TRUE(Kinds().none());
  for (size_t i = 0; i < kPacketKinds; ++i)
    EXPECT_TRUE(Kinds::all().has(static_cast<PacketKind>(i)));
}

}  // namespace
}  // namespace callbot::network
