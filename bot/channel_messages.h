// bot/channel_messages.h: chat, files and clocks over the data channel "callbot"
// (signaling/ROOMS.md).
//
// Thread:  loop.
// Owner:   bot::Call, one reader a leg.
// Fails:   kBadInput that says what was expected; the reader goes on with the next message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"

namespace callbot::bot {

struct ChatText {
  std::string text;
};
struct FileBegin {
  std::string name;  // as the sender calls it: not a path to write to
  uint64_t size = 0;
};
struct FileChunk {
  std::string bytes;
};
struct FileEnd {
  std::string sha256;  // as the sender says; empty if it does not
};

struct ClockQuestion {
  int64_t id = 0;
};
// Frame n of this source's marks is captured at start + n / fps.
struct MarksPlan {
  uint16_t source = 0;
  double start_ms = 0, fps = 0;
};
// Times of CLOCK_MONOTONIC of who answers, in ms.
struct ClockAnswer {
  int64_t id = 0;
  double at_ms = 0;
  std::vector<MarksPlan> marks;  // that it sends
};

// Nothing to do, a chat text, a step of a file's way, or something about clocks.
using ChannelEvent = std::variant<std::monostate, ChatText, FileBegin, FileChunk, FileEnd,
                                  ClockQuestion, ClockAnswer>;

// The other way round. What a file's bytes are cut into: ROOMS.md, 3.
constexpr size_t kFileChunk = size_t{16} * 1024;
std::string chat_message(const std::string& text);
std::string file_message(int64_t id, const std::string& name, uint64_t size);
std::string file_end_message(int64_t id, const std::string& sha256);
std::string clock_question(int64_t id);
std::string clock_answer(const ClockAnswer& answer);

class ChannelReader {
 public:
  Result<ChannelEvent> take(bool text, std::string bytes);

 private:
  Result<ChannelEvent> take_text(const std::string& text);
  std::optional<int64_t> file_;  // the id of the file on its way
};

}  // namespace callbot::bot
