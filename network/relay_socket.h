// network/relay_socket.h: one UDP socket of a relay, read with the kernel's own times of arrival.
//
// Thread:  any one at a time.
// Owner:   Relay.
// Fails:   open(): kConnect with the system's words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "network/address.h"

namespace callbot::network {

class RelaySocket {
 public:
  // On a free port of that address.
  static Result<RelaySocket> open(const Address& on);

  struct Arrival {
    std::span<const uint8_t> bytes;  // until the next call of receive(), of any socket
    Address from;
    int64_t at_ns = 0;     // monotonic; when the kernel got it
    uint64_t overrun = 0;  // packets it had to drop before this one, since the last
  };
  // Nothing: no more for now.
  std::optional<Arrival> receive();
  static bool send(int fd, const Address& to, std::span<const uint8_t> bytes);

  int fd() const { return fd_.get(); }
  const Address& own() const { return own_; }

 private:
  Descriptor fd_;
  Address own_;
  uint32_t overruns_ = 0;
};

}  // namespace callbot::network
