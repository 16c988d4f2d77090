#include "signaling/janus.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <map>

#include "base/alive.h"
#include "base/clock.h"
#include "base/files.h"
#include "signaling/websocket.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;

constexpr int kUnauthorized = 403;  // apierror.h of Janus 1.1
constexpr int kNoSuchSession = 458;
constexpr auto kCloseWithin = 3s;

using Done = std::function<void(JanusResult<Json>)>;

tl::unexpected<JanusFailure> failure(const Error& error) {
  return tl::unexpected(JanusFailure{0, error});
}

JanusFailure failure_of(int code, const std::string& reason) {
  const Code kind = code == kUnauthorized ? Code::kDenied : Code::kConnect;
  const std::string advice = code == kUnauthorized
                                 ? "; it wants its API secret (?secret=...) or a token (?token=...)"
                                 : "";
  return {code, {kind, fmt::format("Janus refused: {} ({}){}", printable(reason), code, advice)}};
}

// The plugin's data, or its error, which comes as a success or an event too.
JanusResult<JanusEvent> event_of(const Json& message) {
  JanusEvent event;
  event.handle = JanusHandle{message.at("sender").whole().value_or(0)};
  event.type = message.at("janus").text().value_or("");
  const Json plugin = message.at("plugindata");
  event.data = plugin.is_object() ? plugin.at("data") : message;
  if (const auto code = event.data.at("error_code").whole())
    return tl::unexpected(
        failure_of(static_cast<int>(*code), event.data.at("error").text().value_or("")));
  const Json jsep = message.at("jsep");
  event.jsep_type = jsep.at("type").text().value_or("");
  event.sdp = jsep.at("sdp").text().value_or("");
  return event;
}

}  // namespace

struct JanusSession::Impl {
  Impl(Loop& the_loop, Log log, JanusConfig config, JanusHandlers handlers)
      : loop(the_loop),
        log_(std::move(log)),
        config_(std::move(config)),
        handlers_(std::move(handlers)) {}

  void start();
  void close(std::function<void()> done);
  // `ack_is_reply`: keepalive and trickle get nothing but the acknowledgement.
  void request(Json message, bool ack_is_reply, Done done);
  bool up() const { return session_ != 0 && !closing_; }

  Loop& loop;

 private:
  struct Pending {
    bool ack_is_reply = false;
    Done done;
    Timer deadline;
  };

  void connect();
  void create();
  void adapt_keepalive();
  void created(int64_t session);
  void keep_alive();
  void received(std::string_view text);
  void settle(const std::string& transaction, JanusResult<Json> result);
  void dispatch(const std::string& type, const Json& message);
  void lost(const Error& error);
  void retry(const Error& error);
  void fail_for_good(const Error& error);
  void fail_pending(const Error& error);
  void closed_for_good();

  Log log_;
  JanusConfig config_;
  JanusHandlers handlers_;
  std::unique_ptr<WebSocket> socket_;
  int64_t session_ = 0;  // 0: there is none
  bool established_once_ = false;
  bool closing_ = false;
  bool ended_ = false;
  std::function<void()> closed_;
  std::map<std::string, std::unique_ptr<Pending>> pending_;
  uint64_t requests_ = 0;
  int64_t lost_since_ns_ = 0;
  std::chrono::milliseconds next_retry_{0};
  Timer deadline_;
  Timer keepalive_;
  Timer retry_;
  Alive alive_;
};

void JanusSession::Impl::start() {
  deadline_.once(config_.deadline, [this] {
    fail_for_good({Code::kTimeout, fmt::format("{}: no Janus session within {} ms",
                                               printable(config_.url), config_.deadline.count())});
  });
  connect();
}

void JanusSession::Impl::connect() {
  WebSocketConfig config{.url = config_.url,
                         .protocol = "janus-protocol",
                         .trust = config_.trust,
                         .deadline = config_.deadline};
  socket_ = WebSocket::connect(
      loop, std::move(config),
      {.opened = [this] { create(); },
       .text = [this](std::string_view text) { received(text); },
       .closed =
           [this](const WebSocketClosed& closed) {
             if (closing_) return closed_for_good();
             lost(closed.how ? Error{Code::kConnect, "Janus closed the connection"}
                             : closed.how.error());
           }});
}

void JanusSession::Impl::create() {
  request(Json::object().set("janus", "create"), false, [this](JanusResult<Json> reply) {
    // Without a socket the loss is what made this fail, and is being seen to.
    if (!reply && socket_ == nullptr) return;
    if (!reply) return lost(reply.error().error);
    const int64_t session = reply->at("data").at("id").whole().value_or(0);
    if (session == 0) return lost({Code::kBadInput, "Janus created a session without an id"});
    created(session);
  });
}

void JanusSession::Impl::created(int64_t session) {
  session_ = session;
  established_once_ = true;
  next_retry_ = 0ms;
  deadline_.stop();
  keepalive_.every(config_.keepalive, [this] { keep_alive(); });
  adapt_keepalive();
  auto handler = handlers_.established;
  handler();
}

// A server may be set up to end silent sessions sooner than by default.
void JanusSession::Impl::adapt_keepalive() {
  request(Json::object().set("janus", "info"), false, [this](JanusResult<Json> reply) {
    if (!reply) return;
    const auto seconds = reply->at("session-timeout").whole().value_or(0);
    const auto most = std::chrono::milliseconds(seconds * 1000 / 3);
    if (seconds <= 0 || most >= config_.keepalive) return;
    keepalive_.every(most, [this] { keep_alive(); });
  });
}

void JanusSession::Impl::keep_alive() {
  request(Json::object().set("janus", "keepalive"), true, [this](JanusResult<Json> reply) {
    // Code 458 is handled where replies come in.
    if (!reply && socket_ && reply.error().error.code == Code::kTimeout) lost(reply.error().error);
  });
}

void JanusSession::Impl::request(Json message, bool ack_is_reply, Done done) {
  const std::string transaction = fmt::format("{}", ++requests_);
  const std::string what = message.at("janus").text().value_or("");
  if (socket_ == nullptr || !socket_->open()) {
    loop.post(alive_.guard([done = std::move(done)] {
      done(failure({Code::kConnect, "there is no connection to Janus"}));
    }));
    return;
  }
  message.set("transaction", transaction);
  if (session_ != 0) message.set("session_id", session_);
  if (!config_.api_secret.empty()) message.set("apisecret", config_.api_secret);
  if (!config_.token.empty()) message.set("token", config_.token);

  auto pending = std::make_unique<Pending>();
  pending->ack_is_reply = ack_is_reply;
  pending->done = std::move(done);
  pending->deadline.once(config_.transaction, [this, transaction, what] {
    settle(transaction,
           failure({Code::kTimeout, fmt::format("Janus did not answer \"{}\" within {} ms", what,
                                                config_.transaction.count())}));
  });
  pending_.emplace(transaction, std::move(pending));
  socket_->send(message.dump());
}

void JanusSession::Impl::settle(const std::string& transaction, JanusResult<Json> result) {
  auto node = pending_.extract(transaction);
  if (node.empty()) return;
  // Whatever the caller does first, a session that is no more is no more.
  const bool gone = session_ != 0 && !result && result.error().code == kNoSuchSession;
  auto after = alive_.guard([this, gone, session = session_] {
    if (gone && session == session_) lost({Code::kConnect, "Janus has ended the session"});
  });
  node.mapped()->done(std::move(result));
  after();
}

void JanusSession::Impl::received(std::string_view text) {
  auto message = Json::parse(text);
  if (!message || !message->is_object()) {
    const std::string why = message ? "not an object" : message.error().message;
    if (!established_once_)
      return lost({Code::kBadInput, fmt::format("this server does not speak Janus: {}", why)});
    log_.warn("ignored a message of {} bytes from Janus: {}", text.size(), why);
    return;
  }
  const std::string type = message->at("janus").text().value_or("");
  const std::string transaction = message->at("transaction").text().value_or("");
  const auto pending = pending_.find(transaction);
  const bool ours = pending != pending_.end();
  if (type == "ack") {
    if (ours && pending->second->ack_is_reply) settle(transaction, std::move(*message));
  } else if (type == "error") {
    const Json error = message->at("error");
    const auto failed = failure_of(static_cast<int>(error.at("code").whole().value_or(0)),
                                   error.at("reason").text().value_or("no reason given"));
    if (ours) return settle(transaction, tl::unexpected(failed));
    log_.warn("{}", failed.error.message);
  } else if (ours && (type == "success" || type == "event" || type == "server_info")) {
    settle(transaction, std::move(*message));
  } else if (message->at("session_id").whole().value_or(session_) == session_) {
    dispatch(type, *message);
  }
}

void JanusSession::Impl::dispatch(const std::string& type, const Json& message) {
  if (!up()) return;
  if (type == "timeout") return lost({Code::kConnect, "Janus has ended the silent session"});
  auto event = event_of(message);
  if (!event) {
    log_.warn("an event of Janus says: {}", event.error().error.message);
    return;
  }
  auto handler = handlers_.event;
  handler(*event);
}

void JanusSession::Impl::lost(const Error& error) {
  if (closing_ || ended_) return;
  const bool had_session = session_ != 0;
  session_ = 0;
  keepalive_.stop();
  socket_ = nullptr;
  // Each of these may destroy us.
  auto pend = alive_.guard([this, error] { fail_pending(error); });
  auto tell = alive_.guard([this, error, had_session] {
    if (!had_session || !established_once_) return;
    lost_since_ns_ = monotonic_ns();
    auto handler = handlers_.lost;
    handler(error);
  });
  auto again = alive_.guard([this, error] { retry(error); });
  pend();
  tell();
  again();
}

void JanusSession::Impl::fail_pending(const Error& error) {
  auto pending = std::exchange(pending_, {});
  auto settle_one = alive_.guard([&](Pending& one) { one.done(failure(error)); });
  for (auto& [transaction, one] : pending) settle_one(*one);
}

void JanusSession::Impl::retry(const Error& error) {
  if (closing_ || ended_) return;
  const bool hopeless = error.code == Code::kDenied || error.code == Code::kUsage;
  if (!established_once_ || hopeless) return fail_for_good(error);
  const auto so_far = std::chrono::nanoseconds(monotonic_ns() - lost_since_ns_);
  if (so_far >= config_.reconnect_for)
    return fail_for_good(
        {Code::kConnect, fmt::format("Janus was lost and did not come back within {} s: {}",
                                     config_.reconnect_for.count() / 1000, error.message)});
  next_retry_ = std::clamp(next_retry_ * 2, config_.first_retry, config_.longest_retry);
  // Half of it random: all who lost a server must not come back to it at the same instant.
  const auto delay = next_retry_ / 2 + std::chrono::milliseconds(g_random_int_range(
                                           0, static_cast<int>(next_retry_.count() / 2) + 1));
  log_.info("connecting again in {} ms: {}", delay.count(), error.message);
  retry_.once(delay, [this] { connect(); });
}

void JanusSession::Impl::fail_for_good(const Error& error) {
  if (closing_ || ended_) return;
  ended_ = true;
  deadline_.stop();
  keepalive_.stop();
  session_ = 0;
  socket_ = nullptr;
  pending_.clear();
  auto handler = handlers_.failed;
  handler(error);
}

void JanusSession::Impl::close(std::function<void()> done) {
  if (closing_) return;
  closed_ = std::move(done);
  keepalive_.stop();
  retry_.stop();
  pending_.clear();
  deadline_.once(kCloseWithin, [this] { closed_for_good(); });
  if (socket_ == nullptr || ended_) {
    closing_ = true;
    loop.post(alive_.guard([this] { closed_for_good(); }));
    return;
  }
  if (session_ != 0)
    request(Json::object().set("janus", "destroy"), false,
            [this](JanusResult<Json>) { socket_->close(); });
  else
    socket_->close();
  closing_ = true;
}

void JanusSession::Impl::closed_for_good() {
  deadline_.stop();
  pending_.clear();
  ended_ = true;
  if (auto done = std::exchange(closed_, nullptr)) done();
}

JanusSession::JanusSession(Loop& loop, Log log, JanusConfig config, JanusHandlers handlers)
    : impl_(std::make_unique<Impl>(loop, std::move(log), std::move(config), std::move(handlers))) {}
JanusSession::~JanusSession() = default;

void JanusSession::start() { impl_->start(); }
void JanusSession::close(std::function<void()> done) { impl_->close(std::move(done)); }

void JanusSession::attach(const std::string& plugin,
                          std::function<void(JanusResult<JanusHandle>)> done) {
  impl_->request(Json::object().set("janus", "attach").set("plugin", plugin), false,
                 [done = std::move(done)](JanusResult<Json> reply) {
                   if (!reply) return done(tl::unexpected(reply.error()));
                   const int64_t id = reply->at("data").at("id").whole().value_or(0);
                   if (id == 0)
                     return done(failure({Code::kBadInput, "Janus gave a handle without an id"}));
                   done(JanusHandle{id});
                 });
}

void JanusSession::message(JanusHandle handle, Json body, const Jsep* jsep,
                           std::function<void(JanusResult<JanusEvent>)> done) {
  Json message = Json::object()
                     .set("janus", "message")
                     .set("handle_id", static_cast<int64_t>(handle))
                     .set("body", body);
  if (jsep != nullptr)
    message.set("jsep", Json::object().set("type", jsep->type).set("sdp", jsep->sdp));
  impl_->request(std::move(message), false, [done = std::move(done)](JanusResult<Json> reply) {
    if (!reply) return done(tl::unexpected(reply.error()));
    done(event_of(*reply));
  });
}

void JanusSession::trickle(JanusHandle handle, Json candidate) {
  impl_->request(Json::object()
                     .set("janus", "trickle")
                     .set("handle_id", static_cast<int64_t>(handle))
                     .set("candidate", candidate),
                 true, [](JanusResult<Json>) {});
}

void JanusSession::detach(JanusHandle handle) {
  impl_->request(
      Json::object().set("janus", "detach").set("handle_id", static_cast<int64_t>(handle)), false,
      [](JanusResult<Json>) {});
}

}  // namespace callbot::signaling
