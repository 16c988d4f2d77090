// pipelines/ice.h: which addresses, ports, STUN and TURN servers a webrtcbin uses.
//
// Thread:  loop.
// Owner:   plain values; configure_ice() keeps nothing.
// Fails:   kUsage: an interface or a server URL that is not one; kUnsupported: TURN over TLS only.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/gref.h"
#include "base/log.h"
#include "pipelines/peer.h"

namespace callbot::pipelines {

// The addresses to gather on: IPv4, and IPv6 that is not link-local (nobody can use it without its
// zone).
Result<std::vector<std::string>> gathering_addresses(const IceConfig& config);

// In webrtcbin's spelling, user names and passwords escaped.
struct IceUris {
  std::optional<std::string> stun;  // webrtcbin asks one STUN server
  std::vector<std::string> turn;
  std::vector<std::string> skipped;  // turns: libnice speaks no TLS, it would send all in the clear
};
Result<IceUris> ice_uris(const std::vector<IceServer>& servers);

// Once, before anything is negotiated.
Result<> configure_ice(GstElement* webrtcbin, const IceConfig& config, const Log& log);

// libnice's agent inside webrtcbin (a NiceAgent); null with another ICE implementation.
GRef<GObject> nice_agent_of(GstElement* webrtcbin);

}  // namespace callbot::pipelines
