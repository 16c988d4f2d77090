#include "bot/call_leg.h"

#include <fmt/core.h>

#include <algorithm>

#include "pipelines/ice.h"
#include "pipelines/sdp.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr const char* kChannel = "callbot";
constexpr size_t kMostEarlyCandidates = 100;
constexpr auto kFirstRetry = 500ms;
constexpr auto kLongestRetry = 15s;

bool worth_another_try(Code code) {
  return code == Code::kConnect || code == Code::kTimeout || code == Code::kInternal;
}

// What our m-lines carry, as far as they say so (RFC 4796): a server passes on no a=content, but
// what its protocol says of a mid.
std::map<std::string, signaling::StreamOwner> streams_said(const std::string& sdp) {
  std::map<std::string, signaling::StreamOwner> all;
  const auto parsed = pipelines::parse_sdp(sdp, {});
  if (!parsed) return all;
  for (const pipelines::SdpMedia& media : parsed->media) {
    const std::string* mid = media.attributes.find("mid");
    const std::string* content = media.attributes.find("content");
    if (mid != nullptr && content != nullptr && *content == "slides")
      all[*mid] = {"", "", "screen"};
  }
  return all;
}

}  // namespace

CallLeg::CallLeg(Loop& loop, const Log& log, signaling::Leg leg, pipelines::PeerConfig config,
                 LegOwner& owner)
    : loop_(loop),
      log_(log.child("peer " + (leg.name.empty() ? "server" : leg.name))),
      leg_(std::move(leg)),
      config_(std::move(config)),
      owner_(owner) {
  config_.name = leg_.name;
  config_.offers = leg_.offers == signaling::Party::kUs;
  config_.trickles = leg_.trickle == signaling::Trickle::kFull;
  config_.receives = leg_.direction != signaling::Direction::kSend;
  if (leg_.direction == signaling::Direction::kReceive) config_.source = nullptr;
  for (const signaling::IceServer& s : leg_.ice_servers)
    config_.ice.servers.push_back({s.url, s.username, s.credential});
  // What a server would tell or lend us leads around the relay.
  if (owner_.leg_line(leg_.name).link != nullptr) config_.ice.servers.clear();
}

CallLeg::~CallLeg() { drop_peer(); }

void CallLeg::start() {
  if (config_.offers) fresh();
}

void CallLeg::fresh() {
  drop_peer();
  ++generation_;
  if (!make_peer()) return;
  if (owner_.leg_opens_channel() && !leg_.member.empty())
    if (const auto opened = peer_->open_channel(kChannel); !opened)
      log_.warn("no data channel: {}", opened.error().message);
  peer_->negotiate();
}

bool CallLeg::make_peer() {
  if (const LegOwner::Line line = owner_.leg_line(leg_.name); line.link != nullptr)
    relay_ = std::make_unique<network::Relay>(
        *line.link, log_,
        pipelines::gathering_addresses(config_.ice).value_or(std::vector<std::string>()),
        line.whose);
  auto peer = pipelines::Peer::create(loop_, log_, config_, *this);
  if (!peer) {
    owner_.leg_trouble(*this, peer.error(), false);
    return false;
  }
  peer_ = std::move(*peer);
  return true;
}

void CallLeg::drop_peer() {
  retry_.stop();
  channel_.reset();
  peer_.reset();
  relay_.reset();
  for (const TrackInfo& track : std::exchange(tracks_, {})) owner_.leg_track_removed(track);
}

void CallLeg::received(signaling::Message message) {
  std::visit([this](const auto& m) { take(m); }, message);
}

void CallLeg::take(const signaling::Description& description) {
  const bool offer = description.type == signaling::Description::Type::kOffer;
  if (offer == config_.offers) {
    log_.warn("an {} from the side that may not send one; ignored", offer ? "offer" : "answer");
    return;
  }
  if (offer && (!peer_ || description.generation != generation_)) {
    begun_afresh();
    drop_peer();
    generation_ = description.generation;
    if (!make_peer()) return;
  }
  if (!peer_ || description.generation != generation_) return;  // of a peer that is no more
  if (offer && leg_.member.empty()) forget_who_left(description.streams);
  if (!description.streams.empty()) streams_ = description.streams;
  if (!leg_.member.empty())
    peer_->set_track_owner("", {owner_.participant_of(leg_.member), leg_.name, ""});
  for (const auto& [mid, owner] : streams_)
    peer_->set_track_owner(mid, {owner_.participant_of(owner.member), owner.name, owner.source});
  peer_->remote_description(offer,
                            relay_ ? relay_->description_for_us(description.sdp) : description.sdp);
  for (const auto& candidate : std::exchange(early_, {})) give(candidate);
}

// On a leg that carries many people, what the offer does not name is nobody's any more.
void CallLeg::forget_who_left(const std::map<std::string, signaling::StreamOwner>& streams) {
  for (const auto& [mid, owner] : streams_)
    if (!streams.contains(mid)) peer_->set_track_owner(mid, {});
  streams_ = streams;
}

void CallLeg::take(const signaling::Candidate& candidate) {
  if (peer_ && candidate.generation == generation_) return give(candidate);
  const bool to_come = candidate.generation > generation_ || !peer_;
  if (to_come && early_.size() < kMostEarlyCandidates) early_.push_back(candidate);
}

void CallLeg::give(const signaling::Candidate& candidate) {
  if (!peer_ || candidate.generation != generation_) return;
  const auto text = relay_ ? relay_->candidate_for_us(candidate.text) : candidate.text;
  if (text) peer_->remote_candidate(candidate.mline, candidate.mid, *text);
}

void CallLeg::requested(signaling::Request request) {
  if (!config_.offers) return;
  if (peer_ && request.what != signaling::Request::What::kRestart) return peer_->negotiate();
  begun_afresh();
  fresh();
}

// A member who takes a new connection says himself why; a server says it to nobody else.
void CallLeg::begun_afresh() {
  if (peer_ && leg_.member.empty())
    owner_.leg_trouble(*this, {Code::kConnect, "the server gave the connection up"}, true);
}

void CallLeg::retry(const Error& error) {
  const bool again = worth_another_try(error.code);
  drop_peer();
  owner_.leg_trouble(*this, error, again);
  if (!again) return;
  const auto wait = std::min<std::chrono::milliseconds>(kFirstRetry * (1 << std::min(attempt_, 8)),
                                                        kLongestRetry);
  ++attempt_;
  if (config_.offers) {
    retry_.once(wait, [this] { fresh(); });
    return;
  }
  // The offerer may not have noticed, or our request may be lost with it: ask until one comes.
  owner_.leg_request(leg_.id, {signaling::Request::What::kRestart});
  retry_.every(kLongestRetry,
               [this] { owner_.leg_request(leg_.id, {signaling::Request::What::kRestart}); });
}

const TrackInfo* CallLeg::track(TrackId id) const {
  const auto found =
      std::find_if(tracks_.begin(), tracks_.end(), [id](const TrackInfo& t) { return t.id == id; });
  return found == tracks_.end() ? nullptr : &*found;
}

void CallLeg::local_description(bool offer, const std::string& sdp) {
  signaling::Description description;
  description.type =
      offer ? signaling::Description::Type::kOffer : signaling::Description::Type::kAnswer;
  description.sdp = relay_ ? relay_->description_for_them(sdp) : sdp;
  description.generation = generation_;
  if (leg_.member.empty()) description.streams = streams_said(sdp);
  owner_.leg_send(leg_.id, std::move(description));
}

void CallLeg::local_candidate(uint32_t mline, const std::string& mid, const std::string& text) {
  const auto shown = relay_ ? relay_->candidate_for_them(text) : text;
  if (shown) owner_.leg_send(leg_.id, signaling::Candidate{mline, mid, *shown, generation_});
}

Result<> CallLeg::network_verified() const {
  if (!relay_) return fail(Code::kUnmeasured, leg_.name + ": there is no relay");
  if (!peer_) return fail(Code::kUnmeasured, leg_.name + ": not connected");
  return relay_->verified(peer_->stats().selected_pair).map_error([this](Error error) {
    return std::move(error).in(leg_.name);
  });
}

void CallLeg::connected() {
  attempt_ = 0;
  owner_.leg_connected(*this);
}

void CallLeg::track_added(const TrackInfo& track) {
  tracks_.push_back(track);
  owner_.leg_track_added(*this, track);
}

void CallLeg::track_removed(TrackId id) {
  const TrackInfo* found = track(id);
  if (found == nullptr) return;
  const TrackInfo removed = *found;
  std::erase_if(tracks_, [id](const TrackInfo& t) { return t.id == id; });
  owner_.leg_track_removed(removed);
}

void CallLeg::key_frame_wait(TrackId id) {
  if (const TrackInfo* t = track(id)) owner_.leg_key_frame_wait(*t);
}

void CallLeg::key_frame_found(TrackId id, std::chrono::nanoseconds wait) {
  if (const TrackInfo* t = track(id)) owner_.leg_key_frame_found(*t, wait);
}

void CallLeg::size_changed(TrackId id, uint32_t width, uint32_t height) {
  if (const TrackInfo* t = track(id)) owner_.leg_size_changed(*t, width, height);
}

void CallLeg::rendition_changed(size_t rendition, double available) {
  owner_.leg_rendition_changed(*this, rendition, available);
}

void CallLeg::channel_opened(pipelines::ChannelId channel, const std::string& label) {
  log_.info("data channel \"{}\" is open", label);
  if (label == kChannel) channel_ = channel;
}

Result<> CallLeg::send_message(bool text, std::string_view bytes) {
  if (!peer_ || !channel_)
    return fail(Code::kConnect, fmt::format("{}: there is no open data channel", leg_.name));
  return peer_->send_message(*channel_, text, bytes).map_error([this](Error error) {
    return std::move(error).in(leg_.name);
  });
}

void CallLeg::channel_message(pipelines::ChannelId, bool text, std::string bytes) {
  owner_.leg_channel_message(*this, text, std::move(bytes));
}

void CallLeg::channel_closed(pipelines::ChannelId channel) {
  if (channel_ == channel) channel_.reset();
  owner_.leg_channel_closed(*this);
}

void CallLeg::needs_negotiation() {
  if (config_.offers)
    peer_->negotiate();
  else
    owner_.leg_request(leg_.id, {signaling::Request::What::kRenegotiate});
}

void CallLeg::failed(const Error& error) {
  // The peer is on the stack: let it return before it is destroyed.
  loop_.post(alive_.guard([this, error, generation = generation_] {
    if (generation == generation_) retry(error);
  }));
}

}  // namespace callbot::bot
