// pipelines/stun.h: a STUN binding request, as a connectivity check of an ICE session that is up
// (RFC 8445, RFC 7675): who is still there answers it.
//
// Thread:  any; plain bytes.
// Owner:   plain values.
// Fails:   never.
#pragma once

#include <cstdint>
#include <string>

namespace callbot::pipelines {

struct StunCheck {
  std::string remote_ufrag, local_ufrag;
  std::string remote_password;
  bool controlling = false;
  uint64_t tie_breaker = 0;
  uint32_t priority = 0;
  std::string transaction;  // 12 bytes
};

// With USERNAME, PRIORITY, ICE-CONTROLLING or -CONTROLLED, MESSAGE-INTEGRITY and FINGERPRINT.
std::string binding_request(const StunCheck& check);

}  // namespace callbot::pipelines
