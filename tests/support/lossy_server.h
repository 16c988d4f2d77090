// tests/support/lossy_server.h: what stands before a TURN server and loses media: every packet
// passes, but of the media that goes to its clients (RTP and RTCP in ChannelData, RFC 8656, 12.4) a
// share does not.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   by aborting: without sockets on loopback there is no test.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "base/files.h"
#include "base/loop.h"
#include "network/address.h"

namespace callbot::test {

class LossyServer {
 public:
  // Of each ten packets it loses so many.
  LossyServer(network::Address server, int of_ten);

  uint16_t port() const { return own_.port(); }
  uint64_t lost() const { return lost_; }

 private:
  struct Client {
    Descriptor fd;  // to the server
    Readable readable;
  };
  void from_clients();
  void from_server(const network::Address& client, int fd);
  bool loses(std::span<const uint8_t> packet);

  const network::Address server_;
  const int of_ten_;
  network::Address own_;
  Descriptor fd_;
  Readable readable_;
  std::map<network::Address, std::unique_ptr<Client>> clients_;
  uint64_t media_ = 0, lost_ = 0;
};

}  // namespace callbot::test
