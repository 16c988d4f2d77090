#include "signaling/server_websocket.h"

#include <utility>

namespace callbot::signaling {
namespace {

using std::chrono::milliseconds;

constexpr guint kKeepaliveSeconds = 20;
constexpr int64_t kMostStuckUs = 30'000'000;  // a frame that is not taken for this long
constexpr milliseconds kCarePeriod{1000};
constexpr milliseconds kLinger{1000};  // for an offender to read why it is closed
// Beyond what we allow, so that our own check comes first and can say why; libsoup wants a bound.
constexpr guint64 kMostSoupPayload = 64u << 20;
constexpr size_t kMostOverhead = 64u << 10;  // frame headers, pings and pongs between two messages
constexpr size_t kMostReason = 120;          // RFC 6455, 5.5: 125 bytes with the code

size_t frame_bytes(size_t payload) {  // RFC 6455, 5.2, unmasked
  if (payload < 126) return payload + 2;
  return payload + (payload < 65536 ? 4 : 10);
}

}  // namespace

// libsoup's signals are taken by hand: the message's type is a C int, and the arguments have to be
// copied before they are posted. Posted they are so that a handler may destroy everything.
struct SocketSignals {
  static void message(SoupWebsocketConnection*, int type, GBytes* bytes, gpointer data) {
    auto* self = static_cast<ServerWebSocket::Impl*>(data);
    self->read_at_message = self->meter->read;
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    std::string copy(text != nullptr ? text : "", size);
    self->loop.post(self->alive.guard(
        [self, type, copy = std::move(copy)]() mutable { self->take(type, std::move(copy)); }));
  }
  static void closed(SoupWebsocketConnection*, gpointer data) {
    auto* self = static_cast<ServerWebSocket::Impl*>(data);
    self->loop.post(self->alive.guard([self] { self->ended(); }));
  }
};

ServerWebSocket::Impl::Impl(Loop& the_loop, SoupServerMessage* request, GIOStream* stream,
                            WebSocketLimits the_limits, SocketCount the_count)
    : loop(the_loop),
      limits(the_limits),
      count(std::move(the_count)),
      socket(GRef<GSocket>::share(soup_server_message_get_socket(request))),
      bucket(limits.burst_bytes, limits.bytes_per_second) {
  ++*count;
  const char* host = soup_server_message_get_remote_host(request);
  remote = host != nullptr ? host : "?";
  meter->on_read = [this] { count_input(); };
  auto outer = metered(stream, meter);
  connection = GRef<SoupWebsocketConnection>::adopt(
      soup_websocket_connection_new(outer.get(), soup_server_message_get_uri(request),
                                    SOUP_WEBSOCKET_CONNECTION_SERVER, nullptr, nullptr, nullptr));
  soup_websocket_connection_set_max_incoming_payload_size(connection.get(), kMostSoupPayload);
  soup_websocket_connection_set_keepalive_interval(connection.get(), kKeepaliveSeconds);
  g_signal_connect(connection.get(), "message", G_CALLBACK(SocketSignals::message), this);
  g_signal_connect(connection.get(), "closed", G_CALLBACK(SocketSignals::closed), this);
  care.every(kCarePeriod, [this] { look_after(); });
}

ServerWebSocket::Impl::~Impl() {
  --*count;
  meter->on_read = nullptr;
  g_signal_handlers_disconnect_by_data(connection.get(), this);
  if (!has_ended) drop();
}

void ServerWebSocket::Impl::drop() {
  // libsoup sees the end of the stream and cleans up; it may be using the connection just now. The
  // shutdown wakes it up, but by itself would not keep a flood from coming in.
  meter->ended = true;
  g_socket_shutdown(socket.get(), TRUE, TRUE, nullptr);
  loop.post([keep = connection] {});
}

bool ServerWebSocket::Impl::is_open() const {
  return !closing && !has_ended &&
         soup_websocket_connection_get_state(connection.get()) == SOUP_WEBSOCKET_STATE_OPEN;
}

void ServerWebSocket::Impl::send(std::string_view text) {
  if (!is_open()) return;
  if (queued() + text.size() > limits.most_queued) {
    drop();
    return;
  }
  auto* bytes = g_bytes_new(text.data(), text.size());
  soup_websocket_connection_send_message(connection.get(), SOUP_WEBSOCKET_DATA_TEXT, bytes);
  g_bytes_unref(bytes);
  sent += frame_bytes(text.size());
}

size_t ServerWebSocket::Impl::queued() const {
  return sent > meter->written ? static_cast<size_t>(sent - meter->written) : 0;
}

void ServerWebSocket::Impl::close(int code, std::string_view reason) {
  if (!is_open()) return;
  closing = true;
  const std::string text(reason.substr(0, kMostReason));
  soup_websocket_connection_close(connection.get(), static_cast<gushort>(code), text.c_str());
}

// From within a read: only looks and posts.
void ServerWebSocket::Impl::count_input() {
  if (closing || meter->discard) return;
  const uint64_t fresh = meter->read - std::exchange(read_counted, meter->read);
  if (!bucket.take(static_cast<double>(fresh))) {
    meter->discard = true;
    loop.post(alive.guard([this] { offend(1008, "rate-limit"); }));
    return;
  }
  const uint64_t since_message = meter->read - read_at_message;
  if (since_message > limits.most_incoming + kMostOverhead) {
    meter->discard = true;
    loop.post(alive.guard([this] { offend(1009, "too large"); }));
  }
}

void ServerWebSocket::Impl::offend(int code, const char* reason) {
  if (closing || has_ended) return;
  meter->discard = true;
  if (on_offence) on_offence(code);
  close(code, reason);
  linger.once(kLinger, [this] { drop(); });
}

void ServerWebSocket::Impl::take(int type, std::string text) {
  if (closing || has_ended) return;
  if (type != SOUP_WEBSOCKET_DATA_TEXT) return offend(1003, "text only");
  if (text.size() > limits.most_incoming) return offend(1009, "too large");
  // A copy: the handler may destroy this object.
  if (auto handler = on_message) handler(text);
}

void ServerWebSocket::Impl::ended() {
  if (std::exchange(has_ended, true)) return;
  care.stop();
  linger.stop();
  const int code = soup_websocket_connection_get_close_code(connection.get());
  const char* reason = soup_websocket_connection_get_close_data(connection.get());
  if (auto handler = on_closed) handler(code, reason != nullptr ? reason : "");
}

void ServerWebSocket::Impl::look_after() {
  const int64_t since = meter->waiting_since_us;
  if (since != 0 && g_get_monotonic_time() - since > kMostStuckUs) drop();
}

ServerWebSocket::ServerWebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerWebSocket::~ServerWebSocket() = default;
void ServerWebSocket::on_message(std::function<void(std::string_view)> handler) {
  impl_->on_message = std::move(handler);
}
void ServerWebSocket::on_closed(std::function<void(int, std::string)> handler) {
  impl_->on_closed = std::move(handler);
}
void ServerWebSocket::on_offence(std::function<void(int)> handler) {
  impl_->on_offence = std::move(handler);
}
void ServerWebSocket::send(std::string_view text) { impl_->send(text); }
void ServerWebSocket::close(int code, std::string_view reason) { impl_->close(code, reason); }
size_t ServerWebSocket::queued() const { return impl_->queued(); }
const std::string& ServerWebSocket::remote() const { return impl_->remote; }

}  // namespace callbot::signaling
