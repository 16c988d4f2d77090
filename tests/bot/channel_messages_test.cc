#include "bot/channel_messages.h"

#include <gtest/gtest.h>

namespace callbot::bot {
namespace {

template <class T>
const T* as(const Result<ChannelEvent>& event) {
  return event ? std::get_if<T>(&*event) : nullptr;
}

TEST(ChannelReader, ReadsChat) {
  ChannelReader reader;
  const auto event = reader.take(true, R"({"type":"chat","text":"hello","from":"later versions"})");
  ASSERT_NE(as<ChatText>(event), nullptr);
  EXPECT_EQ(as<ChatText>(event)->text, "hello");
}

TEST(ChannelReader, ReadsAFileFromItsBeginningToItsEnd) {
  ChannelReader reader;
  const auto begin = reader.take(true, R"({"type":"file","id":7,"name":"a.pdf","size":3})");
  ASSERT_NE(as<FileBegin>(begin), nullptr);
  EXPECT_EQ(as<FileBegin>(begin)->name, "a.pdf");
  EXPECT_EQ(as<FileBegin>(begin)->size, 3u);
  const auto chunk = reader.take(false, "abc");
  ASSERT_NE(as<FileChunk>(chunk), nullptr);
  EXPECT_EQ(as<FileChunk>(chunk)->bytes, "abc");
  const auto end = reader.take(true, R"({"type":"file-end","id":7,"sha256":"00"})");
  ASSERT_NE(as<FileEnd>(end), nullptr);
  EXPECT_EQ(as<FileEnd>(end)->sha256, "00");
}

TEST(ChannelReader, IgnoresBytesOfNoFileAndTheEndOfAnotherOne) {
  ChannelReader reader;
  EXPECT_NE(as<std::monostate>(reader.take(false, "abc")), nullptr);
  reader.take(true, R"({"type":"file","id":1,"name":"a","size":3})");
  EXPECT_NE(as<std::monostate>(reader.take(true, R"({"type":"file-end","id":2,"sha256":""})")),
            nullptr);
}

TEST(ChannelReader, UnderstandsWhatWeSend) {
  ChannelReader reader;
  const auto chat = reader.take(true, chat_message("\"hi\" {"));
  ASSERT_NE(as<ChatText>(chat), nullptr);
  EXPECT_EQ(as<ChatText>(chat)->text, "\"hi\" {");
  const auto begin = reader.take(true, file_message(7, "a b.pdf", 3));
  ASSERT_NE(as<FileBegin>(begin), nullptr);
  EXPECT_EQ(as<FileBegin>(begin)->name, "a b.pdf");
  EXPECT_EQ(as<FileBegin>(begin)->size, 3u);
  const auto end = reader.take(true, file_end_message(7, "ab"));
  ASSERT_NE(as<FileEnd>(end), nullptr);
  EXPECT_EQ(as<FileEnd>(end)->sha256, "ab");
}

TEST(ChannelReader, UnderstandsQuestionsAndAnswersAboutClocks) {
  ChannelReader reader;
  const auto question = reader.take(true, clock_question(7));
  ASSERT_NE(as<ClockQuestion>(question), nullptr);
  EXPECT_EQ(as<ClockQuestion>(question)->id, 7);
  const auto answer = reader.take(true, clock_answer({7, 86400000.123456, {{500, 12.5, 29.97}}}));
  ASSERT_NE(as<ClockAnswer>(answer), nullptr);
  EXPECT_EQ(as<ClockAnswer>(answer)->id, 7);
  EXPECT_DOUBLE_EQ(as<ClockAnswer>(answer)->at_ms, 86400000.123456);
  ASSERT_EQ(as<ClockAnswer>(answer)->marks.size(), 1U);
  EXPECT_EQ(as<ClockAnswer>(answer)->marks[0].source, 500);
  EXPECT_DOUBLE_EQ(as<ClockAnswer>(answer)->marks[0].start_ms, 12.5);
  EXPECT_DOUBLE_EQ(as<ClockAnswer>(answer)->marks[0].fps, 29.97);
  EXPECT_EQ(
      reader
          .take(true, R"({"type":"clock","id":1,"at":2,"marks":[{"source":1,"start":0,"fps":0}]})")
          .error()
          .message,
      "marks[0].fps: expected a number from 0.1 to 1000");
}

TEST(ChannelReader, SaysWhatItExpectedAndGoesOn) {
  ChannelReader reader;
  EXPECT_EQ(reader.take(true, "hi").error().message,
            "not JSON: line 1, column 1: expected a value");
  EXPECT_EQ(reader.take(true, R"({"type":"chat"})").error().message,
            "text: missing, expected a text");
  EXPECT_EQ(reader.take(true, R"({"type":"file","id":"x","name":"a","size":1})").error().message,
            "id: expected a whole number");
  EXPECT_EQ(reader.take(true, R"({"type":"file","id":1,"name":"a","size":-1})").error().message,
            "size: expected a whole number");
  EXPECT_EQ(reader.take(true, R"({"type":"dance"})").error().message,
            "data channel message of type \"dance\": expected chat, file, file-end, "
            "clock-ask or clock");
  EXPECT_FALSE(reader.take(true, std::string(100'000, '[')));
  EXPECT_TRUE(reader.take(true, R"({"type":"chat","text":"still here"})"));
}

}  // namespace
}  // namespace callbot::bot
