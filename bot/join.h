// bot/join.h: what the flags of a verb that joins a call mean to the signaling and to ICE.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   kUsage that names the flag; kUnsupported where there is no TURN server but over TLS.
#pragma once

#include <string>

#include "base/error.h"
#include "bot/call.h"
#include "bot/options.h"

namespace callbot::bot {

Result<CallConfig> call_config(const JoinOptions& options, const signaling::Self& self);

// For folders and manifests: "standup" and "rooms" of ws://host/rooms/standup; "1234" and "janus"
// of janus+ws://host/janus?room=1234.
std::string room_of(const std::string& url);
std::string protocol_of(const std::string& url);

}  // namespace callbot::bot
