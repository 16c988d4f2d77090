#include "tests/support/fake_websocket_server.h"

#include <fmt/core.h>
#include <libsoup/soup.h>

#include <cstdlib>
#include <map>

#include "base/gref.h"

namespace callbot::test {

struct FakeWebSocketServer::Impl {
  struct Client {
    GRef<SoupWebsocketConnection> connection;
    std::map<std::string, std::string> headers;
  };

  FakeWebSocketServer* self = nullptr;
  GRef<SoupServer> server;
  std::vector<Client> clients;
  bool tls = false;

  static void remember(const char* name, const char* value, gpointer headers) {
    (*static_cast<std::map<std::string, std::string>*>(headers))[name] = value;
  }
  static void refuse(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                     gpointer data) {
    auto* impl = static_cast<Impl*>(data);
    if (impl->self->refuse_with == 0) return;
    soup_server_message_set_status(message, static_cast<guint>(impl->self->refuse_with), nullptr);
    soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_STATIC, "no", 2);
  }
  static void opened(SoupServer*, SoupServerMessage* message, const char*,
                     SoupWebsocketConnection* connection, gpointer data) {
    auto* impl = static_cast<Impl*>(data);
    const size_t number = impl->clients.size();
    Client client{GRef<SoupWebsocketConnection>::share(connection), {}};
    soup_message_headers_foreach(soup_server_message_get_request_headers(message), remember,
                                 &client.headers);
    soup_websocket_connection_set_max_incoming_payload_size(connection, 64u << 20);
    g_object_set_data(G_OBJECT(connection), "number", GSIZE_TO_POINTER(number));
    g_signal_connect(connection, "message", G_CALLBACK(came), impl);
    g_signal_connect(connection, "closed", G_CALLBACK(closed), impl);
    impl->clients.push_back(std::move(client));
    if (impl->self->on_open) impl->self->on_open(number);
  }
  static size_t number_of(SoupWebsocketConnection* connection) {
    return GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(connection), "number"));
  }
  static void came(SoupWebsocketConnection* connection, int, GBytes* bytes, gpointer data) {
    auto* impl = static_cast<Impl*>(data);
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    if (impl->self->on_text) impl->self->on_text(number_of(connection), std::string(text, size));
  }
  static void closed(SoupWebsocketConnection* connection, gpointer data) {
    auto* impl = static_cast<Impl*>(data);
    if (impl->self->on_close)
      impl->self->on_close(number_of(connection),
                           soup_websocket_connection_get_close_code(connection));
  }
};

FakeWebSocketServer::FakeWebSocketServer(std::string protocol, Tls tls, uint16_t port)
    : impl_(std::make_unique<Impl>()) {
  impl_->self = this;
  impl_->tls = !tls.cert_file.empty();
  impl_->server = GRef<SoupServer>::adopt(soup_server_new("server-header", "fake", nullptr));
  GError* error = nullptr;
  if (impl_->tls) {
    auto certificate = GRef<GTlsCertificate>::adopt(
        g_tls_certificate_new_from_files(tls.cert_file.c_str(), tls.key_file.c_str(), &error));
    soup_server_set_tls_certificate(impl_->server.get(), certificate.get());
  }
  const char* protocols[] = {protocol.c_str(), nullptr};
  soup_server_add_early_handler(impl_->server.get(), nullptr, Impl::refuse, impl_.get(), nullptr);
  soup_server_add_websocket_handler(impl_->server.get(), nullptr, nullptr,
                                    protocol.empty() ? nullptr : const_cast<char**>(protocols),
                                    Impl::opened, impl_.get(), nullptr);
  const auto options =
      static_cast<SoupServerListenOptions>(impl_->tls ? SOUP_SERVER_LISTEN_HTTPS : 0);
  auto address =
      GRef<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", port));
  if (!soup_server_listen(impl_->server.get(), address.get(), options, &error)) {
    fmt::print(stderr, "fake server: {}\n", error->message);
    std::abort();
  }
}

FakeWebSocketServer::~FakeWebSocketServer() {
  for (size_t i = 0; i < impl_->clients.size(); ++i) drop(i);
  soup_server_disconnect(impl_->server.get());
}

uint16_t FakeWebSocketServer::port() const {
  GSList* uris = soup_server_get_uris(impl_->server.get());
  const int port = g_uri_get_port(static_cast<GUri*>(uris->data));
  g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  return static_cast<uint16_t>(port);
}

std::string FakeWebSocketServer::url(const std::string& path) const {
  return fmt::format("{}://127.0.0.1:{}{}", impl_->tls ? "wss" : "ws", port(), path);
}

bool FakeWebSocketServer::open(size_t client) const {
  return soup_websocket_connection_get_state(impl_->clients.at(client).connection.get()) ==
         SOUP_WEBSOCKET_STATE_OPEN;
}

size_t FakeWebSocketServer::clients() const { return impl_->clients.size(); }

void FakeWebSocketServer::text(size_t client, const std::string& text) {
  if (!open(client)) return;
  std::unique_ptr<GBytes, Freer<&g_bytes_unref>> bytes(g_bytes_new(text.data(), text.size()));
  soup_websocket_connection_send_message(impl_->clients.at(client).connection.get(),
                                         SOUP_WEBSOCKET_DATA_TEXT, bytes.get());
}

void FakeWebSocketServer::binary(size_t client, const std::string& bytes) {
  soup_websocket_connection_send_binary(impl_->clients.at(client).connection.get(), bytes.data(),
                                        bytes.size());
}

void FakeWebSocketServer::close(size_t client, int code, const std::string& reason) {
  if (!open(client)) return;
  soup_websocket_connection_close(impl_->clients.at(client).connection.get(),
                                  static_cast<gushort>(code), reason.c_str());
}

void FakeWebSocketServer::drop(size_t client) {
  auto* connection = impl_->clients.at(client).connection.get();
  g_signal_handlers_disconnect_by_data(connection, impl_.get());
  g_io_stream_close(soup_websocket_connection_get_io_stream(connection), nullptr, nullptr);
}

std::string FakeWebSocketServer::header(size_t client, const std::string& name) const {
  const auto& headers = impl_->clients.at(client).headers;
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

}  // namespace callbot::test
