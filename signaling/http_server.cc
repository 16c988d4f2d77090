#include "signaling/http_server.h"

#include <fmt/core.h>
#include <libsoup/soup.h>

#include <algorithm>
#include <list>
#include <set>

#include "base/alive.h"
#include "base/files.h"
#include "base/gref.h"
#include "signaling/server_message.h"
#include "signaling/server_websocket.h"

namespace callbot::signaling {
namespace {

using SocketAddress = GRef<GSocketAddress>;

// A request has to be in within this time; slow ones would hold descriptors for ever.
constexpr std::chrono::milliseconds kRequestDeadline{30000};
// How much of a body that is too large is read and thrown away, so that the client gets to read
// the 413 instead of seeing its connection reset.
constexpr size_t kMostDrained = 16u << 20;

struct Route {
  std::string method;
  PathPattern pattern;
  HttpServer::Handler handler;
  size_t most_body;
};

struct SocketRoute {
  PathPattern pattern;
  HttpServer::SocketHandler handler;
  WebSocketLimits limits;
};

}  // namespace

// --- Responder

struct Responder::Impl {
  GRef<SoupServerMessage> message;
  bool done = false;
  bool paused = false;

  explicit Impl(SoupServerMessage* m) : message(GRef<SoupServerMessage>::share(m)) {
    g_signal_connect(m, "finished", G_CALLBACK(on_finished), this);
    g_signal_connect(m, "disconnected", G_CALLBACK(on_finished), this);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (!done) send(refusal(500, "no answer"));
    g_signal_handlers_disconnect_by_data(message.get(), this);
  }
  void send(const HttpResponse& response) {
    if (std::exchange(done, true)) return;
    put_response(message.get(), response);
    if (paused) soup_server_message_unpause(message.get());
  }
  static void on_finished(SoupServerMessage*, gpointer self) {
    static_cast<Impl*>(self)->done = true;  // sent, or the client went away
  }
};

void Responder::send(HttpResponse response) const { impl_->send(response); }
void Responder::refuse(int status, std::string_view message) const {
  impl_->send(refusal(status, message));
}
bool Responder::done() const { return impl_->done; }

// --- HttpServer

struct HttpServer::Impl {
  Loop& loop;
  Log log;
  HttpServerConfig config;
  GRef<SoupServer> server;
  std::list<Route> routes;  // a handler may add routes
  std::list<SocketRoute> socket_routes;
  SocketCount sockets = std::make_shared<size_t>(0);
  std::map<SoupServerMessage*, Timer> deadlines;
  uint16_t port = 0;

  Impl(Loop& l, Log g, HttpServerConfig c) : loop(l), log(std::move(g)), config(std::move(c)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<> listen();
  Result<GRef<GTlsCertificate>> certificate() const;
  void connect_signals();
  const Route* route_for(SoupServerMessage* message) const;
  void start_body(SoupServerMessage* message);
  void count_body(SoupServerMessage* message, GBytes* chunk);
  void answer(SoupServerMessage* message);
  void call(const Route& route, SoupServerMessage* message);
  void refuse_unrouted(SoupServerMessage* message);
  bool origin_allowed(SoupServerMessage* message) const;
  void upgrade(const SocketRoute& route, SoupServerMessage* message);
};

namespace {

// An upgrade under way: libsoup has yet to write its 101.
struct Upgrade {
  HttpServer::Impl* server;
  const SocketRoute* route;
};

void on_upgraded(SoupServerMessage* message, gpointer data) {
  const auto& upgrade = *static_cast<Upgrade*>(data);
  auto keep = GRef<SoupServerMessage>::share(message);
  HttpRequest request = request_of(message);
  upgrade.route->pattern.read_anyhow(path_of(message), request.parts);
  auto* impl = upgrade.server;
  auto handler = upgrade.route->handler;
  const WebSocketLimits limits = upgrade.route->limits;
  auto stream = GRef<GIOStream>::adopt(soup_server_message_steal_connection(message));
  handler(request, std::make_unique<ServerWebSocket>(std::make_unique<ServerWebSocket::Impl>(
                       impl->loop, message, stream.get(), limits, impl->sockets)));
}

void free_upgrade(gpointer data, GClosure*) { delete static_cast<Upgrade*>(data); }

HttpServer::Impl* impl_of(gpointer data) { return static_cast<HttpServer::Impl*>(data); }

// libsoup lets go of some without a word: what a browser connects ahead and then does not use.
void on_gone(gpointer data, GObject* message) {
  impl_of(data)->deadlines.erase(reinterpret_cast<SoupServerMessage*>(message));
}
void on_started(SoupServer*, SoupServerMessage* message, gpointer data) {
  if (!impl_of(data)->deadlines.contains(message))
    g_object_weak_ref(G_OBJECT(message), on_gone, data);
  impl_of(data)->deadlines[message].once(kRequestDeadline, [message, data] {
    impl_of(data)->log.info("{}: a request that never got complete",
                            soup_server_message_get_remote_host(message));
    g_socket_shutdown(soup_server_message_get_socket(message), TRUE, TRUE, nullptr);
  });
}
void on_ended(SoupServer*, SoupServerMessage* message, gpointer data) {
  if (impl_of(data)->deadlines.erase(message) > 0)
    g_object_weak_unref(G_OBJECT(message), on_gone, data);
}
void on_got_chunk(SoupServerMessage* message, GBytes* chunk, gpointer data) {
  impl_of(data)->count_body(message, chunk);
}
void on_early(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer data) {
  impl_of(data)->start_body(message);
}
void on_request(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer data) {
  impl_of(data)->answer(message);
}

SocketAddress address_of(const HttpServerConfig& config) {
  const std::string host = config.address == "localhost" ? "127.0.0.1" : config.address;
  return SocketAddress::adopt(g_inet_socket_address_new_from_string(host.c_str(), config.port));
}

}  // namespace

HttpServer::Impl::~Impl() {
  for (const auto& [message, timer] : deadlines)
    g_object_weak_unref(G_OBJECT(message), on_gone, this);
  g_signal_handlers_disconnect_by_data(server.get(), this);
  soup_server_remove_handler(server.get(), nullptr);
  soup_server_disconnect(server.get());
}

Result<GRef<GTlsCertificate>> HttpServer::Impl::certificate() const {
  GError* error = nullptr;
  auto made = GRef<GTlsCertificate>::adopt(
      g_tls_certificate_new_from_files(config.cert_file.c_str(), config.key_file.c_str(), &error));
  if (!made)
    return fail(Code::kUsage, fmt::format("TLS certificate {} with key {}: {}", config.cert_file,
                                          config.key_file, ErrorPtr(error)->message));
  return made;
}

Result<> HttpServer::Impl::listen() {
  server = GRef<SoupServer>::adopt(
      SOUP_SERVER(g_object_new(SOUP_TYPE_SERVER, "raw-paths", TRUE, nullptr)));
  auto options = static_cast<SoupServerListenOptions>(0);
  if (!config.cert_file.empty()) {
    auto made = certificate();
    if (!made) return tl::unexpected(made.error());
    soup_server_set_tls_certificate(server.get(), made->get());
    options = SOUP_SERVER_LISTEN_HTTPS;
  }
  const auto address = address_of(config);
  if (!address)
    return fail(Code::kUsage, fmt::format("cannot listen on \"{}\": not an IP address",
                                          printable(config.address)));
  GError* error = nullptr;
  if (!soup_server_listen(server.get(), address.get(), options, &error))
    return fail(Code::kConnect, fmt::format("cannot listen on {}:{}: {}", config.address,
                                            config.port, ErrorPtr(error)->message));
  GSList* listeners = soup_server_get_listeners(server.get());
  const auto local =
      SocketAddress::adopt(g_socket_get_local_address(G_SOCKET(listeners->data), nullptr));
  g_slist_free(listeners);
  port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local.get()));
  connect_signals();
  return {};
}

void HttpServer::Impl::connect_signals() {
  g_signal_connect(server.get(), "request-started", G_CALLBACK(on_started), this);
  g_signal_connect(server.get(), "request-read", G_CALLBACK(on_ended), this);
  g_signal_connect(server.get(), "request-finished", G_CALLBACK(on_ended), this);
  g_signal_connect(server.get(), "request-aborted", G_CALLBACK(on_ended), this);
  soup_server_add_early_handler(server.get(), nullptr, on_early, this, nullptr);
  soup_server_add_handler(server.get(), nullptr, on_request, this, nullptr);
}

const Route* HttpServer::Impl::route_for(SoupServerMessage* message) const {
  const std::string method = soup_server_message_get_method(message);
  const auto path = path_of(message);
  for (const Route& route : routes) {
    const bool serves = route.method == method || (route.method == "GET" && method == "HEAD");
    if (serves && route.pattern.matches(path)) return &route;
  }
  return nullptr;
}

namespace {

// How much of a body may come, and how much did.
struct BodyCount {
  size_t most = 0;
  size_t seen = 0;
};
constexpr const char* kBodyCount = "callbot-body-count";

void refuse_body(SoupServerMessage* message, size_t most) {
  auto* body = soup_server_message_get_request_body(message);
  soup_message_body_set_accumulate(body, FALSE);
  soup_message_body_truncate(body);
  put_response(message, refusal(413, fmt::format("a body of at most {} bytes", most)));
}

}  // namespace

void HttpServer::Impl::start_body(SoupServerMessage* message) {
  const Route* route = route_for(message);
  // Where there is no route nobody wants a body either; the answer follows when it is in.
  const size_t most = route == nullptr        ? 0
                      : route->most_body != 0 ? route->most_body
                                              : config.most_body;
  auto* count = new BodyCount{most, 0};
  g_object_set_data_full(G_OBJECT(message), kBodyCount, count,
                         [](gpointer p) { delete static_cast<BodyCount*>(p); });
  g_signal_connect(message, "got-chunk", G_CALLBACK(on_got_chunk), this);
  const goffset length =
      soup_message_headers_get_content_length(soup_server_message_get_request_headers(message));
  if (route != nullptr && length > 0 && static_cast<size_t>(length) > most)
    refuse_body(message, most);
}

void HttpServer::Impl::count_body(SoupServerMessage* message, GBytes* chunk) {
  auto* count = static_cast<BodyCount*>(g_object_get_data(G_OBJECT(message), kBodyCount));
  count->seen += g_bytes_get_size(chunk);
  if (count->seen > count->most && soup_server_message_get_status(message) == 0)
    refuse_body(message, count->most);
  // We are inside a read, so nothing else is using the socket; a shutdown alone would let it go on.
  if (count->seen > count->most + kMostDrained)
    g_socket_close(soup_server_message_get_socket(message), nullptr);
}

void HttpServer::Impl::answer(SoupServerMessage* message) {
  if (const Route* route = route_for(message)) return call(*route, message);
  const auto path = path_of(message);
  for (const SocketRoute& route : socket_routes)
    if (route.pattern.matches(path)) return upgrade(route, message);
  refuse_unrouted(message);
}

void HttpServer::Impl::call(const Route& route, SoupServerMessage* message) {
  HttpRequest request = request_of(message);
  if (!route.pattern.read(path_of(message), request.parts))
    return put_response(message, refusal(400, "the path is not UTF-8"));
  auto impl = std::make_shared<Responder::Impl>(message);
  const auto handler = route.handler;
  handler(request, Responder(impl));
  // Only we are left: nobody will answer later, and the destructor does not unpause.
  if (impl->done || impl.use_count() == 1) return;
  impl->paused = true;
  soup_server_message_pause(message);
}

void HttpServer::Impl::refuse_unrouted(SoupServerMessage* message) {
  const auto path = path_of(message);
  std::set<std::string> methods;
  for (const Route& route : routes) {
    if (!route.pattern.matches(path)) continue;
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
  }
  if (methods.empty()) return put_response(message, refusal(404, "there is nothing here"));
  std::string allow;
  for (const std::string& method : methods) allow += (allow.empty() ? "" : ", ") + method;
  auto response = refusal(405, "this method is not served here");
  response.headers.emplace_back("Allow", allow);
  put_response(message, response);
}

bool HttpServer::Impl::origin_allowed(SoupServerMessage* message) const {
  auto* headers = soup_server_message_get_request_headers(message);
  const char* origin = soup_message_headers_get_one(headers, "Origin");
  if (origin == nullptr) return true;  // no web page
  const char* host = soup_message_headers_get_one(headers, "Host");
  const std::string own =
      fmt::format("{}://{}", config.cert_file.empty() ? "http" : "https", host ? host : "");
  if (g_ascii_strcasecmp(origin, own.c_str()) == 0) return true;
  return std::any_of(config.origins.begin(), config.origins.end(), [&](const std::string& allowed) {
    return allowed == "*" || g_ascii_strcasecmp(allowed.c_str(), origin) == 0;
  });
}

void HttpServer::Impl::upgrade(const SocketRoute& route, SoupServerMessage* message) {
  auto* headers = soup_server_message_get_request_headers(message);
  if (!soup_message_headers_header_contains(headers, "Upgrade", "websocket")) {
    auto response = refusal(426, "this path is for WebSockets");
    response.headers.emplace_back("Upgrade", "websocket");
    return put_response(message, response);
  }
  if (!origin_allowed(message))
    return put_response(message, refusal(403, "web pages from elsewhere may not connect"));
  if (*sockets >= config.most_sockets)
    return put_response(message, refusal(503, "too many connections"));
  // Without extensions: libsoup puts no bound on what a compressed message grows to.
  if (!soup_websocket_server_process_handshake(message, nullptr, nullptr, nullptr, nullptr)) return;
  g_signal_connect_data(message, "wrote-informational", G_CALLBACK(on_upgraded),
                        new Upgrade{this, &route}, free_upgrade, static_cast<GConnectFlags>(0));
}

Result<std::unique_ptr<HttpServer>> HttpServer::create(Loop& loop, Log log,
                                                       HttpServerConfig config) {
  auto impl = std::make_unique<Impl>(loop, std::move(log), std::move(config));
  if (auto ok = impl->listen(); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(std::string method, std::string pattern, Handler handler, size_t most_body) {
  impl_->routes.push_back({std::move(method), PathPattern(pattern), std::move(handler), most_body});
}

void HttpServer::websocket(std::string pattern, SocketHandler handler, WebSocketLimits limits) {
  impl_->socket_routes.push_back({PathPattern(pattern), std::move(handler), limits});
}

uint16_t HttpServer::port() const { return impl_->port; }
bool HttpServer::tls() const { return !impl_->config.cert_file.empty(); }
std::string HttpServer::url() const {
  const std::string& host = impl_->config.address;
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls() ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "",
                     impl_->port);
}

bool same_secret(std::string_view a, std::string_view b) {
  const std::string x = sha256_hex(a);
  const std::string y = sha256_hex(b);
  unsigned difference = 0;
  for (size_t i = 0; i < x.size(); ++i)
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(x[i]) ^ static_cast<unsigned char>(y[i]));
  return difference == 0;
}

}  // namespace callbot::signaling
