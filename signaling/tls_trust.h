// signaling/tls_trust.h: whose TLS certificates a client believes.
//
// Thread:  any; a plain value.
// Owner:   the caller.
// Fails:   never; a file that cannot be read makes the connection that needs it fail (kUsage).
#pragma once

#include <string>

namespace callbot::signaling {

struct TlsTrust {
  std::string ca_file;    // PEM; these roots besides the system's. Empty: the system's only
  bool insecure = false;  // any certificate; for tests
};

}  // namespace callbot::signaling
