// pipelines/fingerprint.h: does the certificate of a DTLS handshake belong to the description?
//
// webrtcbin does not ask (GStreamer before 1.28.5); without it anyone on the path may be the other
// end.
//
// Thread:  any.
// Owner:   plain values.
// Fails:   certificate_matches(): kDenied, with what was promised and what came.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pipelines/sdp_guard.h"

namespace callbot::pipelines {

// The fingerprint of a PEM certificate as RFC 8122 writes it ("AB:CD:.."). `hash` is "sha-256",
// "sha-384" or "sha-512"; empty for any other and for what is no certificate.
std::string fingerprint_of(std::string_view pem, std::string_view hash);

// RFC 8122, 5.1: of several fingerprints those of the strongest hash count. SHA-1 and MD5 do not.
Result<> certificate_matches(std::string_view pem, const std::vector<SdpFingerprint>& promised);

}  // namespace callbot::pipelines
