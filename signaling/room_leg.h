// signaling/room_leg.h: one leg of our own rooms: which messages are in order, and which have to
// be sent again because they may have been lost with a connection (ROOMS.md, 3 and 5).
//
// Thread:  one; it sends nothing itself, but says what to send.
// Owner:   the room client.
// Fails:   never; messages out of order come back as ignored, with the reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "signaling/room_messages.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

class RoomLeg {
 public:
  using Out = std::vector<room::Message>;  // for the other end

  struct In {
    std::vector<Message> up;  // for the call
    Out again;                // what the other end has missed
    std::string ignored;      // why nothing came of it; empty: something did
  };

  explicit RoomLeg(Leg leg) : leg_(std::move(leg)) {}
  const Leg& leg() const { return leg_; }

  In received(const room::Sdp& message);
  In received(const room::IceCandidate& message);

  // Nothing, where the rules do not allow it.
  Out sending(const Message& message, int64_t now_ns);
  Out requesting(Request request);

  // Everything sent since then may have been lost.
  void doubt(int64_t since_ns);
  // All that may have been lost; the other end ignores what it knows.
  Out again();
  // An offer that is not answered for too long.
  Out due(int64_t now_ns);

 private:
  struct SentCandidate {
    room::IceCandidate candidate;
    int64_t sent_ns;
  };

  In received_offer(const room::Sdp& message);
  In received_answer(const room::Sdp& message);
  Out sending_sdp(const Description& description, int64_t now_ns);
  void begin(uint32_t generation);
  void add_candidates(Out& out, int64_t since_ns) const;

  Leg leg_;
  int64_t offers_sent_ = 0;
  uint32_t generation_ = 0;                   // of the latest offer; 0: none yet
  std::optional<room::Sdp> unanswered_;       // our offer
  std::optional<room::Sdp> offer_;            // the other's latest offer
  std::optional<room::Sdp> answer_;           // ours to it
  std::optional<room::Renegotiate> request_;  // no offer has come since
  std::vector<SentCandidate> sent_;           // of this generation
  std::vector<room::IceCandidate> early_;     // of a generation that has no offer yet
  int64_t described_ns_ = 0;                  // when our latest description went out
  int64_t doubt_ns_ = INT64_MAX;
  int64_t next_resend_ns_ = 0;
  int64_t resend_pause_ns_ = 0;
};

}  // namespace callbot::signaling
