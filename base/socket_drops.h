// base/socket_drops.h: datagrams that came and that this process did not take in time: its UDP
// sockets' buffers were full (/proc/self/net/udp, "drops"). A call counts them as lost on the way.
//
// Thread:  any, one at a time; reads files of the kernel's, some microseconds a socket.
// Owner:   the caller.
// Fails:   never: where the kernel says nothing there are none. What a socket dropped after the
//          last look before it was closed is not known.
#pragma once

#include <cstdint>
#include <map>

#include "base/files.h"

namespace callbot {

class SocketDrops {
 public:
  // `proc`: tests have files of their own in its place.
  explicit SocketDrops(fs::path proc = "/proc/self");

  // Of all sockets that are open now, since it was asked last (or made).
  uint64_t take();

 private:
  fs::path proc_;
  std::map<uint64_t, uint64_t> before_;  // by the socket's inode
};

}  // namespace callbot
