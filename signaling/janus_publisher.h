// signaling/janus_publisher.h: the leg on which we send into a Janus VideoRoom; we offer.
//
// Thread:  loop.
// Owner:   JanusVideoRoom.
// Fails:   Context::fail when the room does not let us publish; a peer connection that Janus gave
//          up asks the call for a fresh one (Request::kRestart).
#pragma once

#include <optional>
#include <vector>

#include "base/alive.h"
#include "signaling/janus_leg.h"

namespace callbot::signaling::janus {

class Publisher {
 public:
  Publisher(Context& context, const Address& address) : context_(context), address_(address) {}

  // We are in the room with this handle. Opens the leg; on later handles takes it up again.
  void begin(JanusHandle handle);
  // The handle is no more.
  void gone();
  bool has(LegId leg) const { return leg_ && *leg_ == leg; }
  void send(Message message);
  void handle_event(const JanusEvent& event);

 private:
  void take(Description offer);
  void take(Candidate candidate);
  void pump();
  void publish();
  void published(uint32_t generation, JanusResult<JanusEvent> reply);
  void flush_candidates();
  void ask_for_restart();

  Context& context_;
  const Address& address_;
  std::optional<LegId> leg_;
  std::optional<JanusHandle> handle_;
  std::optional<Description> offer_;   // the newest; waits if `unsent_`
  std::vector<Candidate> candidates_;  // of that offer's generation, in order
  size_t trickled_ = 0;                // how many of them Janus has
  bool unsent_ = false;
  bool in_flight_ = false;  // one exchange at a time
  bool answered_ = false;   // the newest offer's generation has had an answer
  uint32_t on_handle_ = 0;  // generation that this handle's peer connection is or was; 0: none yet
  BackOff back_off_;
  Timer restart_;
  Alive alive_;
};

}  // namespace callbot::signaling::janus
