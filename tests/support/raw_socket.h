// tests/support/raw_socket.h: a TCP connection that sends exactly the bytes it is told to, so that
// tests can misbehave in ways no library does.
//
// Thread:  loop; it never blocks it.
// Owner:   the test.
// Fails:   the test, through EXPECT.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "base/loop.h"

namespace callbot::test {

class RawSocket {
 public:
  RawSocket(Loop& loop, uint16_t port)
      : loop_(loop), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // Sends all of it while the loop turns; false when the other end closed before.
  bool send(std::string_view bytes, std::chrono::milliseconds within = std::chrono::seconds(20)) {
    const bool done = loop_.run_until([&] { return bytes.empty() || !push(bytes); }, within);
    return done && bytes.empty();
  }
  // Everything received so far.
  const std::string& received() {
    pull();
    return received_;
  }
  bool wait_for(std::string_view text,
                std::chrono::milliseconds within = std::chrono::seconds(10)) {
    return loop_.run_until([&] { return received().find(text) != std::string::npos; }, within);
  }
  bool wait_for_end(std::chrono::milliseconds within = std::chrono::seconds(10)) {
    return loop_.run_until(
        [&] {
          pull();
          return ended_;
        },
        within);
  }
  bool ended() const { return ended_; }

  // The handshake of a WebSocket (RFC 6455, 1.3), and frames of it, masked with zeros.
  bool open_websocket(const std::string& path, const std::string& headers = "") {
    return send("GET " + path +
                " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                headers + "\r\n") &&
           wait_for("101 ") && wait_for("\r\n\r\n");
  }
  static std::string frame(int opcode, std::string_view payload, bool last = true,
                           bool masked = true) {
    std::string out;
    out += static_cast<char>((last ? 0x80 : 0) | opcode);
    const int mask_bit = masked ? 0x80 : 0;
    if (payload.size() < 126) {
      out += static_cast<char>(mask_bit | static_cast<int>(payload.size()));
    } else {
      const bool two = payload.size() < 65536;
      out += static_cast<char>(mask_bit | (two ? 126 : 127));
      for (int shift = two ? 8 : 56; shift >= 0; shift -= 8)
        out += static_cast<char>((payload.size() >> shift) & 0xff);
    }
    if (masked) out += std::string(4, '\0');
    out += payload;
    return out;
  }

 private:
  // False when it can never be sent.
  bool push(std::string_view& bytes) {
    pull();
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    bytes.remove_prefix(static_cast<size_t>(n));
    return true;
  }
  void pull() {
    char buffer[65536];
    for (;;) {
      const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0)
        received_.append(buffer, static_cast<size_t>(n));
      else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        return void(ended_ = true);
      else
        return;
    }
  }

  Loop& loop_;
  int fd_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace callbot::test
