// pipelines/sdp_transport.h: DTLS fingerprints (RFC 8122) and ICE credentials (RFC 8839) in SDP.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   what is malformed is said to be so, nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/sdp.h"

namespace callbot::pipelines {

struct SdpFingerprint {
  std::string hash;   // "sha-256"
  std::string value;  // "AB:CD:..", upper case
  friend bool operator==(const SdpFingerprint&, const SdpFingerprint&) = default;
};

// Those of hashes that we can compute (sha-256, sha-384, sha-512, sha-1), in this order, one of
// each at most. Nothing: malformed. `any` is set if there was one at all, of whatever hash.
std::optional<std::vector<SdpFingerprint>> fingerprints_of(const SdpAttributes& attributes,
                                                           bool& any);

bool is_ice_ufrag(std::string_view text);
bool is_ice_pwd(std::string_view text);

}  // namespace callbot::pipelines
