// network/relay.h: a hop that the whole path of one peer connection leads over: STUN, DTLS, RTP and
// RTCP alike, so that a Link can impair it without root and without anybody noticing how.
//
//      our peer  <->  inner sockets  |  the Link  |  outer sockets  <->  the other end
//
// Each candidate of ours is handed to the other end as an outer socket on the same address; each
// candidate of theirs is handed to our peer as an inner socket on this host. Neither ever learns an
// address of the other: not from candidates or descriptions, which are rewritten; not from the
// source of a packet (peer-reflexive candidates), because each packet leaves from the socket that
// stands for its sender; not from what STUN reports back, which is the same sockets again. An
// address of theirs that nobody announced (mDNS, NAT) gets a socket of its own with its first STUN
// packet.
//
// Left out, both ways: TCP candidates, names (.local), link-local addresses, whatever is not
// understood. Of ours only host candidates are handed on: a server-reflexive or TURN address of
// ours would lead around.
//
// Thread:  loop; packets on the relays' one thread.
// Owner:   bot::CallLeg, one for each Peer, longer than it.
// Fails:   what cannot be relayed is left out and logged; verified() says what there is no proof
// of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "network/link.h"

namespace callbot::network {

class Relay {
 public:
  // `addresses`: where our peer gathers. Inner sockets are on the first of each family, else on
  // loopback: libnice does not get from another address to loopback.
  // `whose` line it is: up is what he sends.
  enum class Whose { kOurPeers, kTheOtherEnds };
  Relay(Link& link, Log log, const std::vector<std::string>& addresses = {},
        Whose whose = Whose::kOurPeers);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // A candidate line of ours, as the other end may see it, and the reverse. Nothing: it is left
  // out. An empty one, the end of candidates, stays.
  std::optional<std::string> candidate_for_them(const std::string& ours);
  std::optional<std::string> candidate_for_us(const std::string& theirs);
  std::string description_for_them(const std::string& ours);
  std::string description_for_us(const std::string& theirs);

  // Does the path lead through here? `selected_pair` is PeerStats::selected_pair: its far end has
  // to be one of our sockets, a near end that is a host's what we know our peer by, and STUN and
  // DTLS must have passed both ways. kUnmeasured: not proved, and why.
  Result<> verified(const std::string& selected_pair) const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::network
