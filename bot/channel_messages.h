// bot/channel_messages.h: chat and files over the data channel "callbot" (signaling/ROOMS.md).
//
// Thread:  loop.
// Owner:   bot::Call, one reader a leg.
// Fails:   kBadInput that says what was expected; the reader goes on with the next message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

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

// Nothing to do, a chat text, or a step of a file's way.
using ChannelEvent = std::variant<std::monostate, ChatText, FileBegin, FileChunk, FileEnd>;

// The other way round. What a file's bytes are cut into: ROOMS.md, 3.
constexpr size_t kFileChunk = size_t{16} * 1024;
std::string chat_message(const std::string& text);
std::string file_message(int64_t id, const std::string& name, uint64_t size);
std::string file_end_message(int64_t id, const std::string& sha256);

class ChannelReader {
 public:
  Result<ChannelEvent> take(bool text, std::string bytes);

 private:
  Result<ChannelEvent> take_text(const std::string& text);
  std::optional<int64_t> file_;  // the id of the file on its way
};

}  // namespace callbot::bot
