#include "bot/cli_values.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

TEST(CommandLineValues, BitRates) {
  EXPECT_EQ(*bitrate("1500k"), 1'500'000);
  EXPECT_EQ(*bitrate("2.5M"), 2'500'000);
  EXPECT_EQ(*bitrate("64000"), 64'000);
  for (const char* text : {"", "k", "29k", "101M", "1500x", "-1M", "nan", "1e99k", "1500 k"})
    EXPECT_FALSE(bitrate(text)) << text;
  EXPECT_NE(bitrate("fast").error().message.find("\"fast\""), std::string::npos);
}

TEST(CommandLineValues, SizesHaveTheirUnit) {
  EXPECT_EQ(*byte_count("500M"), 500'000'000u);
  EXPECT_EQ(*byte_count("2G"), 2'000'000'000u);
  for (const char* text : {"", "500", "10K", "M", "-1G", "99999T"})
    EXPECT_FALSE(byte_count(text)) << text;
}

TEST(CommandLineValues, Durations) {
  EXPECT_EQ(*duration("1m30s"), std::chrono::seconds(90));
  EXPECT_EQ(**some_duration("10s"), std::chrono::seconds(10));
  EXPECT_FALSE(duration("soon"));
}

TEST(CommandLineValues, PictureSizes) {
  const auto size = [](const std::string& text) {
    CLI::App app;
    int width = 0;
    int height = 0;
    add_size(&app, width, height);
    app.parse("--size " + text);
    return std::pair(width, height);
  };
  EXPECT_EQ(size("640x360"), std::pair(640, 360));
  for (const char* text : {"640", "641x360", "0x0", "99999x2", "640x360x2", "640x"})
    EXPECT_THROW(size(text), CLI::ValidationError) << text;
}

}  // namespace
}  // namespace callbot::bot
