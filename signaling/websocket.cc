#include "signaling/websocket.h"

#include <fmt/core.h>

#include <optional>

#include "base/alive.h"
#include "base/files.h"
#include "signaling/soup_client.h"

namespace callbot::signaling {
namespace {

using Answer = std::function<void(GAsyncResult*)>;

void answered(GObject*, GAsyncResult* result, gpointer answer) {
  std::unique_ptr<Answer> owned(static_cast<Answer*>(answer));
  (*owned)(result);
}

// 123 bytes fit into a control frame (RFC 6455, 5.5), and they have to be UTF-8.
std::string goodbye(std::string_view reason) {
  if (reason.empty()) return {};
  const std::string text = printable(reason).substr(0, 123);
  const char* end = nullptr;
  g_utf8_validate(text.data(), static_cast<gssize>(text.size()), &end);
  return text.substr(0, static_cast<size_t>(end - text.data()));
}

GRef<SoupMessage> make_message(const WebSocketConfig& config, GUri* uri) {
  auto message = GRef<SoupMessage>::adopt(soup_message_new_from_uri(SOUP_METHOD_GET, uri));
  soup_message_add_flags(message.get(), SOUP_MESSAGE_NO_REDIRECT);
  auto* headers = soup_message_get_request_headers(message.get());
  for (const auto& [name, value] : config.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
  return message;
}

}  // namespace

struct WebSocket::Impl {
  Impl(Loop& loop, WebSocketConfig config, WebSocketHandlers handlers)
      : loop_(loop), config_(std::move(config)), handlers_(std::move(handlers)) {}
  ~Impl() {
    g_cancellable_cancel(cancel_.get());
    drop();
  }

  void start();
  void send(std::string_view text);
  void close(int code, std::string_view reason);
  bool open() const {
    return connection_ && !closing_ &&
           soup_websocket_connection_get_state(connection_.get()) == SOUP_WEBSOCKET_STATE_OPEN;
  }

  std::string waits_for() const;

 private:
  Result<> try_start();
  void handshake_done(GAsyncResult* result);
  Error handshake_error(const GError* error, int status) const;
  void listen();
  void drop();
  void heard();
  // The last call of all; the handler may destroy us.
  void finish(WebSocketClosed closed);

  static void on_message(SoupWebsocketConnection*, int type, GBytes* bytes, gpointer self);
  static void on_pong(SoupWebsocketConnection*, GBytes*, gpointer self);
  static void on_error(SoupWebsocketConnection*, GError* error, gpointer self);
  static void on_closed(SoupWebsocketConnection*, gpointer self);

  Loop& loop_;
  WebSocketConfig config_;
  WebSocketHandlers handlers_;
  Uri uri_;
  GRef<SoupSession> session_;
  GRef<SoupMessage> message_;
  std::unique_ptr<ServerCheck> check_;
  GRef<GCancellable> cancel_ = GRef<GCancellable>::adopt(g_cancellable_new());
  GRef<SoupWebsocketConnection> connection_;
  bool was_open_ = false;
  bool closing_ = false;
  bool finished_ = false;
  std::optional<Error> error_;  // what libsoup complained of before it closed
  Timer deadline_;
  Timer dead_;
  Alive alive_;
};

void WebSocket::Impl::start() {
  if (auto started = try_start(); !started)
    loop_.post(
        alive_.guard([this, error = started.error()] { finish({.how = tl::unexpected(error)}); }));
}

Result<> WebSocket::Impl::try_start() {
  auto uri = parse_url(config_.url, "ws", "wss");
  if (!uri) return tl::unexpected(uri.error());
  uri_ = std::move(*uri);
  auto check = ServerCheck::create(config_.trust);
  if (!check) return tl::unexpected(check.error());
  check_ = std::move(*check);

  session_ = make_session();
  message_ = make_message(config_, uri_.get());
  check_->watch(message_.get());
  deadline_.once(config_.deadline, [this] {
    g_cancellable_cancel(cancel_.get());
    finish({.how = fail(Code::kTimeout, fmt::format("{}: not open within {} ms: waited for {}",
                                                    printable(config_.url),
                                                    config_.deadline.count(), waits_for()))});
  });
  const char* protocols[] = {config_.protocol.c_str(), nullptr};
  auto answer = std::make_unique<Answer>(
      alive_.guard([this](GAsyncResult* result) { handshake_done(result); }));
  soup_session_websocket_connect_async(
      session_.get(), message_.get(), nullptr,
      config_.protocol.empty() ? nullptr : const_cast<char**>(protocols), G_PRIORITY_DEFAULT,
      cancel_.get(), answered, answer.release());
  return {};
}

void WebSocket::Impl::handshake_done(GAsyncResult* result) {
  GError* raw = nullptr;
  connection_ = GRef<SoupWebsocketConnection>::adopt(
      soup_session_websocket_connect_finish(session_.get(), result, &raw));
  const ErrorPtr error(raw);
  if (finished_) return drop();
  deadline_.stop();
  if (!connection_) {
    const int status = static_cast<int>(soup_message_get_status(message_.get()));
    return finish({.status = status, .how = tl::unexpected(handshake_error(error.get(), status))});
  }
  was_open_ = true;
  listen();
  heard();
  auto handler = handlers_.opened;
  if (handler) handler();
}

std::string WebSocket::Impl::waits_for() const { return check_ ? check_->waits_for() : ""; }

Error WebSocket::Impl::handshake_error(const GError* error, int status) const {
  const std::string host = g_uri_get_host(uri_.get());
  const char* phrase = soup_status_get_phrase(static_cast<guint>(status));
  if (status == SOUP_STATUS_UNAUTHORIZED || status == SOUP_STATUS_FORBIDDEN)
    return {Code::kDenied, fmt::format("{} refused us: {} {}", host, status, phrase)};
  if (status == SOUP_STATUS_SWITCHING_PROTOCOLS && !config_.protocol.empty())
    return {Code::kConnect, fmt::format("{} does not speak \"{}\": {}", host, config_.protocol,
                                        error != nullptr ? error->message : "")};
  if (status != SOUP_STATUS_NONE)
    return {Code::kConnect, fmt::format("{} opened no WebSocket at {}: it answered {} {}", host,
                                        printable(g_uri_get_path(uri_.get())), status, phrase)};
  return check_->explain(error, host);
}

void WebSocket::Impl::listen() {
  auto* connection = connection_.get();
  soup_websocket_connection_set_max_incoming_payload_size(connection, config_.most_incoming);
  soup_websocket_connection_set_keepalive_interval(connection,
                                                   static_cast<guint>(config_.keepalive.count()));
  g_signal_connect(connection, "message", G_CALLBACK(on_message), this);
  g_signal_connect(connection, "pong", G_CALLBACK(on_pong), this);
  g_signal_connect(connection, "error", G_CALLBACK(on_error), this);
  g_signal_connect(connection, "closed", G_CALLBACK(on_closed), this);
}

void WebSocket::Impl::drop() {
  if (!connection_) return;
  g_signal_handlers_disconnect_by_data(connection_.get(), this);
  // libsoup would wait for the other end before it lets go of a connection that is still open.
  g_io_stream_close_async(soup_websocket_connection_get_io_stream(connection_.get()),
                          G_PRIORITY_DEFAULT, nullptr, nullptr, nullptr);
  connection_ = nullptr;
}

void WebSocket::Impl::heard() {
  if (config_.dead_after.count() == 0 || closing_) return;
  dead_.once(config_.dead_after, [this] {
    drop();
    finish({.how = fail(Code::kTimeout,
                        fmt::format("{} said nothing for {} ms", g_uri_get_host(uri_.get()),
                                    config_.dead_after.count()))});
  });
}

void WebSocket::Impl::finish(WebSocketClosed closed) {
  if (finished_) return;
  finished_ = true;
  deadline_.stop();
  dead_.stop();
  closed.was_open = was_open_;
  auto handler = handlers_.closed;
  if (handler) handler(closed);
}

void WebSocket::Impl::on_message(SoupWebsocketConnection* connection, int type, GBytes* bytes,
                                 gpointer self) {
  auto& impl = *static_cast<Impl*>(self);
  impl.heard();
  if (impl.closing_) return;
  if (type != SOUP_WEBSOCKET_DATA_TEXT) {
    impl.closing_ = true;
    impl.error_ = Error{Code::kBadInput, "the server sent a binary message"};
    soup_websocket_connection_close(connection, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, "text only");
    return;
  }
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  auto handler = impl.handlers_.text;
  if (handler) handler(std::string_view(data, size));
}

void WebSocket::Impl::on_pong(SoupWebsocketConnection*, GBytes*, gpointer self) {
  static_cast<Impl*>(self)->heard();
}

void WebSocket::Impl::on_error(SoupWebsocketConnection*, GError* error, gpointer self) {
  auto& impl = *static_cast<Impl*>(self);
  const std::string host = g_uri_get_host(impl.uri_.get());
  const bool too_big = g_error_matches(error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG);
  impl.error_ = too_big
                    ? Error{Code::kBadInput, fmt::format("{} sent a message of more than {} bytes",
                                                         host, impl.config_.most_incoming)}
                    : Error{Code::kConnect, fmt::format("{}: {}", host, error->message)};
}

void WebSocket::Impl::on_closed(SoupWebsocketConnection* connection, gpointer self) {
  auto& impl = *static_cast<Impl*>(self);
  WebSocketClosed closed;
  closed.code = soup_websocket_connection_get_close_code(connection);
  if (closed.code == SOUP_WEBSOCKET_CLOSE_ABNORMAL) closed.code = 0;
  if (const char* data = soup_websocket_connection_get_close_data(connection)) closed.reason = data;
  const std::string host = g_uri_get_host(impl.uri_.get());
  if (impl.error_)
    closed.how = tl::unexpected(*impl.error_);
  else if (impl.closing_)
    closed.how = {};
  else if (closed.code == 0)
    closed.how = fail(Code::kConnect, fmt::format("the connection to {} was lost", host));
  else
    closed.how =
        fail(closed.code == SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION ? Code::kDenied : Code::kConnect,
             fmt::format("{} closed the connection: {} {}", host, closed.code,
                         printable(closed.reason)));
  impl.drop();
  impl.finish(std::move(closed));
}

void WebSocket::Impl::send(std::string_view text) {
  if (!open()) return;
  const auto size = static_cast<gssize>(text.size());
  if (g_utf8_validate(text.data(), size, nullptr)) {
    std::unique_ptr<GBytes, Freer<&g_bytes_unref>> bytes(g_bytes_new(text.data(), text.size()));
    soup_websocket_connection_send_message(connection_.get(), SOUP_WEBSOCKET_DATA_TEXT,
                                           bytes.get());
    return;
  }
  Text valid(g_utf8_make_valid(text.data(), size));
  soup_websocket_connection_send_text(connection_.get(), valid.get());
}

void WebSocket::Impl::close(int code, std::string_view reason) {
  if (finished_ || closing_) return;
  closing_ = true;
  dead_.stop();
  if (!connection_) {
    g_cancellable_cancel(cancel_.get());
    loop_.post(alive_.guard([this] { finish({}); }));
    return;
  }
  const std::string text = goodbye(reason);
  if (soup_websocket_connection_get_state(connection_.get()) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close(connection_.get(), static_cast<gushort>(code), text.c_str());
}

WebSocket::WebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::~WebSocket() = default;

std::unique_ptr<WebSocket> WebSocket::connect(Loop& loop, WebSocketConfig config,
                                              WebSocketHandlers handlers) {
  auto impl = std::make_unique<Impl>(loop, std::move(config), std::move(handlers));
  impl->start();
  return std::unique_ptr<WebSocket>(new WebSocket(std::move(impl)));
}

void WebSocket::send(std::string_view text) { impl_->send(text); }
void WebSocket::close(int code, std::string_view reason) { impl_->close(code, reason); }
bool WebSocket::open() const { return impl_->open(); }
std::string WebSocket::waits_for() const { return impl_->waits_for(); }

}  // namespace callbot::signaling
