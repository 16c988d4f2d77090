#include "bot/call.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "signaling/protocols.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using signaling::LegId;
using signaling::Member;

constexpr auto kLeaveDeadline = 5s;  // for the goodbye to reach the server

bool same(const Member& a, const Member& b) {
  return a.name == b.name && a.recorder == b.recorder && a.may_be_recorded == b.may_be_recorded &&
         a.audio == b.audio && a.video == b.video && a.video_source == b.video_source;
}

const Member* find(const std::vector<Member>& members, const std::string& id) {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.id == id; });
  return found == members.end() ? nullptr : &*found;
}

}  // namespace

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::kNew:
      return "new";
    case Phase::kJoining:
      return "joining";
    case Phase::kLive:
      return "live";
    case Phase::kLeaving:
      return "leaving";
    case Phase::kDone:
      return "done";
  }
  return "?";
}

Result<std::unique_ptr<Call>> Call::create(Loop& loop, Log log, CallConfig config,
                                           CallEvents& events) {
  auto made = signaling::make_signaling(loop, log, config.join);
  if (!made) return tl::unexpected(made.error());
  std::unique_ptr<Call> call(new Call(loop, std::move(log), std::move(config), events));
  call->signaling_ = std::move(*made);
  return call;
}

Call::Call(Loop& loop, Log log, CallConfig config, CallEvents& events)
    : loop_(loop), log_(std::move(log)), config_(std::move(config)), events_(events) {
  if (config_.network) link_ = std::make_unique<network::Link>(*config_.network);
  std::map<std::string, int> bearers;
  for (const auto& [name, participant] : config_.known) {
    gone_[name] = participant;
    ++bearers[name];
  }
  // Of two with one name nobody can say who is back.
  for (const auto& [name, count] : bearers)
    if (count > 1) gone_.erase(name);
}

Call::~Call() {
  legs_.clear();  // while the sinks and signaling_ are still there
}

bool Call::advance(Phase next) {
  if (next <= phase_) return false;  // late, repeated or out of order: nothing to do
  log_.info("{} -> {}", name_of(phase_), name_of(next));
  phase_ = next;
  return true;
}

void Call::start() {
  if (advance(Phase::kJoining)) signaling_->start(*this);
}

void Call::stop() {
  if (phase_ == Phase::kNew) return finish({});
  if (!advance(Phase::kLeaving)) return;
  drop_legs();
  signaling_->close();
  leave_deadline_.once(kLeaveDeadline, [this] { finish({}); });
}

void Call::finish(Result<> how) {
  if (!advance(Phase::kDone)) return;
  leave_deadline_.stop();
  drop_legs();
  loop_.post(alive_.guard([this, how = std::move(how)] { events_.done(how); }));
}

void Call::drop_legs() {
  legs_.clear();
  connected_.clear();
  channels_.clear();
}

const Member* Call::member(const std::string& id) const { return find(members_, id); }

CallStats Call::stats() const {
  CallStats all;
  for (const auto& [id, leg] : legs_) {
    if (leg->peer() == nullptr) continue;
    auto stats = leg->peer()->stats();
    for (const TrackInfo& info : leg->tracks()) {
      CallTrack track{info, {}};
      for (const auto& s : stats.tracks)
        if (s.track == info.id) track.stats = s;
      all.tracks.push_back(std::move(track));
    }
    all.connections.push_back(
        {leg->leg().member, id, is_connected(id) ? std::move(stats.selected_pair) : "",
         fmt::format("{}/{}", static_cast<uint64_t>(id), leg->generation()), std::move(stats.sent),
         stats.round_trips, stats.round_trips_s, stats.times, stats.available_outgoing_bitrate,
         stats.quality_limited_s, stats.quality_switches});
  }
  return all;
}

void Call::request_key_frame(TrackId track) {
  for (auto& [id, leg] : legs_)
    for (const TrackInfo& t : leg->tracks())
      if (t.id == track && leg->peer() != nullptr) leg->peer()->request_key_frame(track);
}

Result<> Call::network_verified() const {
  if (!link_) return fail(Code::kUnmeasured, "no network was asked for");
  if (!verified_) return fail(Code::kUnmeasured, "nobody was connected");
  if (!*verified_) return *verified_;
  for (const LegId id : connected_)
    if (auto verified = legs_.at(id)->network_verified(); !verified) return verified;
  return {};
}

Result<> Call::network_verified(const std::string& member) const {
  for (const auto& [id, leg] : legs_)
    if (leg->leg().member == member) return leg->network_verified();
  return fail(Code::kUnmeasured, "nobody was connected");
}

LegOwner::Line Call::leg_line(const std::string& name) {
  if (link_) return {link_.get()};
  if (!config_.line_of) return {};
  return {config_.line_of(name), network::Relay::Whose::kTheOtherEnds};
}

bool Call::is_connected(LegId leg) const {
  return std::find(connected_.begin(), connected_.end(), leg) != connected_.end();
}

bool Call::carries(const std::string& member, signaling::Direction direction) const {
  return std::any_of(connected_.begin(), connected_.end(), [&](LegId id) {
    const signaling::Leg& leg = legs_.at(id)->leg();
    const bool there = leg.member.empty() || leg.member == member;
    return there && (leg.direction == signaling::Direction::kBoth || leg.direction == direction);
  });
}

void Call::announce(const signaling::Self& self) {
  config_.join.self = self;
  signaling_->announce(self);
}

void Call::set_sending(MediaKind kind, bool on) {
  for (auto& [id, leg] : legs_)
    if (leg->peer() != nullptr) leg->peer()->set_sending(kind, on);
}

Result<> Call::send_message(const std::string& member, bool text, std::string_view bytes) {
  for (auto& [id, leg] : legs_)
    if (leg->leg().member == member) return leg->send_message(text, bytes);
  return fail(Code::kConnect, "there is no connection to " + member);
}

const std::string& Call::participant_of(const std::string& member) const {
  const auto found = participants_.find(member);
  return found == participants_.end() ? member : found->second;
}

void Call::recognise(const Member& m) {
  if (participants_.contains(m.id)) return;
  const auto same = std::find_if(gone_.begin(), gone_.end(),
                                 [&](const auto& left) { return left.second == m.id; });
  if (same != gone_.end()) {
    participants_[m.id] = m.id;
    gone_.erase(same);
    return;
  }
  const auto left = gone_.find(m.name);
  participants_[m.id] = left == gone_.end() ? m.id : left->second;
  if (left != gone_.end()) gone_.erase(left);
}

// --- who may be recorded

bool Call::may_record(const std::string& participant) const {
  return std::none_of(members_.begin(), members_.end(), [&](const Member& m) {
    const bool may = m.may_be_recorded && (!config_.wants || config_.wants(m));
    return !may && participant_of(m.id) == participant;
  });
}

void Call::put_sinks(CallLeg& leg, const TrackInfo& track) {
  taken_.push_back(track.id);
  for (pipelines::Sink* sink : sinks_) leg.peer()->add_sink(track.id, *sink);
}

void Call::take_sinks(CallLeg& leg, const TrackInfo& track) {
  std::erase(taken_, track.id);
  for (pipelines::Sink* sink : sinks_) leg.peer()->remove_sink(track.id, *sink);
}

void Call::apply_consent(const std::string& id) {
  const std::string& participant = participant_of(id);
  const bool may = may_record(participant);
  for (auto& [leg_id, leg] : legs_) {
    for (const TrackInfo& track : leg->tracks()) {
      if (track.participant != participant || leg->peer() == nullptr) continue;
      const bool taken = std::find(taken_.begin(), taken_.end(), track.id) != taken_.end();
      if (may && !taken) put_sinks(*leg, track);
      if (!may && taken) take_sinks(*leg, track);
    }
  }
}

void Call::choose_again() {
  for (const Member& m : members_) apply_consent(m.id);
}

// --- from the signaling

void Call::joined(const std::string& self) {
  if (!advance(Phase::kLive)) return;
  if (link_) link_->begin_schedule();
  events_.joined(self);
}

void Call::members_changed(const std::vector<Member>& members) {
  if (phase_ >= Phase::kLeaving) return;
  const auto before = std::exchange(members_, members);
  for (const Member& m : before)
    if (member(m.id) == nullptr) {
      gone_[m.name] = participant_of(m.id);
      events_.member_left(m);
    }
  for (const Member& m : members) {
    const Member* old = find(before, m.id);
    if (old == nullptr) {
      recognise(m);
      events_.member_joined(m);
    }
    if (old != nullptr && !same(*old, m)) events_.member_changed(*old, m);
    if (old == nullptr || old->may_be_recorded != m.may_be_recorded || old->name != m.name)
      apply_consent(m.id);
  }
}

void Call::leg_opened(const signaling::Leg& leg) {
  if (phase_ >= Phase::kLeaving) return;
  pipelines::PeerConfig config;
  config.ice = config_.ice;
  config.receive_codecs = config_.receive_codecs;
  config.headers = config_.headers;
  config.receive_audio = config_.receive_audio;
  config.receive_video = config_.receive_video;
  config.least_video_lines = config_.least_video_lines;
  config.source = config_.source;
  auto& made = legs_[leg.id];
  made =
      std::make_unique<CallLeg>(loop_, log_, leg, std::move(config), static_cast<LegOwner&>(*this));
  made->start();
}

void Call::received(LegId leg, signaling::Message message) {
  if (const auto found = legs_.find(leg); found != legs_.end())
    found->second->received(std::move(message));
}

void Call::requested(LegId leg, signaling::Request request) {
  if (const auto found = legs_.find(leg); found != legs_.end()) found->second->requested(request);
}

void Call::leg_closed(LegId id, const std::string& why) {
  const auto found = legs_.find(id);
  if (found == legs_.end()) return;
  log_.info("leg to {} closed: {}", found->second->leg().name, why);
  leg_channel_closed(*found->second);
  std::erase(connected_, id);
  legs_.erase(found);
}

void Call::message(const signaling::ChatMessage& message) {
  if (const Member* from = member(message.member)) events_.chat(*from, message.text);
}

void Call::interrupted(const std::string& why) { events_.interrupted(why); }
void Call::resumed() { events_.resumed(); }

void Call::closed(Result<> how) { finish(std::move(how)); }

// --- from the legs

void Call::leg_send(LegId leg, signaling::Message message) {
  signaling_->send(leg, std::move(message));
}

void Call::leg_request(LegId leg, signaling::Request request) { signaling_->request(leg, request); }

void Call::leg_connected(CallLeg& leg) {
  if (!is_connected(leg.leg().id)) connected_.push_back(leg.leg().id);
  if (link_ && (!verified_ || *verified_)) verified_ = leg.network_verified();
  events_.connected(leg.leg().member, leg.leg().id);
}

void Call::leg_trouble(CallLeg& leg, const Error& error, bool again) {
  const bool lost = std::erase(connected_, leg.leg().id) > 0;
  log_.warn("peer {}: {}{}", leg.leg().name, error.message, again ? "; trying again" : "");
  events_.trouble(leg.leg().member, {error, lost, again, leg.leg().id});
}

void Call::leg_track_added(CallLeg& leg, const TrackInfo& track) {
  const bool take = may_record(track.participant);
  if (take && leg.peer() != nullptr) put_sinks(leg, track);
  events_.track_added(track, take);
}

void Call::leg_track_removed(const TrackInfo& track) {
  std::erase(taken_, track.id);  // the peer has taken the sinks off
  events_.track_removed(track);
}

void Call::leg_key_frame_wait(const TrackInfo& track) { events_.key_frame_wait(track); }

void Call::leg_key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) {
  events_.key_frame_found(track, wait);
}

void Call::leg_size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
  events_.size_changed(track, width, height);
}

void Call::leg_rendition_changed(CallLeg& leg, size_t rendition, double available) {
  events_.rendition_changed(leg.leg().member, rendition, available);
}

void Call::leg_channel_message(CallLeg& leg, bool text, std::string bytes) {
  const Member* from = member(leg.leg().member);
  if (from == nullptr) return;
  auto event = channels_[leg.leg().id].take(text, std::move(bytes));
  if (!event)
    return events_.trouble(
        from->id, {std::move(event.error()).in("data channel"), false, true, leg.leg().id});
  if (auto* chat = std::get_if<ChatText>(&*event)) events_.chat(*from, chat->text);
  if (auto* begin = std::get_if<FileBegin>(&*event)) events_.file_begin(*from, *begin);
  if (auto* chunk = std::get_if<FileChunk>(&*event)) events_.file_chunk(*from, chunk->bytes);
  if (auto* end = std::get_if<FileEnd>(&*event)) events_.file_end(*from, end);
  if (auto* answer = std::get_if<ClockAnswer>(&*event)) events_.clock(*from, *answer);
  if (auto* question = std::get_if<ClockQuestion>(&*event)) {
    ClockAnswer answer{question->id, static_cast<double>(monotonic_ns()) / 1e6, {}};
    if (config_.marks) answer.marks = config_.marks();
    leg.send_message(true, clock_answer(answer));  // who is not told asks again
  }
}

void Call::leg_channel_closed(CallLeg& leg) {
  if (channels_.erase(leg.leg().id) == 0) return;
  if (const Member* from = member(leg.leg().member)) events_.file_end(*from, nullptr);
}

}  // namespace callbot::bot
