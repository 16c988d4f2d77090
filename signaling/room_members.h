// signaling/room_members.h: the other members of a room as its client knows them, and the legs to
// them.
//
// A member that is not there after our coming back is missing: it may be coming back too. Its leg
// stays, and what is sent to it waits.
//
// Thread:  loop.
// Owner:   the room client, which posts what is emitted.
// Fails:   never; what makes no sense is logged and left alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "signaling/room_leg.h"
#include "signaling/room_messages.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

class RoomMembers {
 public:
  struct Host {
    std::function<void(std::function<void(Events&)>)> emit;
    // Dropped while we are not joined: the leg keeps it, and it goes with what is sent again.
    std::function<void(const room::Message&)> put;
  };
  RoomMembers(Log log, Host host) : log_(std::move(log)), host_(std::move(host)) {}

  // We joined, or came back, as `us`.
  void joined(room::RoomMember us, const room::Joined& joined);
  bool any_missing() const;
  void give_up_missing();

  void take(const room::MemberJoined& message);
  void take(const room::MemberChanged& message);
  void take(const room::MemberLeft& message);
  void take(const room::Sdp& message);
  void take(const room::IceCandidate& message);
  void take(const room::Renegotiate& message);

  void send(LegId leg, const Message& message);
  void request(LegId leg, Request request);
  // Everything sent since then may have been lost.
  void doubt(int64_t since_ns);
  // Offers that nobody has answered for too long.
  void resend_due();

 private:
  struct Other {
    room::RoomMember info;
    bool missing = false;
    std::unique_ptr<RoomLeg> leg;
  };

  void meet(const room::RoomMember& member);
  void part(const std::string& id, const std::string& why);
  void update_leg(Other& other);
  void tell_members();
  RoomLeg* leg_to(const std::string& member);
  Other* other_of(LegId leg);
  void deliver(const Other& other, RoomLeg::Out out);

  Log log_;
  const Host host_;
  room::RoomMember us_;
  std::vector<IceServer> ice_servers_;
  std::map<std::string, Other> others_;  // by id
  uint64_t last_leg_ = 0;
};

}  // namespace callbot::signaling
