#include "browsers/wire.h"

#include <fmt/core.h>

#include "base/files.h"

namespace callbot::browsers {
namespace {

// Screenshots and a page's statistics are large; they come from a browser that we started.
constexpr JsonLimits kLimits{64u << 20, 128};

// CDP: "error": {"code", "message"}; BiDi: "type": "error", "error": "no such frame", "message".
std::optional<std::string> refusal(const Json& message) {
  const Json error = message.at("error");
  if (error.is_object()) return error.at("message").text().value_or("an error without words");
  if (const auto code = error.text())
    return *code + ": " + message.at("message").text().value_or("");
  return std::nullopt;
}

}  // namespace

Wire::Wire(Loop& loop, const std::string& url, WireHandlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {
  signaling::WebSocketConfig config;
  config.url = url;
  config.most_incoming = kLimits.most_bytes;
  signaling::WebSocketHandlers socket;
  socket.opened = [this] { handlers_.opened(); };
  socket.text = [this](std::string_view text) { take(text); };
  socket.closed = [this](const signaling::WebSocketClosed& how) {
    lost(how.how ? Error{Code::kConnect, "the browser closed the connection"} : how.how.error());
  };
  socket_ = signaling::WebSocket::connect(loop, std::move(config), std::move(socket));
}

void Wire::send(const std::string& method, const Json& params, std::chrono::milliseconds deadline,
                Done done, const std::string& session) {
  if (lost_) {
    loop_.post(
        alive_.guard([done = std::move(done), error = *lost_] { done(tl::unexpected(error)); }));
    return;
  }
  const int64_t id = ++last_id_;
  auto& pending = pending_[id];
  pending = std::make_unique<Pending>();
  pending->method = method;
  pending->done = std::move(done);
  pending->deadline.once(deadline, [this, id, method, deadline] {
    answer(id, fail(Code::kTimeout,
                    fmt::format("{}: no answer within {} ms", method, deadline.count())));
  });
  Json message = Json::object().set("id", id).set("method", method).set("params", params);
  message.set_if(!session.empty(), "sessionId", session);
  socket_->send(message.dump());
}

void Wire::take(std::string_view text) {
  const auto message = Json::parse(text, kLimits);
  if (!message) return;  // a browser says nothing but JSON; the command's deadline will tell
  if (const auto method = message->at("method").text()) return handlers_.event(*method, *message);
  const auto id = message->at("id").whole();
  if (!id) return;
  if (const auto why = refusal(*message))
    return answer(*id, fail(Code::kBadInput, printable(*why, 1000)));
  answer(*id, message->at("result"));
}

void Wire::answer(int64_t id, Result<Json> result) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;  // it came too late
  const auto pending = std::move(found->second);
  pending_.erase(found);
  if (!result) result = tl::unexpected(std::move(result.error()).in(pending->method));
  pending->done(std::move(result));
}

void Wire::lost(const Error& error) {
  lost_ = error;
  give_up(error);
  loop_.post(alive_.guard([this] { handlers_.closed(Error(*lost_)); }));
}

// Each by its own task: one of them may destroy us.
void Wire::give_up(const Error& error) {
  for (auto& [id, p] : std::exchange(pending_, {}))
    loop_.post(alive_.guard([done = std::move(p->done), error] { done(tl::unexpected(error)); }));
}

}  // namespace callbot::browsers
