// signaling/http_server.h: HTTP and WebSocket server on the one loop; libsoup stays inside.
//
// Thread:  loop, all of it, handlers included.
// Owner:   bot (serve) or a test. Destroying it drops every connection; a Responder or WebSocket
//          that outlives it does nothing more.
// Fails:   create(): kUsage for an address or certificate that is none, kConnect when the address
//          cannot be listened on. A client's mistakes become HTTP statuses and end there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"

namespace callbot::signaling {

struct HttpRequest {
  std::string method;
  std::string path;                            // decoded, valid UTF-8
  std::map<std::string, std::string> parts;    // "{name}" of the pattern -> decoded path segment
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string remote;  // address and port of the client

  std::string header(const std::string& lower_case_name) const;
  // The token of "Authorization: Bearer ..."; empty if there is none.
  std::string bearer() const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  // empty: no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Answers one request, now or later. Copies answer the same request; the first answer counts. When
// the last copy goes without an answer, the client gets a 500.
class Responder {
 public:
  struct Impl;
  explicit Responder(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  void send(HttpResponse response) const;
  // {"error": message} with this status.
  void refuse(int status, std::string_view message) const;
  // The client went away, or the answer is out.
  bool done() const;

 private:
  std::shared_ptr<Impl> impl_;
};

// One WebSocket connection. Text only: a binary message closes it (1003).
class ServerWebSocket {
 public:
  struct Impl;
  explicit ServerWebSocket(std::unique_ptr<Impl> impl);
  ~ServerWebSocket();  // drops the connection if it is still open; no callback comes any more

  // Text of one message, valid UTF-8.
  void on_message(std::function<void(std::string_view)> handler);
  // Once, never from inside another call of this class; code 0: lost without a goodbye. A callback
  // may destroy this object.
  void on_closed(std::function<void(int code, std::string reason)> handler);
  // The other end broke a rule: 1003 (binary), 1008 (too much in too short a time) or 1009 (too
  // large). The handler may send last words; then the connection is closed with this code.
  void on_offence(std::function<void(int code)> handler);

  void send(std::string_view text);
  // Sends what is queued, then a goodbye; on_closed comes when the other end agreed, or after 5 s.
  void close(int code, std::string_view reason);
  // Bytes sent but not yet taken by the network.
  size_t queued() const;
  const std::string& remote() const;

 private:
  std::unique_ptr<Impl> impl_;
};

struct WebSocketLimits {
  size_t most_incoming = 1u << 20;  // bytes of one message; larger ones close it with 1009
  size_t most_queued = 8u << 20;    // bytes not taken by a slow client; more drops it
  // What may come in at once and then in every second; beyond it the connection is closed (1008).
  double burst_bytes = 4u << 20;
  double bytes_per_second = 1u << 20;
};

struct HttpServerConfig {
  std::string address = "127.0.0.1";  // an IP address, or "localhost"
  uint16_t port = 0;                  // 0: any free one
  std::string cert_file;              // PEM chain; empty: no TLS
  std::string key_file;
  size_t most_body = 1u << 20;  // bytes; beyond it 413
  size_t most_sockets = 2000;   // WebSockets open at once; beyond it 503
  // Besides the server itself, web pages from here may open WebSockets; "*": from anywhere. Without
  // this rule any web page a user visits could join the rooms of a server on the loopback address.
  std::vector<std::string> origins;
};

class HttpServer {
 public:
  using Handler = std::function<void(const HttpRequest&, Responder)>;
  using SocketHandler = std::function<void(const HttpRequest&, std::unique_ptr<ServerWebSocket>)>;

  static Result<std::unique_ptr<HttpServer>> create(Loop& loop, Log log, HttpServerConfig config);
  ~HttpServer();

  // `pattern` is a path whose segments may be "{name}": "/whip/{id}". GET serves HEAD too. A path
  // that only other methods have gives 405 with Allow, any other 404. `most_body` 0: the server's.
  void route(std::string method, std::string pattern, Handler handler, size_t most_body = 0);
  // Any segment is accepted for "{name}", however wrong: a WebSocket client can only be told why
  // it is refused once the socket is open. A part that is no UTF-8 comes with U+FFFD in it.
  void websocket(std::string pattern, SocketHandler handler, WebSocketLimits limits = {});

  uint16_t port() const;
  bool tls() const;
  // "http://127.0.0.1:8080", "https://[::1]:8443": as it listens, without a slash at the end.
  std::string url() const;

  struct Impl;

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether two secrets are the same, in a time that depends on neither.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace callbot::signaling
