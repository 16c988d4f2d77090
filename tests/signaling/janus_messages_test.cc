#include "signaling/janus_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callbot::signaling::janus {
namespace {

using testing::HasSubstr;

Result<Address> address_of(const std::string& url, const std::string& token = "") {
  JoinConfig config;
  config.url = url;
  config.token = token;
  return parse_janus_address(config);
}

TEST(JanusAddress, WhatStandsInTheUrl) {
  const auto plain = address_of("janus+ws://host:8188/janus?room=1234");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->url, "ws://host:8188/janus");
  EXPECT_EQ(plain->room, (Id{"1234", true}));
  EXPECT_EQ(plain->pin + plain->api_secret + plain->token, "");

  const auto full =
      address_of("janus+wss://[::1]/deep/path?pin=a%26b&room=my%20room&secret=s&token=t", "unused");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->url, "wss://[::1]/deep/path");
  EXPECT_EQ(full->room, (Id{"my room", false}));
  EXPECT_EQ(full->pin, "a&b");
  EXPECT_EQ(full->api_secret, "s");
  EXPECT_EQ(full->token, "t");

  const auto by_flag = address_of("janus+ws://host?room=x1&apisecret=s", "pin");
  ASSERT_TRUE(by_flag);
  EXPECT_EQ(by_flag->url, "ws://host/janus");
  EXPECT_EQ(by_flag->pin, "pin");
  EXPECT_EQ(by_flag->api_secret, "s");
}

TEST(JanusAddress, MistakesAreSaid) {
  for (const auto& [url, why] : {std::pair{"janus+ws://host/janus", "no room"},
                                 {"janus+ws://host/janus?room=", "no room"},
                                 {"janus+ws:///janus?room=1", "no host"},
                                 {"ws://host/janus?room=1", "does not begin"},
                                 {"janus+ws://host/janus?rom=1", "rom"},

                                 {"janus+ws://host/janus?room=%ff", "janus"},
                                 {"", "janus"}}) {
    const auto address = address_of(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().code, Code::kUsage);
    EXPECT_THAT(address.error().message, HasSubstr(why));
  }
}

TEST(JanusAddress, IdsAreGivenBackAsTheyCame) {
  for (const char* text : {"5", "9007199254740991", "\"5\"", "\"a room\""}) {
    const auto id = id_of(Json::parse(text).value());
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->json().dump(), text);
  }
  for (const char* text : {"null", "\"\"", "{}", "1.5", "true"})
    EXPECT_FALSE(id_of(Json::parse(text).value())) << text;
  EXPECT_FALSE(address_of("janus+ws://h/?room=99999999999999999999")->room.number);
}

TEST(JanusMessages, FeedsWithTheirStreams) {
  const auto feeds = feeds_of(Json::parse(R"([
    {"id":7,"display":"Ann","streams":[
       {"type":"audio","mindex":0,"mid":"a","codec":"opus"},
       {"type":"video","mindex":1,"mid":"v","codec":"vp8","description":"screen"},
       {"type":"video","mindex":2,"mid":"gone","disabled":true},
       {"type":"data","mindex":3,"mid":"d"},
       {"type":"video"}, 5]},
    {"id":8,"dummy":true,"streams":[{"type":"video","mid":"0"}]},
    {"display":"nobody"}, {"id":{}}, null, "x",
    {"id":"nine","streams":"none"}])")
                                  .value(),
                              true);
  ASSERT_EQ(feeds.size(), 2U);
  EXPECT_EQ(feeds[0].name, "Ann");
  ASSERT_EQ(feeds[0].streams.size(), 2U);
  EXPECT_EQ(feeds[0].streams[0].mid, "a");
  EXPECT_EQ(feeds[0].streams[0].kind, MediaKind::kAudio);
  EXPECT_EQ(source_of(feeds[0].streams[1].description), "screen");
  EXPECT_EQ(feeds[1].id, (Id{"nine", false}));
  EXPECT_TRUE(feeds[1].streams.empty());
}

TEST(JanusMessages, WhatWeAreSubscribedTo) {
  const auto streams = subscribed_of(Json::parse(R"([
    {"mid":"0","mindex":0,"type":"audio","feed_id":7,"feed_mid":"a","feed_display":"Ann",
     "active":true,"ready":false,"send":true},
    {"mid":"1","mindex":1,"type":"video","active":false,"ready":false,"send":true},
    {"mid":"2","feed_id":7,"feed_mid":"v","feed_description":"camera"},
    {"mid":"3","active":true}, {"mindex":4}, null])")
                                         .value());
  ASSERT_EQ(streams.size(), 4U);
  EXPECT_TRUE(streams[0].active);
  EXPECT_EQ(streams[0].feed, (Id{"7", true}));
  EXPECT_EQ(streams[0].name, "Ann");
  EXPECT_FALSE(streams[1].active);
  EXPECT_TRUE(streams[2].active);
  EXPECT_EQ(streams[2].description, "camera");
  EXPECT_FALSE(streams[3].active) << "active, but nobody's";
}

TEST(JanusMessages, CandidatesBothWays) {
  const auto one = candidates_of(
      Json::parse(
          R"({"candidate":{"sdpMid":"0","sdpMLineIndex":1,"candidate":"candidate:1 1 udp"}})")
          .value(),
      3);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].text, "candidate:1 1 udp");
  EXPECT_EQ(one[0].mid, "0");
  EXPECT_EQ(one[0].mline, 1U);
  EXPECT_EQ(one[0].generation, 3U);
  EXPECT_EQ(trickle_of(one[0]).dump(),
            R"({"candidate":"candidate:1 1 udp","sdpMid":"0","sdpMLineIndex":1})");

  const auto end = candidates_of(Json::parse(R"({"candidate":{"completed":true}})").value(), 1);
  ASSERT_EQ(end.size(), 1U);
  EXPECT_EQ(end[0].text, "");
  EXPECT_EQ(trickle_of(end[0]).dump(), R"({"completed":true})");

  EXPECT_EQ(candidates_of(Json::parse(R"({"candidates":[{"candidate":"candidate:1"},
      {"candidate":""},{"completed":true},7,{"sdpMLineIndex":-5,"candidate":"candidate:2"}]})")
                              .value(),
                          1)
                .size(),
            3U);
  EXPECT_TRUE(candidates_of(Json::parse(R"({"candidate":"text"})").value(), 1).empty());
}

}  // namespace
}  // namespace callbot::signaling::janus
