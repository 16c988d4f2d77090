#include "base/json.h"

#include <gtest/gtest.h>

namespace callbot {
namespace {

TEST(Json, RefusesWhatRfc8259DoesNotAllow) {
  for (const char* text : {"",
                           " ",
                           "{} {}",
                           "{'a':1}",
                           "/* x */ {}",
                           "var x = 1;",
                           "[1,]",
                           "{\"a\":1,}",
                           "01",
                           "0x10",
                           "1e400",
                           "18446744073709551615",
                           "9223372036854775808",
                           "NaN",
                           "[1 2]",
                           "\"\\u0000\"",
                           "\"\\ud800\"",
                           "\"\\udc00\\ud800\"",
                           "\"a\nb\"",
                           "\"\\x\"",
                           "{\"a\":1,\"a\":2}",
                           "nul",
                           "\"\xff\"",
                           "[",
                           "{\"a\"",
                           "-",
                           "1.",
                           ".5",
                           "+1"})
    EXPECT_FALSE(Json::parse(text)) << text;
}

TEST(Json, TakesWhatItAllows) {
  for (const char* text : {"{}", "[]", " null ", "true", "-0.5e-3", "\"\\ud83d\\ude00 é\"",
                           "[[],{},\"\"]", "-9223372036854775808"})
    EXPECT_TRUE(Json::parse(text)) << text;
}

TEST(Json, SurvivesADepthThatOverflowsTheStackOfARecursiveParser) {
  const std::string deep(100'000, '[');
  auto result = Json::parse(deep);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "not JSON: line 1, column 65: expected less depth");
}

TEST(Json, RefusesATextThatIsTooLong) {
  auto result = Json::parse("\"" + std::string(100, 'a') + "\"", {.most_bytes = 50});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "JSON of 102 bytes: expected at most 50");
}

TEST(Json, SaysLineAndColumn) {
  EXPECT_EQ(Json::parse("{\n  \"a\": ?\n}").error().message,
            "not JSON: line 2, column 8: expected a value");
}

TEST(Json, WritesWhatItWasGiven) {
  Json list = Json::array();
  list.add(1).add("two").add(Json());
  const Json value =
      Json::object().set("text", "a\"b").set("n", 5).set("x", 0.5).set("on", true).set("l", list);
  EXPECT_EQ(value.dump(), R"({"text":"a\"b","n":5,"x":0.5,"on":true,"l":[1,"two",null]})");
  EXPECT_EQ(Json::parse(value.dump())->dump(), value.dump());
}

TEST(Json, WritesNumbersThatReadTheSame) {
  for (const char* text : {"5e64", "1e18", "1.0", "-0.0", "0.1", "1e-9", "1.7976931348623157e308",
                           "9223372036854775807"}) {
    const Json value = *Json::parse(text);
    const auto again = Json::parse(value.dump());
    ASSERT_TRUE(again) << text << " became " << value.dump();
    EXPECT_EQ(again->number(), value.number()) << text;
    EXPECT_EQ(again->whole(), value.whole()) << text;
  }
}

TEST(Json, WritesForPeople) {
  const Json list = Json::array().add("line\none\t\x01\x7f\\").add(Json::object());
  EXPECT_EQ(Json::object().set("a", list).dump(true),
            R"({
  "a": [
    "line\none\u0009\u0001\u007f\\",
    {}
  ]
})");
}

TEST(Json, MakesInvalidUtf8Readable) {
  EXPECT_TRUE(Json::parse(Json::of(std::string("a\xff")).dump()));
}

TEST(Json, TakesAViewThatPointsNowhere) {
  EXPECT_EQ(Json::of(std::string_view()).text(), "");
  EXPECT_FALSE(Json::parse(std::string_view()));
}

TEST(Fields, NamesTheFirstMistakeWithItsPath) {
  const auto decode = [](const char* text) {
    Fields f(*Json::parse(text));
    Fields video = f.object("video");
    video.get("width", 640);
    video.get("codec", std::string("vp8"));
    f.absorb(video);
    return f.done();
  };
  EXPECT_TRUE(decode(R"({"video":{"width":5}})"));
  EXPECT_TRUE(decode("{}"));
  EXPECT_EQ(decode(R"({"video":{"heigth":5}})").error().message, "video.heigth: unknown setting");
  EXPECT_EQ(decode(R"({"video":{"width":"5"}})").error().message,
            "video.width: expected a whole number");
  EXPECT_EQ(decode(R"({"video":{"width":1.5}})").error().message,
            "video.width: expected a whole number");
  EXPECT_EQ(decode(R"({"video":{"width":3000000000}})").error().message,
            "video.width: expected a whole number");
  EXPECT_EQ(decode(R"({"video":3})").error().message, "video: expected an object");
  EXPECT_EQ(decode("[]").error().message, "expected an object");
}

TEST(Fields, WantsWhatIsRequired) {
  Fields f(*Json::parse("{}"));
  EXPECT_EQ(f.need<std::string>("type"), "");
  EXPECT_EQ(f.done().error().message, "type: missing, expected a text");
}

TEST(Fields, WalksLists) {
  Fields f(*Json::parse(R"({"l":[1,2],"m":3})"));
  std::string paths;
  f.list("l", [&](const Json&, const std::string& path) { paths += path + " "; });
  EXPECT_EQ(paths, "l[0] l[1] ");
  f.list("m", [&](const Json&, const std::string&) {});
  EXPECT_EQ(f.done().error().message, "m: expected a list");
}

}  // namespace
}  // namespace callbot
