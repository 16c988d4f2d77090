#include "signaling/room_leg.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace callbot::signaling {
namespace {

constexpr size_t kMostSent = 200;   // candidates kept for sending again
constexpr size_t kMostEarly = 200;  // candidates kept for an offer to come
constexpr int64_t kFirstResendNs = 5'000'000'000;
constexpr int64_t kLongestResendNs = 60'000'000'000;

Message up(const room::Sdp& message) {
  Description d;
  d.type = message.type;
  d.sdp = message.sdp;
  d.generation = message.generation;
  return d;
}

Message up(const room::IceCandidate& message) {
  return Candidate{message.mline, message.mid, message.candidate, message.generation};
}

RoomLeg::In ignored(std::string why) { return {.up = {}, .again = {}, .ignored = std::move(why)}; }

}  // namespace

void RoomLeg::begin(uint32_t generation) {
  if (generation == generation_) return;
  generation_ = generation;
  sent_.clear();
  answer_.reset();
}

RoomLeg::In RoomLeg::received(const room::Sdp& message) {
  return message.type == Description::Type::kOffer ? received_offer(message)
                                                   : received_answer(message);
}

RoomLeg::In RoomLeg::received_offer(const room::Sdp& message) {
  if (leg_.offers != Party::kThem) return ignored("an offer, but it is us who offers");
  if (message.generation < generation_) return ignored("an offer of an old generation");
  if (offer_ && offer_->generation == message.generation && offer_->sdp == message.sdp &&
      offer_->n == message.n) {
    In in = ignored("the same offer again");
    if (answer_) {
      in.again.emplace_back(*answer_);
      add_candidates(in.again, 0);
    }
    return in;
  }
  begin(message.generation);
  offer_ = message;
  answer_.reset();
  request_.reset();
  In in;
  in.up.push_back(up(message));
  for (const room::IceCandidate& candidate : std::exchange(early_, {}))
    if (candidate.generation == generation_)
      in.up.push_back(up(candidate));
    else if (candidate.generation > generation_)
      early_.push_back(candidate);
  return in;
}

RoomLeg::In RoomLeg::received_answer(const room::Sdp& message) {
  if (leg_.offers != Party::kUs) return ignored("an answer, but it is us who answers");
  const bool awaited = unanswered_ && message.generation == unanswered_->generation &&
                       (!message.n || message.n == unanswered_->n);
  if (!awaited) return ignored("an answer that nobody waits for");
  unanswered_.reset();
  In in;
  in.up.push_back(up(message));
  return in;
}

RoomLeg::In RoomLeg::received(const room::IceCandidate& message) {
  if (message.generation < generation_) return ignored("a candidate of an old generation");
  if (message.generation > generation_) {
    if (leg_.offers == Party::kThem && early_.size() < kMostEarly) early_.push_back(message);
    return ignored("a candidate of a generation to come");
  }
  In in;
  in.up.push_back(up(message));
  return in;
}

RoomLeg::Out RoomLeg::sending(const Message& message, int64_t now_ns) {
  if (const auto* description = std::get_if<Description>(&message))
    return sending_sdp(*description, now_ns);
  const auto& candidate = std::get<Candidate>(message);
  if (candidate.generation != generation_) return {};
  room::IceCandidate out{leg_.member, candidate.generation, candidate.text, candidate.mid,
                         candidate.mline};
  if (sent_.size() < kMostSent) sent_.push_back({out, now_ns});
  return {out};
}

RoomLeg::Out RoomLeg::sending_sdp(const Description& description, int64_t now_ns) {
  room::Sdp out{leg_.member, description.type, description.generation, description.sdp,
                std::nullopt};
  if (description.type == Description::Type::kOffer) {
    if (leg_.offers != Party::kUs || description.generation < std::max(generation_, 1U)) return {};
    begin(description.generation);
    out.n = ++offers_sent_;
    unanswered_ = out;
    resend_pause_ns_ = kFirstResendNs;
    next_resend_ns_ = now_ns + resend_pause_ns_;
  } else {
    const bool asked = offer_ && offer_->generation == description.generation;
    if (leg_.offers != Party::kThem || !asked) return {};
    out.n = offer_->n;
    answer_ = out;
  }
  described_ns_ = now_ns;
  return {out};
}

RoomLeg::Out RoomLeg::requesting(Request request) {
  if (leg_.offers == Party::kUs) return {};
  const bool restart = request.what == Request::What::kRestart;
  request_ = room::Renegotiate{leg_.member, restart || (request_ && request_->restart)};
  return {room::Renegotiate{leg_.member, restart}};
}

void RoomLeg::doubt(int64_t since_ns) { doubt_ns_ = std::min(doubt_ns_, since_ns); }

void RoomLeg::add_candidates(Out& out, int64_t since_ns) const {
  for (const SentCandidate& sent : sent_)
    if (sent.sent_ns >= since_ns) out.emplace_back(sent.candidate);
}

RoomLeg::Out RoomLeg::again() {
  const int64_t since = std::exchange(doubt_ns_, INT64_MAX);
  Out out;
  if (unanswered_) out.emplace_back(*unanswered_);
  // Without a number an old answer could be taken for the answer to a new offer.
  if (answer_ && answer_->n && described_ns_ >= since) out.emplace_back(*answer_);
  add_candidates(out, since);
  if (request_) out.emplace_back(*request_);
  return out;
}

RoomLeg::Out RoomLeg::due(int64_t now_ns) {
  Out out;
  if (!unanswered_ || now_ns < next_resend_ns_) return out;
  resend_pause_ns_ = std::min(resend_pause_ns_ * 2, kLongestResendNs);
  next_resend_ns_ = now_ns + resend_pause_ns_;
  out.emplace_back(*unanswered_);
  add_candidates(out, 0);
  return out;
}

}  // namespace callbot::signaling
