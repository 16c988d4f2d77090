#include "signaling/janus_publisher.h"

#include <utility>

namespace callbot::signaling::janus {
namespace {

Json publish_body(const Description& offer, bool first) {
  Json body = Json::object().set("request", first ? "publish" : "configure");
  Json descriptions = Json::array();
  for (const auto& [mid, owner] : offer.streams)
    if (!owner.source.empty())
      descriptions.add(Json::object().set("mid", mid).set("description", owner.source));
  body.set_if(descriptions.size() > 0, "descriptions", descriptions);
  return body;
}

}  // namespace

void Publisher::begin(JanusHandle handle) {
  handle_ = handle;
  if (!leg_) {
    leg_ = context_.new_leg();
    Leg leg{.id = *leg_,
            .direction = Direction::kSend,
            .offers = Party::kUs,
            .trickle = Trickle::kFull,
            .name = "room " + address_.room.text};
    context_.tell([leg](Events& events) { events.leg_opened(leg); });
    return;
  }
  // An offer that was never answered is as good for the new handle as it was for the old one.
  if (answered_) return ask_for_restart();
  unsent_ = offer_.has_value();
  trickled_ = 0;
  pump();
}

void Publisher::gone() {
  handle_.reset();
  alive_.reset();
  in_flight_ = false;
  on_handle_ = 0;
  restart_.stop();
}

void Publisher::send(Message message) {
  std::visit([this](auto&& one) { take(std::forward<decltype(one)>(one)); }, std::move(message));
}

void Publisher::take(Description offer) {
  if (offer.type != Description::Type::kOffer) return;
  const bool fresh = !offer_ || offer.generation > offer_->generation;
  if (offer_ && offer.generation < offer_->generation) return;
  if (fresh) {
    // Candidates may have come before the offer they belong to.
    std::erase_if(candidates_, [&](const auto& c) { return c.generation != offer.generation; });
    trickled_ = 0;
    answered_ = false;
    restart_.stop();
  }
  offer_ = std::move(offer);
  unsent_ = true;
  pump();
}

void Publisher::take(Candidate candidate) {
  if (offer_ && candidate.generation < offer_->generation) return;
  candidates_.push_back(std::move(candidate));
  flush_candidates();
}

void Publisher::pump() {
  if (!handle_ || !unsent_ || in_flight_) return;
  // A handle has had its one peer connection: Janus 1.1 lets go of it some time after it says so,
  // and answers what comes too early without any ICE credentials.
  if (on_handle_ != 0 && on_handle_ != offer_->generation) return context_.rejoin();
  publish();
}

void Publisher::publish() {
  const bool first = on_handle_ == 0;
  const uint32_t generation = offer_->generation;
  in_flight_ = true;
  unsent_ = false;
  on_handle_ = generation;
  const JanusSession::Jsep jsep{"offer", offer_->sdp};
  context_.session.message(*handle_, publish_body(*offer_, first), &jsep,
                           alive_.guard([this, generation](JanusResult<JanusEvent> reply) {
                             published(generation, std::move(reply));
                           }));
  flush_candidates();
}

void Publisher::published(uint32_t generation, JanusResult<JanusEvent> reply) {
  in_flight_ = false;
  if (!reply) {
    const Error error = explain(reply.error(), address_.room);
    if (reply.error().code != 0) return context_.fail(Error(error).in("publishing"));
    // Lost or late: a lost session begins anew, and late is as if Janus had hung up.
    if (error.code == Code::kTimeout) ask_for_restart();
    return;
  }
  if (generation == offer_->generation && reply->jsep_type == "answer") {
    answered_ = true;
    Description answer{Description::Type::kAnswer, reply->sdp, generation, {}};
    context_.tell([leg = *leg_, answer](Events& events) { events.received(leg, answer); });
  }
  pump();
}

void Publisher::flush_candidates() {
  if (!handle_ || !offer_ || on_handle_ != offer_->generation) return;
  for (; trickled_ < candidates_.size(); ++trickled_)
    if (candidates_[trickled_].generation == on_handle_)
      context_.session.trickle(*handle_, trickle_of(candidates_[trickled_]));
}

void Publisher::handle_event(const JanusEvent& event) {
  if (!handle_ || event.handle != *handle_) return;
  if (event.type == "webrtcup") {
    back_off_.connected();
  } else if (event.type == "trickle") {
    for (const auto& candidate : candidates_of(event.data, on_handle_))
      context_.tell([leg = *leg_, candidate](Events& e) { e.received(leg, candidate); });
  } else if (event.type == "hangup") {
    context_.log.warn("Janus gave up the connection we send on: {}",
                      event.data.at("reason").text().value_or("no reason given"));
    ask_for_restart();
  }
}

void Publisher::ask_for_restart() {
  if (restart_.running()) return;
  restart_.once(back_off_.next(), [this] {
    context_.tell(
        [leg = *leg_](Events& events) { events.requested(leg, {Request::What::kRestart}); });
  });
}

}  // namespace callbot::signaling::janus
