// signaling/websocket.h: WebSocket client (RFC 6455) in our terms; libsoup stays inside.
//
// Thread:  loop, all of it, handlers included.
// Owner:   the caller. Destroying it drops the connection without a goodbye, and no handler is
//          called any more.
// Fails:   through the handler `closed`, exactly once, as the last call: kUsage (not a ws:// or
//          wss:// URL, a CA file that is none), kConnect (refused, not resolvable, lost, an answer
//          that is no WebSocket), kDenied (401, 403, TLS not trusted: says how to trust it),
//          kTimeout (not open within the deadline, or silent for `dead_after`).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "signaling/tls_trust.h"

namespace callbot::signaling {

struct WebSocketConfig {
  std::string url;                                           // ws:// or wss://
  std::vector<std::pair<std::string, std::string>> headers;  // sent with the handshake
  std::string protocol;                                      // RFC 6455 sub-protocol; empty: none
  TlsTrust trust;
  std::chrono::milliseconds deadline{10000};  // to be open
  size_t most_incoming = 1u << 20;            // bytes of one message; a larger one closes it
  std::chrono::seconds keepalive{20};         // between pings; 0: none
  // Without any message or pong for so long the server is taken for dead; 0: never. More than
  // two `keepalive`, or an idle server that answers every ping would be dropped.
  std::chrono::milliseconds dead_after{0};
};

struct WebSocketClosed {
  bool was_open = false;
  int status = 0;           // HTTP status of a handshake that was refused; 0: none came
  int code = 0;             // the server's close code (RFC 6455, 7.4); 0: lost without a goodbye
  std::string reason = {};  // the server's words with it
  Result<> how = {};        // fine only when we closed it and the server agreed
};

// A handler may destroy the WebSocket; none is called from inside connect(), send() or close().
struct WebSocketHandlers {
  std::function<void()> opened;
  std::function<void(std::string_view text)> text;  // valid UTF-8; binary messages close with 1003
  std::function<void(const WebSocketClosed&)> closed;
};

class WebSocket {
 public:
  static std::unique_ptr<WebSocket> connect(Loop& loop, WebSocketConfig config,
                                            WebSocketHandlers handlers);
  ~WebSocket();

  // Before it is open, and after close(): dropped. What is no UTF-8 in it is sent as U+FFFD.
  void send(std::string_view text);
  // Sends what is queued, then a goodbye; `closed` comes when the server agreed, or after 5 s. No
  // text comes any more. Before it is open: gives up connecting.
  void close(int code = 1000, std::string_view reason = {});
  bool open() const;
  // Before it is open: for what, in words for people.
  std::string waits_for() const;

 private:
  struct Impl;
  explicit WebSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::signaling
