#include "signaling/room_members.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/files.h"

namespace callbot::signaling {

using room::RoomMember;

void RoomMembers::joined(RoomMember us, const room::Joined& joined) {
  us_ = std::move(us);
  ice_servers_ = joined.ice_servers;
  for (auto& [id, other] : others_) other.missing = true;
  for (const RoomMember& member : joined.members) meet(member);
  tell_members();
  for (auto& [id, other] : others_) update_leg(other);
}

bool RoomMembers::any_missing() const {
  return std::any_of(others_.begin(), others_.end(),
                     [](const auto& o) { return o.second.missing; });
}

void RoomMembers::give_up_missing() {
  std::vector<std::string> gone;
  for (const auto& [id, other] : others_)
    if (other.missing) gone.push_back(id);
  for (const std::string& id : gone) part(id, "lost");
  if (!gone.empty()) tell_members();
}

// --- what comes in

void RoomMembers::take(const room::MemberJoined& message) {
  meet(message.member);
  tell_members();
  const auto found = others_.find(message.member.id);
  if (found != others_.end()) update_leg(found->second);
}

void RoomMembers::take(const room::MemberChanged& message) {
  if (others_.contains(message.member.id)) take(room::MemberJoined{message.member});
}

void RoomMembers::take(const room::MemberLeft& message) {
  if (!others_.contains(message.id)) return;
  part(message.id, message.reason);
  tell_members();
}

void RoomMembers::take(const room::Sdp& message) {
  RoomLeg* leg = leg_to(message.peer);
  if (leg == nullptr) return;
  const Other& other = others_.at(message.peer);
  RoomLeg::In in = leg->received(message);
  if (!in.ignored.empty()) log_.info("from {}: {}", printable(other.info.name), in.ignored);
  for (Message& m : in.up) {
    host_.emit([id = leg->leg().id, m = std::move(m)](Events& events) { events.received(id, m); });
  }
  deliver(other, std::move(in.again));
}

void RoomMembers::take(const room::IceCandidate& message) {
  RoomLeg* leg = leg_to(message.peer);
  if (leg == nullptr) return;
  for (Message& m : leg->received(message).up)
    host_.emit([id = leg->leg().id, m = std::move(m)](Events& events) { events.received(id, m); });
}

void RoomMembers::take(const room::Renegotiate& message) {
  const RoomLeg* ours = leg_to(message.peer);
  if (ours == nullptr) return;
  const Leg& leg = ours->leg();
  if (leg.offers != Party::kUs)
    return log_.warn("from {}: asks for an offer, but offers itself",
                     printable(others_.at(message.peer).info.name));
  const auto what = message.restart ? Request::What::kRestart : Request::What::kRenegotiate;
  host_.emit([id = leg.id, what](Events& events) { events.requested(id, Request{what}); });
}

// --- members and legs

void RoomMembers::meet(const RoomMember& member) {
  if (member.id == us_.id) return;
  Other& other = others_[member.id];
  const bool back = other.missing;
  other.info = member;
  other.missing = false;
  if (back && other.leg) deliver(other, other.leg->again());
}

void RoomMembers::part(const std::string& id, const std::string& why) {
  const auto node = others_.extract(id);
  if (node.empty() || !node.mapped().leg) return;
  host_.emit(
      [leg = node.mapped().leg->leg().id, why](Events& events) { events.leg_closed(leg, why); });
}

// Opens the leg to this member, or another one where who sends what has changed.
void RoomMembers::update_leg(Other& other) {
  const RoomMember& them = other.info;
  const bool wanted = room::have_leg(us_, them);
  const bool out = us_.sends && them.receives;
  const bool in = them.sends && us_.receives;
  Leg leg;
  leg.direction = out && in ? Direction::kBoth : out ? Direction::kSend : Direction::kReceive;
  leg.offers = room::offers(us_, them) ? Party::kUs : Party::kThem;
  if (other.leg) {
    const Leg& now = other.leg->leg();
    if (wanted && now.direction == leg.direction && now.offers == leg.offers) return;
    host_.emit([id = now.id](Events& events) { events.leg_closed(id, "sends other media now"); });
    other.leg.reset();
  }
  if (!wanted) return;
  leg.id = LegId{++last_leg_};
  leg.trickle = Trickle::kFull;
  leg.member = them.id;
  leg.name = them.name;
  leg.ice_servers = ice_servers_;
  other.leg = std::make_unique<RoomLeg>(leg);
  host_.emit([leg](Events& events) { events.leg_opened(leg); });
}

void RoomMembers::tell_members() {
  std::vector<Member> members;
  for (const auto& [id, other] : others_) members.push_back(room::member_of(other.info));
  host_.emit([members = std::move(members)](Events& events) { events.members_changed(members); });
}

RoomLeg* RoomMembers::leg_to(const std::string& member) {
  const auto found = others_.find(member);
  return found == others_.end() ? nullptr : found->second.leg.get();
}

RoomMembers::Other* RoomMembers::other_of(LegId leg) {
  for (auto& [id, other] : others_)
    if (other.leg && other.leg->leg().id == leg) return &other;
  return nullptr;
}

// --- what goes out

void RoomMembers::deliver(const Other& other, RoomLeg::Out out) {
  if (other.missing) return;  // what cannot be sent now is kept by the leg and goes with again()
  for (const room::Message& message : out) host_.put(message);
}

void RoomMembers::send(LegId leg, const Message& message) {
  Other* other = other_of(leg);
  if (other == nullptr) return;
  auto out = other->leg->sending(message, monotonic_ns());
  if (out.empty()) log_.debug("nothing to send to {} for this", printable(other->info.name));
  deliver(*other, std::move(out));
}

void RoomMembers::request(LegId leg, Request request) {
  if (Other* other = other_of(leg)) deliver(*other, other->leg->requesting(request));
}

void RoomMembers::doubt(int64_t since_ns) {
  for (auto& [id, other] : others_)
    if (other.leg) other.leg->doubt(since_ns);
}

void RoomMembers::resend_due() {
  for (auto& [id, other] : others_)
    if (other.leg) deliver(other, other.leg->due(monotonic_ns()));
}

}  // namespace callbot::signaling
