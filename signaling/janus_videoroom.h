// signaling/janus_videoroom.h: a room of the VideoRoom plugin of Janus (multistream, 1.x):
//   janus+ws://host:port/janus?room=1234     janus+wss://...
//
// One leg on which we send (we offer), if Self.sends; one on which we receive everybody (Janus
// offers, and offers again as people come and go), if Self.receives and while anybody sends.
// Members are those who send, and in rooms with notify_joining everybody; their ids are feed ids.
//
// URL:     room=NUMBER or NAME; pin=PIN of the room (or JoinConfig.token); secret=SECRET, the
//          api_secret of the server; token=TOKEN where the server or the room lists tokens.
// Thread:  loop.
// Owner:   see signaling.h.
// Fails:   closed() with kDenied (wrong pin, secret or token, room full, kicked, TLS not trusted),
//          kConnect (no such room, room destroyed, never reached, or lost for longer than
//          reconnect_for), kTimeout (not joined within the deadline), kBadInput (the server speaks
//          something else).
//
// A lost server or session is taken up again under the same id where the room lets us: what we
// send asks for a fresh peer connection (Request::kRestart), what we receive brings one by itself
// (a new generation).
#pragma once

#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

struct JanusTimes {
  std::chrono::milliseconds transaction{10000};  // from a request to its last reply
  std::chrono::milliseconds keepalive{10000};
  std::chrono::milliseconds first_retry{250};  // doubles each time, half of it random
  std::chrono::milliseconds longest_retry{5000};
};

Result<std::unique_ptr<Signaling>> make_janus_videoroom(Loop& loop, Log log,
                                                        const JoinConfig& config,
                                                        JanusTimes times = {});

}  // namespace callbot::signaling
