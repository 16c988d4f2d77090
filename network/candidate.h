// network/candidate.h: ICE candidates as text (RFC 8839, 5.1), alone and in descriptions, as far as
// somebody who changes their addresses has to understand them.
//
// What is not understood is left out: it may be a way around.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never: nothing instead of what is no candidate.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "network/address.h"

namespace callbot::network {

struct Candidate {
  std::string head;  // "candidate:842163049 1 udp 1677729535"
  Address address;
  std::string type;  // "host", "srflx", "prflx", "relay"
  std::string tail;  // " generation 0 ufrag abcd"; without raddr, rport
};

// UDP, with an address that a packet can be sent to; "a=" before it is fine. Nothing: TCP, a name
// (mDNS), anything else.
std::optional<Candidate> parse_candidate(std::string_view text);
// Of a candidate that is not a host's the related address is said to be nobody's (RFC 8839, 5.1).
std::string write_candidate(const Candidate& candidate);

// A description with each candidate as `changed` says, or without it; and without everything else
// in it that names an address (c=, ports of m=, a=rtcp, a=remote-candidates).
std::string with_candidates_changed(
    std::string_view sdp,
    const std::function<std::optional<std::string>(const std::string& candidate)>& changed);

}  // namespace callbot::network
