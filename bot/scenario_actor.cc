#include "bot/scenario_actor.h"

#include <algorithm>

#include "base/clock.h"
#include "bot/join.h"

namespace callbot::bot {
namespace {

using MemberState = signaling::Member::State;

double seconds_between(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

}  // namespace

ScenarioActor::ScenarioActor(Loop& loop, const scenarios::Scenario& scenario,
                             scenarios::Instance who, std::string url, uint16_t number, Hears hears)
    : loop_(loop),
      scenario_(scenario),
      who_(std::move(who)),
      url_(std::move(url)),
      number_(number),
      hears_(std::move(hears)),
      media_(scenario.media_named(who_.actor->send)),
      log_(who_.name),
      samples_(who_.name, hears_.sample),
      network_(scenario, who_, scenario.seed + number) {
  samples_.measure("call.reconnects");
  if (hears_.media && receives()) kept_ = hears_.media(who_);
}

ScenarioActor::~ScenarioActor() { call_.reset(); }

// --- what its steps are

void ScenarioActor::join() {
  error_.reset();
  call_.reset();
  connected_.clear();
  selected_.clear();
  streams_.clear();
  key_frames_.clear();
  join_ns_ = monotonic_ns();
  state_ = State::kJoining;
  const auto source = make_source();
  auto made = source ? make_call() : tl::unexpected(source.error());
  if (!made) {
    error_ = made.error();
    state_ = State::kOut;
    return;
  }
  call_ = std::move(*made);
  call_->start();
}

Result<> ScenarioActor::make_source() {
  if (media_ == nullptr || source_) return {};
  const scenarios::Video& video = media_->video;
  pipelines::TestPatternConfig config;
  config.name = who_.shown;
  config.seed = scenario_.seed + number_;
  config.source = number_;
  config.video = video.source != "none";
  config.audio = media_->audio.source != "none";
  config.width = video.width;
  config.height = video.height;
  config.fps = static_cast<int>(video.fps);
  config.bitrate = static_cast<int>(video.bitrate);
  config.codec = video.codec;
  auto source = pipelines::TestPattern::create(loop_, log_, config);
  if (!source) return tl::unexpected(source.error());
  source_ = std::move(*source);
  self_.audio = config.audio ? MemberState::kOn : MemberState::kOff;
  self_.video = config.video ? MemberState::kOn : MemberState::kOff;
  return source_->start();
}

Result<std::unique_ptr<Call>> ScenarioActor::make_call() {
  const scenarios::Room& room = *scenario_.room(who_.actor->room);
  JoinOptions join{.url = url_, .name = who_.shown};
  join.token = who_.actor->token.empty() ? room.token : who_.actor->token;
  join.ca_file = room.ca_file;
  join.insecure = room.insecure;
  join.ice_servers = room.ice_servers;
  self_.sends = media_ != nullptr;
  self_.receives = receives();
  auto config = call_config(join, self_);
  if (!config) return tl::unexpected(config.error());
  self_ = config->join.self;
  config->source = source_.get();
  config->receive_video = who_.actor->receive == "all";
  config->network = network_.network();
  auto call = Call::create(loop_, log_, std::move(*config), *this);
  if (!call || !kept_) return call;
  const auto sink = kept_->begin([this](TrackId track) {
    if (call_) call_->request_key_frame(track);
  });
  if (!sink) return tl::unexpected(sink.error());
  (*call)->add_sink(**sink);
  return call;
}

void ScenarioActor::leave() {
  if (state_ == State::kOut || state_ == State::kLeaving) return;
  judge_network();
  state_ = State::kLeaving;
  call_->stop();
}

void ScenarioActor::crash() {
  judge_network();
  crashed_ = true;
  call_.reset();
  gone();
}

void ScenarioActor::send(MediaKind kind, bool on) {
  if (!source_) return;
  source_->set_on(kind, on);
  (kind == MediaKind::kAudio ? self_.audio : self_.video) =
      on ? MemberState::kOn : MemberState::kOff;
  if (state_ == State::kInside) call_->announce(self_);
}

void ScenarioActor::change_network(const network::Conditions& conditions,
                                   std::optional<size_t> step) {
  network_.change(conditions, step, state_ == State::kInside ? call_.get() : nullptr);
}

void ScenarioActor::sample(int64_t now_ns) {
  if (state_ != State::kInside) return;
  for (const std::string& member : connected_) look_at_pair(member);
  auto tracks = call_->tracks();
  for (CallTrack& track : tracks) track.info.name = name_of(track.info.name);
  samples_.tracks(tracks, now_ns);
}

// --- what is so

bool ScenarioActor::on(MediaKind kind) const {
  return (kind == MediaKind::kAudio ? self_.audio : self_.video) == MemberState::kOn;
}

bool ScenarioActor::connected_to(const ScenarioActor& other) const {
  return connected_.count("") > 0 || connected_.count(other.id_) > 0;
}

const signaling::Member* ScenarioActor::member(const std::string& shown) const {
  if (state_ != State::kInside) return nullptr;
  for (const signaling::Member& m : call_->members()) {
    if (m.name == shown) return &m;
  }
  return nullptr;
}

std::vector<ScenarioActor::Stream> ScenarioActor::streams_of(const std::string& shown) const {
  std::vector<Stream> out;
  for (const auto& [id, stream] : streams_) {
    if (stream.info.name == shown) out.push_back(stream);
  }
  return out;
}

scenarios::ActorFacts ScenarioActor::facts(int64_t now_ns) const {
  scenarios::ActorFacts facts{who_.name,           who_.actor->role,
                              who_.room,           scenarios::name_of(who_.actor->verify),
                              who_.actor->browser, inside_};
  if (state_ == State::kInside || state_ == State::kLeaving) {
    if (!facts.inside.empty()) facts.inside.back().to_ns = now_ns;
  }
  return facts;
}

// --- what it is told

void ScenarioActor::tell(const char* kind, const std::string& from, std::string text) {
  told_.push_back({kind, from, std::move(text), monotonic_ns()});
  hears_.told(*this, told_.back());
}

std::string ScenarioActor::shown_of(const std::string& member) const {
  const auto* m = call_ ? call_->member(member) : nullptr;
  return m == nullptr ? member : m->name;
}

void ScenarioActor::gone() {
  if (!inside_.empty() && inside_.back().to_ns == 0) inside_.back().to_ns = monotonic_ns();
  state_ = State::kOut;
  connected_.clear();
  streams_.clear();
  if (kept_) kept_->end();
}

void ScenarioActor::joined(const std::string& self) {
  id_ = self;
  const int64_t now = monotonic_ns();
  samples_.add("join.signaling", "", "", {now, seconds_between(join_ns_, now)});
  inside_.push_back({now, 0});
  if (state_ == State::kJoining) state_ = State::kInside;
}

void ScenarioActor::member_joined(const signaling::Member& m) {
  if (kept_) kept_->member_joined(call_->participant_of(m.id), name_of(m.name));
  tell("joined", m.name, "came");
}
void ScenarioActor::member_left(const signaling::Member& m) { tell("left", m.name, "is gone"); }

void ScenarioActor::member_changed(const signaling::Member& before,
                                   const signaling::Member& after) {
  const auto changed = [&](MemberState was, MemberState is, const char* stream) {
    if (was == is || is == MemberState::kUnknown) return;
    tell(is == MemberState::kOff ? "muted" : "unmuted", after.name, stream);
  };
  changed(before.audio, after.audio, "microphone");
  changed(before.video, after.video, "camera");
}

void ScenarioActor::connected(const std::string& member) {
  connected_.insert(member);
  look_at_pair(member);
  tell("connected", shown_of(member), "");
}

// ICE may change its mind at any time, and says nothing when it does.
void ScenarioActor::look_at_pair(const std::string& member) {
  const std::string pair = call_->selected_pair(member);
  std::string& before = selected_[member];
  if (pair.empty() || pair == before) return;
  constexpr std::string_view kTo = " -> ";
  const size_t to = pair.find(kTo);
  const bool split = to != std::string::npos;
  pairs_.push_back({monotonic_ns(), who_.name, name_of(shown_of(member)), pair.substr(0, to),
                    split ? pair.substr(to + kTo.size()) : "",
                    before.empty() ? "first" : "changed"});
  before = pair;
}

void ScenarioActor::trouble(const std::string& member, const Error& error, bool again) {
  // Of a connection that had never come up, or of what went over it: no connection was lost.
  const bool lost = call_->connected_legs() < connected_.size();
  if (lost) connected_.erase(member);
  if (lost && again) samples_.add("call.reconnects", "", "", {monotonic_ns(), 1});
  tell(!again ? "broken" : lost ? "reconnected" : "trouble", shown_of(member), error.message);
}

std::string ScenarioActor::name_of(const std::string& shown) const {
  const ScenarioActor* other = hears_.other(shown);
  return other == nullptr ? shown : other->who_.name;
}

// Who came later joined for both.
void ScenarioActor::first(const char* metric, const TrackInfo& track) {
  const ScenarioActor* other = hears_.other(track.name);
  const int64_t began = other == nullptr ? join_ns_ : std::max(join_ns_, other->join_ns_);
  const int64_t now = monotonic_ns();
  samples_.add(metric, name_of(track.name), stream_of(track), {now, seconds_between(began, now)});
}

void ScenarioActor::track_added(const TrackInfo& track, bool) {
  streams_[track.id] = {track};
  samples_.track_began(track.id, monotonic_ns());
  first("join.first_rtp", track);
}

void ScenarioActor::track_removed(const TrackInfo& track) {
  streams_.erase(track.id);
  samples_.track_ended(track.id);
}

void ScenarioActor::key_frame_found(const TrackInfo& track, std::chrono::nanoseconds) {
  const std::string stream = track.name + "/" + stream_of(track);
  if (key_frames_.insert(stream).second) first("join.first_key_frame", track);
}

void ScenarioActor::size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
  const auto found = streams_.find(track.id);
  if (found == streams_.end()) return;
  found->second.width = width;
  found->second.height = height;
}

void ScenarioActor::chat(const signaling::Member& from, const std::string& text) {
  tell("message", from.name, text);
}

void ScenarioActor::file_end(const signaling::Member& from, const FileEnd* end) {
  if (end != nullptr) tell("file", from.name, "");
}

void ScenarioActor::interrupted(const std::string& why) { tell("interrupted", "", why); }

void ScenarioActor::done(Result<> how) {
  const State was = state_;
  gone();
  if (was == State::kLeaving) return;
  error_ = how ? Error{Code::kConnect, "the call ended"} : how.error();
  if (was == State::kInside) tell("interrupted", "", error_->message);
}

}  // namespace callbot::bot
