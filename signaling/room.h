// signaling/room.h: the client of our own rooms (ROOMS.md): one leg per other member.
//
// Thread:  loop.
// Owner:   see signaling.h.
// Fails:   closed() with kDenied (wrong token, full room, name in use, replaced, TLS not trusted),
//          kConnect (never reached, or lost for longer than reconnect_for), kTimeout (not joined
//          within the deadline), kBadInput (the server speaks something else).
//
// While the connection is lost, legs stay open and what is sent waits; on coming back the member
// has the same id, and an offer that was never answered is sent again.
#pragma once

#include <chrono>
#include <memory>

#include "base/log.h"
#include "base/loop.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

struct RoomTimes {
  std::chrono::milliseconds ping{10000};
  std::chrono::milliseconds dead_after{25000};  // without any message: the connection is lost
  std::chrono::milliseconds first_retry{250};   // doubles each time, half of it random
  std::chrono::milliseconds longest_retry{5000};
  std::chrono::milliseconds missing_grace{15000};  // members not there after our coming back are
                                                   // coming back too; later they have left
};

Result<std::unique_ptr<Signaling>> make_room_signaling(Loop& loop, Log log,
                                                       const JoinConfig& config,
                                                       RoomTimes times = {});

}  // namespace callbot::signaling
