// tests/support/udp_end.h: a plain UDP socket, as one end of a path.
//
// Thread:  the test's.
// Owner:   the test.
// Fails:   by aborting: without sockets on loopback there is no test.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/files.h"
#include "network/address.h"

namespace callbot::test {

class UdpEnd {
 public:
  explicit UdpEnd(const std::string& ip = "127.0.0.1");

  struct Got {
    std::string bytes;
    network::Address from;
  };
  void send(const network::Address& to, const std::string& bytes) const;
  // The next packet; nothing: none came in time.
  std::optional<Got> receive(std::chrono::milliseconds deadline = std::chrono::seconds(20)) const;
  // Nothing is there to be read.
  bool silent() const { return !receive(std::chrono::milliseconds(0)); }

  const network::Address& own() const { return own_; }
  // "candidate:1 1 UDP 2015364095 127.0.0.1 58927 typ host"
  std::string candidate() const;

 private:
  Descriptor fd_;
  network::Address own_;
};

// Packets of the kinds that a peer connection has (RFC 7983), told apart by their text.
std::string stun(const std::string& text = "");
std::string dtls(const std::string& text = "");
std::string rtp(const std::string& text = "");
std::string rtcp(const std::string& text = "");

}  // namespace callbot::test
