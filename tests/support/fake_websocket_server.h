// tests/support/fake_websocket_server.h: a WebSocket server on the loopback address that says
// whatever a test wants: wrong, late, too much, or nothing.
//
// Thread:  loop.
// Owner:   the test. Destroying it closes the port and drops every connection.
// Fails:   a test without a port cannot go on: aborts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace callbot::test {

class FakeWebSocketServer {
 public:
  struct Tls {
    std::string cert_file, key_file;
  };
  // With TLS if there are files; `protocol` is the sub-protocol it speaks (empty: any).
  explicit FakeWebSocketServer(std::string protocol = {}, Tls tls = {}, uint16_t port = 0);
  ~FakeWebSocketServer();

  uint16_t port() const;
  std::string url(const std::string& path = "/") const;  // ws://127.0.0.1:PORT/ or wss://

  // A client that connected, its number (0, 1 ...), and what it says.
  std::function<void(size_t client)> on_open;
  std::function<void(size_t client, const std::string& text)> on_text;
  std::function<void(size_t client, int code)> on_close;
  // Instead of opening a WebSocket: this HTTP status. 0: opens.
  int refuse_with = 0;

  size_t clients() const;  // that ever connected
  bool open(size_t client) const;
  void text(size_t client, const std::string& text);
  void binary(size_t client, const std::string& bytes);
  void close(size_t client, int code, const std::string& reason);
  void drop(size_t client);  // without a goodbye
  // Of the handshake; names as the client sent them.
  std::string header(size_t client, const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::test
