#include "base/units.h"

#include <gmock/gmock.h>

#include "base/metric.h"

namespace callbot {
namespace {

using ::testing::HasSubstr;

TEST(Units, Times) {
  for (const auto& [text, seconds] : std::vector<std::pair<const char*, double>>{{"400ms", 0.4},
                                                                                 {"1.5s", 1.5},
                                                                                 {"1.5 s", 1.5},
                                                                                 {"2min", 120},
                                                                                 {"2m", 120},
                                                                                 {"3", 3},
                                                                                 {"1h30m", 5400},
                                                                                 {"1h 30m", 5400},
                                                                                 {"250us", 0.00025},
                                                                                 {"0", 0},
                                                                                 {" 10s ", 10},
                                                                                 {"1s500ms", 1.5},
                                                                                 {".5s", 0.5}}) {
    const auto value = parse_seconds(text);
    ASSERT_TRUE(value) << text;
    EXPECT_DOUBLE_EQ(*value, seconds) << text;
  }
  for (const char* text : {"", " ", "s", "10 x", "-1s", "1s2", "inf", "nan", "0x10", "1e3s",
                           "1.2.3s", "10%", "999999999999d", "5 S", "1 h 30"}) {
    const auto value = parse_seconds(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Code::kUsage);
    EXPECT_THAT(value.error().message, HasSubstr("such as 400ms")) << text;
    EXPECT_THAT(value.error().message, HasSubstr("\"" + std::string(text) + "\""));
  }
}

TEST(Units, BitRates) {
  for (const auto& [text, rate] : std::vector<std::pair<const char*, double>>{{"300 kbit/s", 300e3},
                                                                              {"300kbit/s", 300e3},
                                                                              {"2 Mbit/s", 2e6},
                                                                              {"2Mbps", 2e6},
                                                                              {"1.5M", 1.5e6},
                                                                              {"500k", 5e5},
                                                                              {"64000", 64e3},
                                                                              {"9 bit/s", 9},
                                                                              {"1 Gbit/s", 1e9}}) {
    const auto value = parse_bit_rate(text);
    ASSERT_TRUE(value) << text;
    EXPECT_DOUBLE_EQ(*value, rate) << text;
  }
  for (const char* text : {"", "kbit/s", "-1k", "300 kB/s", "1e6", "99999 Gbit/s", "2 M bit/s"})
    EXPECT_FALSE(parse_bit_rate(text)) << text;
}

TEST(Units, Shares) {
  EXPECT_DOUBLE_EQ(*parse_share("10%"), 0.1);
  EXPECT_DOUBLE_EQ(*parse_share("0.5 %"), 0.005);
  EXPECT_DOUBLE_EQ(*parse_share("0.1"), 0.1);
  EXPECT_DOUBLE_EQ(*parse_share("1"), 1);
  EXPECT_DOUBLE_EQ(*parse_share("100%"), 1);
  for (const char* text : {"", "%", "101%", "1.01", "10", "-1%", "10 percent", "10%%"})
    EXPECT_FALSE(parse_share(text)) << text;
}

TEST(Units, QuantitiesInTheUnitOfAMetric) {
  EXPECT_DOUBLE_EQ(*parse_quantity("400ms", "s"), 0.4);
  EXPECT_DOUBLE_EQ(*parse_quantity("-20 ms", "s"), -0.02);
  EXPECT_DOUBLE_EQ(*parse_quantity("10%", "1"), 0.1);
  EXPECT_DOUBLE_EQ(*parse_quantity("25", "1"), 25);
  EXPECT_DOUBLE_EQ(*parse_quantity("-30 dBFS", "dBFS"), -30);
  EXPECT_DOUBLE_EQ(*parse_quantity("38", "dB"), 38);
  EXPECT_DOUBLE_EQ(*parse_quantity("12 kHz", "Hz"), 12000);
  EXPECT_DOUBLE_EQ(*parse_quantity("720px", "px"), 720);
  EXPECT_DOUBLE_EQ(*parse_quantity("300 kbit/s", "bit/s"), 300e3);
  EXPECT_FALSE(parse_quantity("400ms", "1"));
  EXPECT_FALSE(parse_quantity("10%", "s"));
  EXPECT_FALSE(parse_quantity("- - 3", "1"));
  // What the table has can be written.
  for (const Metric& metric : metrics())
    EXPECT_TRUE(parse_quantity(
        std::string("3 ") + (metric.unit == std::string("1") ? "" : metric.unit), metric.unit))
        << metric.name << " in " << metric.unit;
}

TEST(Units, TextsReadAsWhatTheyWere) {
  EXPECT_EQ(seconds_text(0.4), "400 ms");
  EXPECT_EQ(seconds_text(1.5), "1.5 s");
  EXPECT_EQ(seconds_text(0), "0 s");
  EXPECT_EQ(seconds_text(0.00025), "250 us");
  EXPECT_EQ(bit_rate_text(300e3), "300 kbit/s");
  EXPECT_EQ(bit_rate_text(1.6e6), "1.6 Mbit/s");
  EXPECT_EQ(bit_rate_text(12), "12 bit/s");
  EXPECT_EQ(share_text(0.1), "10 %");
  for (const double value : {0.4, 1.5, 0.00025})
    EXPECT_DOUBLE_EQ(*parse_seconds(seconds_text(value)), value);
  EXPECT_DOUBLE_EQ(*parse_bit_rate(bit_rate_text(768e3)), 768e3);
}

TEST(Units, OfFields) {
  const Json json = *Json::parse(
      R"({"delay": "40ms", "late": 2, "loss": "10%", "part": 0.25, "rate": "1 Mbit/s", "raw": 64000,
          "queue": "64 KiB", "size": 1500})");
  Fields f(json);
  EXPECT_DOUBLE_EQ(get_seconds(f, "delay", 0), 0.04);
  EXPECT_DOUBLE_EQ(get_seconds(f, "late", 0), 2);
  EXPECT_DOUBLE_EQ(get_seconds(f, "none", 7), 7);
  EXPECT_DOUBLE_EQ(get_share(f, "loss", 0), 0.1);
  EXPECT_DOUBLE_EQ(get_share(f, "part", 0), 0.25);
  EXPECT_DOUBLE_EQ(get_bit_rate(f, "rate", 0), 1e6);
  EXPECT_DOUBLE_EQ(get_bit_rate(f, "raw", 0), 64000);
  EXPECT_EQ(get_bytes(f, "queue", 0), 65536u);
  EXPECT_EQ(get_bytes(f, "size", 0), 1500u);
  EXPECT_TRUE(f.done());
}

TEST(Units, WhereToListen) {
  for (const auto& [text, address, port] : std::vector<std::tuple<const char*, const char*, int>>{
           {"0.0.0.0:8443", "0.0.0.0", 8443},
           {"[::1]:0", "::1", 0},
           {"localhost:65535", "localhost", 65535},
           {":9100", "127.0.0.1", 9100}}) {
    const auto got = parse_listen_address(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(got->address, address);
    EXPECT_EQ(got->port, port);
  }
  for (const char* wrong : {"", "9100", "a:", "a:65536", "a:-1", "a:1x", "a: 1"}) {
    const auto got = parse_listen_address(wrong);
    ASSERT_FALSE(got) << wrong;
    EXPECT_THAT(got.error().message, HasSubstr("expected ADDRESS:PORT"));
  }
}

TEST(Units, FieldsNameKeyAndExpectation) {
  for (const auto& [text, message] : std::vector<std::pair<const char*, const char*>>{
           {R"({"delay": "40 parsecs"})", "up.delay: expected a time such as"},
           {R"({"delay": -1})", "up.delay: expected a time such as"},
           {R"({"delay": true})", "up.delay: expected a time such as"},
           {R"({"loss": "110%"})", "up.loss: expected a share"},
           {R"({"loss": null})", "up.loss: expected a share"},
           {R"({"rate": [1]})", "up.rate: expected a bit rate"},
           {R"({"queue": "-4"})", "up.queue: expected an amount of bytes"},
           {R"({"queue": -4})", "up.queue: expected an amount of bytes"}}) {
    Fields f(*Json::parse(text), "up");
    get_seconds(f, "delay", 0);
    get_share(f, "loss", 0);
    get_bit_rate(f, "rate", 0);
    get_bytes(f, "queue", 0);
    const auto done = f.done();
    ASSERT_FALSE(done) << text;
    EXPECT_THAT(done.error().message, HasSubstr(message));
  }
}

}  // namespace
}  // namespace callbot
