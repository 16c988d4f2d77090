#include "bot/channel_messages.h"

#include <fmt/core.h>

#include "base/files.h"
#include "base/json.h"

namespace callbot::bot {

std::string chat_message(const std::string& text) {
  return Json::object().set("type", "chat").set("text", text).dump();
}

std::string file_message(int64_t id, const std::string& name, uint64_t size) {
  return Json::object()
      .set("type", "file")
      .set("id", id)
      .set("name", name)
      .set("size", size)
      .dump();
}

std::string file_end_message(int64_t id, const std::string& sha256) {
  return Json::object().set("type", "file-end").set("id", id).set("sha256", sha256).dump();
}

Result<ChannelEvent> ChannelReader::take(bool text, std::string bytes) {
  if (text) return take_text(bytes);
  if (!file_) return ChannelEvent();
  return ChannelEvent(FileChunk{std::move(bytes)});
}

Result<ChannelEvent> ChannelReader::take_text(const std::string& text) {
  auto json = Json::parse(text, {.most_bytes = 256u << 10, .deepest = 8});
  if (!json) return tl::unexpected(json.error());
  Fields f(*json);
  f.ignore_unknown();
  const auto type = f.need<std::string>("type");
  ChannelEvent event;
  if (type == "chat") {
    event = ChatText{f.need<std::string>("text")};
  } else if (type == "file") {
    file_ = f.need<int64_t>("id");
    event = FileBegin{f.need<std::string>("name"), f.need<uint64_t>("size")};
  } else if (type == "file-end") {
    const auto id = f.need<int64_t>("id");
    FileEnd end{f.get("sha256", std::string())};
    if (f.ok() && file_ == id) event = std::move(end);
    file_.reset();
  } else if (f.ok()) {
    return fail(Code::kBadInput,
                fmt::format("data channel message of type \"{}\": expected chat, file or file-end",
                            printable(type, 40)));
  }
  return f.done().map([&] { return std::move(event); });
}

}  // namespace callbot::bot
