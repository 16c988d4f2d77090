#include "signaling/janus_subscriber.h"

#include <algorithm>

namespace callbot::signaling::janus {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPlugin = "janus.plugin.videoroom";
constexpr auto kAnswerWithin = 20s;  // a Peer that has not answered by then never will

}  // namespace

void Subscriber::begin(std::optional<int64_t> private_id) {
  private_id_ = private_id;
  in_room_ = true;
  pump();
}

void Subscriber::gone() {
  in_room_ = false;
  handle_.reset();
  drop_handle();
  refused_.clear();
  again_.stop();
}

void Subscriber::drop_handle() {
  if (handle_) context_.session.detach(*handle_);
  handle_.reset();
  handle_alive_.reset();
  phase_ = Phase::kIdle;
  subscribed_.clear();
  layered_.clear();
  requested_.clear();
  candidates_.clear();
  postponed_ = described_ = answered_ = one_by_one_ = false;
  answer_deadline_.stop();
}

void Subscriber::set_feeds(std::vector<Feed> feeds, const std::vector<Id>& announced) {
  feeds_ = std::move(feeds);
  std::erase_if(refused_, [&](const Key& key) {
    const bool told = std::find(announced.begin(), announced.end(), key.first) != announced.end();
    const bool there = std::any_of(feeds_.begin(), feeds_.end(),
                                   [&](const Feed& feed) { return feed.id == key.first; });
    return told || !there;
  });
  pump();
}

std::vector<Subscriber::Key> Subscriber::wanted() const {
  std::vector<Key> keys;
  for (const auto& feed : feeds_)
    for (const auto& stream : feed.streams)
      if (feed.publishes && refused_.count({feed.id, stream.mid}) == 0 &&
          (config_.wants_video || stream.kind != MediaKind::kVideo))
        keys.emplace_back(feed.id, stream.mid);
  return keys;
}

std::vector<Subscriber::Key> Subscriber::missing() const {
  std::vector<Key> keys = wanted();
  std::erase_if(keys, [this](const Key& key) {
    return std::any_of(subscribed_.begin(), subscribed_.end(), [&](const Subscribed& one) {
      return one.active && one.feed == key.first && one.feed_mid == key.second;
    });
  });
  if (one_by_one_ && !keys.empty())
    std::erase_if(keys,
                  [first = keys.front().first](const Key& key) { return key.first != first; });
  return keys;
}

Json Subscriber::streams_of(const std::vector<Key>& keys) const {
  Json streams = Json::array();
  for (const auto& [feed, mid] : keys)
    streams.add(Json::object().set("feed", feed.json()).set("mid", mid));
  return streams;
}

void Subscriber::pump() {
  if (!in_room_) return;
  if (wanted().empty() && phase_ != Phase::kJoining) return close_leg();
  if (phase_ == Phase::kStable && !postponed_) return update();
  if (phase_ == Phase::kIdle && !again_.running()) attach();
}

void Subscriber::attach() {
  phase_ = Phase::kJoining;
  context_.session.attach(kPlugin, handle_alive_.guard([this](JanusResult<JanusHandle> handle) {
    if (!handle) return restart(handle.error().error.message);
    handle_ = *handle;
    join();
  }));
}

void Subscriber::join() {
  requested_ = missing();
  if (requested_.empty()) {
    // Whoever was there has left meanwhile.
    drop_handle();
    return pump();
  }
  Json body = join_body(address_, "subscriber").set("streams", streams_of(requested_));
  body.set_if(private_id_.has_value(), "private_id", private_id_.value_or(0));
  context_.session.message(*handle_, body, nullptr,
                           handle_alive_.guard([this](auto reply) { replied(std::move(reply)); }));
}

// Janus would subscribe twice to what it has already; so this waits for its last word every time.
void Subscriber::update() {
  Json unsubscribe = Json::array();
  const auto keys = wanted();
  for (const auto& one : subscribed_) {
    const Key key{one.feed, one.feed_mid};
    if (one.active && std::find(keys.begin(), keys.end(), key) == keys.end())
      unsubscribe.add(Json::object().set("sub_mid", one.mid));
  }
  requested_ = missing();
  if (requested_.empty() && unsubscribe.size() == 0) {
    one_by_one_ = false;
    return;
  }
  phase_ = Phase::kUpdating;
  Json body = Json::object().set("request", "update");
  body.set_if(!requested_.empty(), "subscribe", streams_of(requested_));
  body.set_if(unsubscribe.size() > 0, "unsubscribe", unsubscribe);
  context_.session.message(*handle_, body, nullptr,
                           handle_alive_.guard([this](auto reply) { replied(std::move(reply)); }));
}

// To a join or an update.
void Subscriber::replied(JanusResult<JanusEvent> reply) {
  const bool joining = phase_ == Phase::kJoining;
  if (!reply) {
    const int code = reply.error().code;
    if (code == kUnauthorized || code == kNoSuchRoom)
      return context_.fail(explain(reply.error(), address_.room).in("subscribing"));
    if (code != kNoSuchFeed) return restart(reply.error().error.message);
    if (one_by_one_) refuse(requested_);
    one_by_one_ = true;
    requested_.clear();
    if (joining) return join();
    if (phase_ == Phase::kUpdating) phase_ = Phase::kStable;
    return pump();
  }
  if (reply->data.at("videoroom").text() == "updating") {
    postponed_ = true;
    if (phase_ == Phase::kUpdating) phase_ = Phase::kStable;
    return;
  }
  if (reply->data.at("streams").is_array()) {
    take_streams(*reply);
  } else {
    refuse(requested_);  // "nothing changed": then it is of no use to ask again
    requested_.clear();
  }
  if (reply->jsep_type == "offer") return take_offer(*reply);
  if (joining) return restart("Janus made no offer");
  if (phase_ == Phase::kUpdating) phase_ = Phase::kStable;
  pump();
}

void Subscriber::refuse(const std::vector<Key>& keys) {
  for (const auto& key : keys) {
    context_.log.info("Janus does not give us {} of feed {}", key.second, key.first.text);
    refused_.insert(key);
  }
}

void Subscriber::take_streams(const JanusEvent& event) {
  subscribed_ = subscribed_of(event.data.at("streams"));
  // What was asked for and is not there will not be there the next time either.
  std::vector<Key> asked = std::exchange(requested_, {});
  std::erase_if(asked, [this](const Key& key) {
    const auto left = missing();
    return std::find(left.begin(), left.end(), key) == left.end();
  });
  refuse(asked);
}

Description Subscriber::describe(const JanusEvent& event) const {
  Description offer{Description::Type::kOffer, event.sdp, generation_, {}};
  for (const auto& one : subscribed_)
    if (one.active) offer.streams[one.mid] = {one.feed.text, one.name, source_of(one.description)};
  return offer;
}

void Subscriber::take_offer(const JanusEvent& event) {
  if (!described_) ++generation_;
  described_ = true;
  postponed_ = false;
  phase_ = Phase::kOffered;
  answer_deadline_.once(kAnswerWithin, [this] { restart("no answer to Janus's offer was made"); });
  if (!leg_) {
    leg_ = context_.new_leg();
    Leg leg{.id = *leg_,
            .direction = Direction::kReceive,
            .offers = Party::kThem,
            .trickle = Trickle::kFull,
            .name = "room " + address_.room.text};
    context_.tell([leg](Events& events) { events.leg_opened(leg); });
  }
  context_.tell(
      [leg = *leg_, offer = describe(event)](Events& events) { events.received(leg, offer); });
}

void Subscriber::send(Message message) {
  if (auto* answer = std::get_if<Description>(&message)) {
    if (answer->type == Description::Type::kAnswer && answer->generation == generation_ &&
        phase_ == Phase::kOffered)
      start(*answer);
  } else {
    trickle(std::get<Candidate>(std::move(message)));
  }
}

void Subscriber::start(const Description& answer) {
  answer_deadline_.stop();
  phase_ = Phase::kStarting;
  const JanusSession::Jsep jsep{"answer", answer.sdp};
  context_.session.message(*handle_, Json::object().set("request", "start"), &jsep,
                           handle_alive_.guard([this](JanusResult<JanusEvent> reply) {
                             if (!reply) return restart(reply.error().error.message);
                             // The next offer may have been faster than this reply.
                             if (phase_ != Phase::kStarting) return;
                             phase_ = Phase::kStable;
                             choose_layers();
                             pump();
                           }));
  answered_ = true;
  for (auto& candidate : std::exchange(candidates_, {})) trickle(std::move(candidate));
}

bool Subscriber::is_video(const Key& key) const {
  for (const auto& feed : feeds_)
    for (const auto& stream : feed.streams)
      if (feed.id == key.first && stream.mid == key.second) return stream.kind == MediaKind::kVideo;
  return false;
}

// Which layers a video has we are not told; Janus takes the next one there is, and does nothing
// where there is only one.
void Subscriber::choose_layers() {
  if (config_.layer == JoinConfig::Layer::kAsServed) return;
  constexpr int kAllTemporal = 2;
  const int layer = static_cast<int>(config_.layer) - static_cast<int>(JoinConfig::Layer::kLow);
  Json streams = Json::array();
  for (const auto& one : subscribed_) {
    const Key key{one.feed, one.feed_mid};
    if (!one.active || !is_video(key) || !layered_.insert(key).second) continue;
    streams.add(Json::object()
                    .set("mid", one.mid)
                    .set("substream", layer)
                    .set("temporal", kAllTemporal)
                    .set("spatial_layer", layer)
                    .set("temporal_layer", kAllTemporal));
  }
  if (streams.size() == 0) return;
  context_.session.message(
      *handle_, Json::object().set("request", "configure").set("streams", streams), nullptr,
      handle_alive_.guard([this](JanusResult<JanusEvent> reply) {
        if (!reply)
          context_.log.warn("Janus does not choose a layer: {}", reply.error().error.message);
      }));
}

void Subscriber::trickle(Candidate candidate) {
  if (candidate.generation != generation_ || !handle_) return;
  if (!answered_) return candidates_.push_back(std::move(candidate));
  context_.session.trickle(*handle_, trickle_of(candidate));
}

void Subscriber::handle_event(const JanusEvent& event) {
  if (!handle_ || event.handle != *handle_) return;
  if (event.type == "event") {
    if (event.data.at("videoroom").text() != "updated") return;
    // An offer of Janus's own, or the one it postponed; what we asked for meanwhile is answered
    // by itself.
    const auto requested = std::exchange(requested_, {});
    if (postponed_) requested_ = requested;
    if (event.data.at("streams").is_array()) take_streams(event);
    if (!postponed_) requested_ = requested;
    if (event.jsep_type == "offer") take_offer(event);
  } else if (event.type == "trickle") {
    for (const auto& candidate : candidates_of(event.data, generation_))
      if (leg_) context_.tell([leg = *leg_, candidate](Events& e) { e.received(leg, candidate); });
  } else if (event.type == "webrtcup") {
    back_off_.connected();
  } else if (event.type == "hangup") {
    restart(event.data.at("reason").text().value_or("Janus hung up"));
  } else if (event.type == "detached") {
    handle_.reset();
    restart("Janus dropped the subscription");
  }
}

void Subscriber::restart(const std::string& why) {
  drop_handle();
  if (!in_room_ || again_.running()) return;
  const auto delay = back_off_.next();
  context_.log.warn("subscribing afresh in {} ms: {}", delay.count(), why);
  again_.once(delay, [this] { pump(); });
}

void Subscriber::close_leg() {
  drop_handle();
  back_off_ = {};
  generation_ = 0;
  if (!leg_) return;
  context_.tell(
      [leg = *leg_](Events& events) { events.leg_closed(leg, "nobody in the room sends"); });
  leg_.reset();
}

}  // namespace callbot::signaling::janus
