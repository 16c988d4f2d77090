// signaling/janus_subscriber.h: the leg on which we receive everybody in a Janus VideoRoom: one
// peer connection for all feeds; Janus offers, again whenever feeds come or go.
//
// What is wanted (the feeds of the room) and what is subscribed (Janus's last word) are two lists;
// whenever no exchange is in flight, their difference becomes one request.
//
// Thread:  loop.
// Owner:   JanusVideoRoom.
// Fails:   Context::fail when the room does not let us in; everything else is tried again, with
//          a fresh peer connection (a new generation of the same leg).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/alive.h"
#include "signaling/janus_leg.h"

namespace callbot::signaling::janus {

class Subscriber {
 public:
  // `config`: of our joining; what it wants of others' video.
  Subscriber(Context& context, const Address& address, const JoinConfig& config)
      : context_(context), address_(address), config_(config) {}

  // We are in the room; some rooms let only those subscribe who know their own private id.
  void begin(std::optional<int64_t> private_id);
  // The session is no more.
  void gone();
  // Who is in the room now. `announced`: a feed that Janus just told us about (again).
  void set_feeds(std::vector<Feed> feeds, const std::vector<Id>& announced);
  bool has(LegId leg) const { return leg_ && *leg_ == leg; }
  void send(Message message);
  // With a fresh peer connection.
  void restart(const std::string& why);
  void handle_event(const JanusEvent& event);

 private:
  // Of one feed's stream: feed and mid.
  using Key = std::pair<Id, std::string>;
  enum class Phase { kIdle, kJoining, kOffered, kStarting, kStable, kUpdating };

  void pump();
  void attach();
  void join();
  void update();
  void close_leg();
  void replied(JanusResult<JanusEvent> reply);
  void take_streams(const JanusEvent& event);
  void take_offer(const JanusEvent& event);
  void refuse(const std::vector<Key>& keys);
  void start(const Description& answer);
  void trickle(Candidate candidate);
  void drop_handle();
  void choose_layers();
  bool is_video(const Key& key) const;
  std::vector<Key> wanted() const;
  std::vector<Key> missing() const;
  Json streams_of(const std::vector<Key>& keys) const;
  Description describe(const JanusEvent& event) const;

  Context& context_;
  const Address& address_;
  const JoinConfig& config_;
  std::optional<int64_t> private_id_;
  bool in_room_ = false;
  std::vector<Feed> feeds_;
  std::optional<LegId> leg_;
  std::optional<JanusHandle> handle_;
  Phase phase_ = Phase::kIdle;
  uint32_t generation_ = 0;
  bool described_ = false;  // this generation's first offer is out
  std::vector<Subscribed> subscribed_;
  std::set<Key> layered_;              // streams whose layer Janus was told
  std::vector<Key> requested_;         // with the request in flight
  bool postponed_ = false;             // Janus did it, but its offer is still to come
  std::set<Key> refused_;              // until the feed is announced again
  bool one_by_one_ = false;            // after "no such feed", which does not say which
  std::vector<Candidate> candidates_;  // before our answer
  bool answered_ = false;              // in this generation
  BackOff back_off_;
  Timer again_;
  Timer answer_deadline_;
  Alive handle_alive_;  // of what belongs to the current handle
};

}  // namespace callbot::signaling::janus
