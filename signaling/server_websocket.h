// signaling/server_websocket.h: the inside of ServerWebSocket; only http_server sees it.
//
// Thread:  loop.
// Owner:   ServerWebSocket.
// Fails:   see http_server.h.
#pragma once

#include <libsoup/soup.h>

#include <memory>
#include <string>

#include "base/alive.h"
#include "signaling/http_server.h"
#include "signaling/metered_stream.h"
#include "signaling/token_bucket.h"

namespace callbot::signaling {

// Counts the open ones.
using SocketCount = std::shared_ptr<size_t>;

struct ServerWebSocket::Impl {
  // `stream` is the HTTP connection after the handshake.
  Impl(Loop& loop, SoupServerMessage* request, GIOStream* stream, WebSocketLimits limits,
       SocketCount count);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void send(std::string_view text);
  void close(int code, std::string_view reason);
  size_t queued() const;
  bool is_open() const;
  void count_input();
  void offend(int code, const char* reason);
  void take(int type, std::string text);
  void ended();
  void look_after();
  void drop();  // at once, without a goodbye

  Loop& loop;
  WebSocketLimits limits;
  SocketCount count;
  std::string remote;
  GRef<GSocket> socket;
  std::shared_ptr<Meter> meter = std::make_shared<Meter>();
  GRef<SoupWebsocketConnection> connection;
  TokenBucket bucket;
  uint64_t sent = 0;             // bytes of frames queued, ever
  uint64_t read_at_message = 0;  // meter->read when the last message was whole
  uint64_t read_counted = 0;     // meter->read when it was last counted
  bool closing = false;
  bool has_ended = false;
  std::function<void(std::string_view)> on_message;
  std::function<void(int, std::string)> on_closed;
  std::function<void(int)> on_offence;
  Timer care;
  Timer linger;
  Alive alive;
};

}  // namespace callbot::signaling
