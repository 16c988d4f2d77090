#include "network/address.h"

#include <gtest/gtest.h>

namespace callbot::network {
namespace {

TEST(Address, ReadsAndWritesBothFamilies) {
  for (const auto& [ip, port, text] : std::vector<std::tuple<const char*, uint16_t, const char*>>{
           {"192.0.2.1", 4000, "192.0.2.1:4000"}, {"2001:db8::1", 9, "[2001:db8::1]:9"}}) {
    const auto address = Address::parse(ip, port);
    ASSERT_TRUE(address) << ip;
    EXPECT_EQ(address->ip(), ip);
    EXPECT_EQ(address->port(), port);
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(Address::parse(text), address);
    sockaddr_storage raw;
    EXPECT_GT(address->fill(raw), 0u);
    EXPECT_EQ(Address::of(raw), *address);
  }
  EXPECT_EQ(Address::parse("::1:5000"), Address::parse("::1", 5000)) << "the last colon";
}

TEST(Address, IsNoName) {
  for (const char* text : {"", "localhost", "abcd.local", "1.2.3", "1.2.3.4.5", "256.0.0.1",
                           "fe80::1%lo", "192.0.2.1 ", "[::1]"})
    EXPECT_FALSE(Address::parse(text, 1)) << text;
  EXPECT_FALSE(Address::parse(std::string_view("192.0.2.1\0x", 11), 1));
  for (const char* text : {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1",
                           "192.0.2.1:1x", ":1", "name:1"})
    EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Address, OnlySomeCanBeSentTo) {
  for (const char* ip : {"192.0.2.1", "127.0.0.1", "10.0.0.1", "::1", "2001:db8::1", "fd00::1"})
    EXPECT_TRUE(Address::parse(ip, 1)->usable()) << ip;
  for (const char* ip : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "::", "ff02::1",
                         "fe80::1", "::ffff:192.0.2.1"})
    EXPECT_FALSE(Address::parse(ip, 1)->usable()) << ip;
  EXPECT_FALSE(Address::parse("192.0.2.1", 0)->usable());
  EXPECT_FALSE(Address().usable());
}

TEST(Address, IsAKey) {
  const auto a = *Address::parse("192.0.2.1", 1);
  EXPECT_NE(a, a.with_port(2));
  EXPECT_NE(a, *Address::parse("192.0.2.2", 1));
  EXPECT_EQ(a.with_port(2).with_port(1), a);
  EXPECT_EQ(Address::loopback(AF_INET).ip(), "127.0.0.1");
  EXPECT_EQ(Address::loopback(AF_INET6).ip(), "::1");
  EXPECT_EQ(a.header_bytes(), 28u);
  EXPECT_EQ(Address::loopback(AF_INET6).header_bytes(), 48u);
}

}  // namespace
}  // namespace callbot::network
