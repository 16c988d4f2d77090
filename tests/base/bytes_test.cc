#include "base/bytes.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

TEST(Bytes, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*parse_bytes("0"), 0u);
  EXPECT_EQ(*parse_bytes("17"), 17u);
  EXPECT_EQ(*parse_bytes("17B"), 17u);
  EXPECT_EQ(*parse_bytes("500M"), 500'000'000u);
  EXPECT_EQ(*parse_bytes("1.5G"), 1'500'000'000u);
  EXPECT_EQ(*parse_bytes("20GB"), 20'000'000'000u);
  EXPECT_EQ(*parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(*parse_bytes("1Ki"), 1024u);
  EXPECT_EQ(*parse_bytes("2k"), 2000u);
}

TEST(Bytes, RefusesEverythingElse) {
  for (const char* text : {"", " ", "G", "-1", "1e3", "inf", "nan", "0x10", "1..2", "5X", "5 G",
                           "5GG", "5Gib", "5b", "999999999P", "99999999999999999999999"}) {
    const auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, Code::kUsage);
    EXPECT_NE(bytes.error().message.find("expected an amount of bytes"), std::string::npos);
  }
}

TEST(Bytes, WritesWhatPeopleRead) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(999'949), "999.9 kB");
  EXPECT_EQ(bytes_text(999'950), "1.0 MB");
  EXPECT_EQ(bytes_text(20'000'000'000), "20.0 GB");
  EXPECT_EQ(bytes_text(18'000'000'000'000'000'000u), "18000.0 PB");
}

}  // namespace
}  // namespace callbot
