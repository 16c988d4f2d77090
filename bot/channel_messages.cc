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

std::string clock_question(int64_t id) {
  return Json::object().set("type", "clock-ask").set("id", id).dump();
}

std::string clock_answer(const ClockAnswer& answer) {
  Json marks = Json::array();
  for (const MarksPlan& plan : answer.marks)
    marks.add(
        Json::object().set("source", plan.source).set("start", plan.start_ms).set("fps", plan.fps));
  return Json::object()
      .set("type", "clock")
      .set("id", answer.id)
      .set("at", answer.at_ms)
      .set("marks", marks)
      .dump();
}

namespace {

constexpr double kMostClock_ms = 1e13;  // 300 years
constexpr const char* kTime = "expected milliseconds";
constexpr double kLeastRate = 0.1, kMostRate = 1000;

ClockAnswer read_clock(Fields& f) {
  const auto is_time = [](double ms) { return ms >= 0 && ms <= kMostClock_ms; };
  ClockAnswer answer{f.need<int64_t>("id"), f.need<double>("at"), {}};
  if (f.ok() && !is_time(answer.at_ms)) f.complain("at", kTime);
  f.list("marks", [&](const Json& json, const std::string& path) {
    Fields plan(json, path);
    plan.ignore_unknown();
    const auto source = plan.need<int64_t>("source");
    const MarksPlan one{static_cast<uint16_t>(source), plan.need<double>("start"),
                        plan.need<double>("fps")};
    if (plan.ok() && (source < 0 || source > UINT16_MAX))
      plan.complain("source", "expected a number from 0 to 65535");
    if (plan.ok() && !is_time(one.start_ms)) plan.complain("start", kTime);
    if (plan.ok() && !(one.fps >= kLeastRate && one.fps <= kMostRate))
      plan.complain("fps", "expected a number from 0.1 to 1000");
    f.absorb(plan);
    answer.marks.push_back(one);
  });
  return answer;
}

}  // namespace

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
  } else if (type == "clock-ask") {
    event = ClockQuestion{f.need<int64_t>("id")};
  } else if (type == "clock") {
    event = read_clock(f);
  } else if (f.ok()) {
    return fail(Code::kBadInput,
                fmt::format("data channel message of type \"{}\": expected chat, file, file-end, "
                            "clock-ask or clock",
                            printable(type, 40)));
  }
  return f.done().map([&] { return std::move(event); });
}

}  // namespace callbot::bot
