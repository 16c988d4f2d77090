#include "bot/scenario_bot.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "bot/join.h"
#include "bot/scenario_tracks.h"

namespace callbot::bot {
namespace {

using MemberState = signaling::Member::State;

double seconds_between(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

// What was captured before it was unmuted may go out after it: a frame that was due a moment ago, a
// chirp (80 ms) that has begun. That is no leak.
constexpr int64_t kUnmuteAhead_ns = 100'000'000;
// What a page's screen still has on its way when its camera is back, at most: our choice.
constexpr int64_t kScreenBehind_ns = 2'000'000'000;
constexpr std::chrono::milliseconds kAskEvery{250};

}  // namespace

ScenarioBot::ScenarioBot(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
                         std::string url, uint16_t number, ScenarioMeasuring& measuring,
                         Hears hears)
    : ScenarioActor(loop, scenario, std::move(who), std::move(url), number, measuring,
                    std::move(hears)),
      network_(scenario_, who_, scenario_.seed + number_),
      feeds_(feeds_of(scenario_, who_, number_)),
      screen_fps_(feeds_ ? feeds_->screen_fps() : 0) {
  samples_.measure("call.reconnects");
  if (hears_.media && receives()) kept_ = hears_.media(who_);
}

ScenarioBot::~ScenarioBot() { call_.reset(); }  // before its sinks

// --- what its steps are

void ScenarioBot::join() {
  error_.reset();
  call_.reset();
  selected_.clear();
  looked_at_.clear();
  lost_.clear();
  streams_.clear();
  join_ns_ = monotonic_ns();
  state_ = State::kJoining;
  const auto source = make_source();
  make_watch();
  for (ScenarioActor* other : hears_.others()) {
    meet(*other);
    other->meet(*this);
  }
  auto made = source ? make_call() : tl::unexpected(source.error());
  if (!made) {
    error_ = made.error();
    state_ = State::kOut;
    watches_.back()->finish();
    return;
  }
  call_ = std::move(*made);
  call_->add_sink(*watches_.back());
  call_->start();
}

Result<> ScenarioBot::make_source() {
  if (!feeds_ || source_) return {};
  auto source = ScenarioSending::create(loop_, log_, std::move(*feeds_));
  if (!source) return tl::unexpected(source.error());
  source_ = std::move(*source);
  source_->source()->on_end(alive_.guard([this](Result<> how) {
    if (!how) tell("trouble", "", how.error().message);
    tell_of_stop("");
  }));
  self_.audio =
      media_ != nullptr && media_->audio.source != "none" ? MemberState::kOn : MemberState::kOff;
  self_.video =
      media_ != nullptr && media_->video.source != "none" ? MemberState::kOn : MemberState::kOff;
  auto started = source_->start();
  if (const int64_t begin_ns = source_->begin_ns(); begin_ns != 0)
    measuring_.log->set(number_,
                        {.start_ns = begin_ns, .fps = static_cast<double>(media_->video.fps)});
  if (const int64_t begin_ns = source_->screen_begin_ns(); begin_ns != 0)
    measuring_.log->set(number_ | kScreenMarks,
                        {.start_ns = begin_ns, .fps = static_cast<double>(screen_fps_)});
  return started;
}

void ScenarioBot::make_watch() {
  ScenarioWatch::Config config;
  config.who = &who_;
  config.joined_ns = join_ns_;
  config.seed = scenario_.seed;
  for (const ScenarioActor* other : elsewhere()) {
    const KnownSender sender = other->known();
    config.seeds_elsewhere[sender.number] = sender.seed;
  }
  config.name_of = [this](const std::string& shown) { return name_of(shown); };
  config.stream_of = [this](const TrackInfo& track) {
    return stream_of(call_ ? as_it_is(track, call_->members()) : track);
  };
  config.needs_key_frame = alive_.guard([this](TrackId track) {
    if (call_) call_->request_key_frame(track);
  });
  samples_.settle();
  watches_.push_back(std::make_unique<ScenarioWatch>(loop_, log_, measuring_, std::move(config)));
}

KnownSender ScenarioBot::known() const {
  KnownSender known{media_, who_.shown, number_, scenario_.seed + number_, join_ns_, screen_fps_};
  if (source_) known.looks = source_->looks();
  return known;
}

// What is known of one who sends is told before its first frame comes.
void ScenarioBot::meet(const ScenarioActor& other) {
  if (watches_.empty()) return;
  watches_.back()->expect(other.who().name, other.known());
  watches_.back()->stopped(other.who().name, "", false);
  if (!other.has_begun()) return;
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo}) {
    if (!other.on(kind)) hear_of_mute(other, kind, true, monotonic_ns());
  }
  if (other.covers_camera()) hear_of_screen(other, true, monotonic_ns());
}

void ScenarioBot::hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted,
                               int64_t at_ns) {
  if (!watches_.empty()) watches_.back()->muted(other.who().name, kind, muted, at_ns);
}

void ScenarioBot::hear_of_stop(const ScenarioActor& other, const std::string& stream, bool stops) {
  if (!watches_.empty()) watches_.back()->stopped(other.who().name, stream, stops);
}

void ScenarioBot::hear_of_screen(const ScenarioActor& other, bool shares, int64_t at_ns) {
  if (!watches_.empty())
    watches_.back()->covered(other.who().name, shares ? INT64_MAX : at_ns + kScreenBehind_ns);
}

Result<std::unique_ptr<Call>> ScenarioBot::make_call() {
  const scenarios::Room& room = *scenario_.room(who_.actor->room);
  JoinOptions join{.url = url_, .name = who_.shown};
  join.token = who_.actor->token.empty() ? room.token : who_.actor->token;
  join.ca_file = room.ca_file;
  join.insecure = room.insecure;
  join.ice_servers = room.ice_servers;
  self_.sends = source_ != nullptr;
  self_.receives = receives();
  auto config = call_config(join, self_);
  if (!config) return tl::unexpected(config.error());
  self_ = config->join.self;
  config->source = source_ ? source_->source() : nullptr;
  const auto step_of = [&](auto... kinds) {
    return std::any_of(scenario_.steps.begin(), scenario_.steps.end(),
                       [&](const scenarios::Step& s) { return ((s.kind == kinds) || ...); });
  };
  using scenarios::StepKind;
  config->least_video_lines = video_lines(scenario_);
  config->opens_channel = step_of(StepKind::kMessage, StepKind::kFile) || !elsewhere().empty();
  config->receive_audio = receives(MediaKind::kAudio);
  config->receive_video = receives(MediaKind::kVideo);
  config->network = network_.network();
  config->line_of = [this](const std::string& shown) -> network::Link* {
    ScenarioActor* member = hears_.other(shown);
    return member == nullptr ? nullptr : member->line_for_others();
  };
  pipelines::Sink* kept = nullptr;
  if (kept_) {
    const auto sink = kept_->begin([this](TrackId track) {
      if (call_) call_->request_key_frame(track);
    });
    if (!sink) return tl::unexpected(sink.error());
    kept = *sink;
    config->headers = kept_->headers();
  }
  network_.called();
  auto call = Call::create(loop_, log_, std::move(*config), *this);
  if (call && kept != nullptr) (*call)->add_sink(*kept);
  return call;
}

void ScenarioBot::leave() {
  if (state_ == State::kOut || state_ == State::kLeaving) return;
  judge_network();
  state_ = State::kLeaving;
  goes();
  call_->stop();
}

// From now on it sends nothing, and has nothing to receive.
void ScenarioBot::goes() {
  tell_of_stop("");
  if (!watches_.empty()) watches_.back()->stopped("", "", true);
}

void ScenarioBot::crash() {
  judge_network();
  crashed_ = true;
  goes();
  call_.reset();
  out();
}

void ScenarioBot::send(MediaKind kind, bool on) {
  if (!source_) return;
  // Who measures hears of it while nothing comes.
  if (on) tell_of_mute(kind, false, monotonic_ns() - kUnmuteAhead_ns);
  source_->set_on(kind, on);
  if (!on) tell_of_mute(kind, true, monotonic_ns());
  (kind == MediaKind::kAudio ? self_.audio : self_.video) =
      on ? MemberState::kOn : MemberState::kOff;
  if (state_ == State::kInside) call_->announce(self_);
}

void ScenarioBot::share_screen(bool on) {
  if (source_) source_->share_screen(on);
  tell_of_stop("screen", !on);
}

Result<std::string> ScenarioBot::switch_to(const scenarios::Step& step) {
  if (!source_) return fail(Code::kUsage, "it sends nothing yet");
  return source_->switch_to(step).map([this](const ScenarioSending::Switched& switched) {
    if (const auto& rate = switched.rate)
      measuring_.log->change_rate(number_, rate->first, rate->second);
    for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo})
      tell_of_stop(stream_of(TrackInfo{.kind = kind}), !source_->sends(kind));
    return switched.text;
  });
}

Result<> ScenarioBot::post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) {
  const bool message = step.kind == scenarios::StepKind::kMessage;
  auto made = message ? Result<std::unique_ptr<ScenarioPost>>(ScenarioPost::message(step.text))
                      : ScenarioPost::file(step.path);
  if (!made) return tl::unexpected(made.error());
  post_ = std::move(*made);
  posted_.insert(message ? "message" : "file");
  std::vector<std::string> names;
  for (const ScenarioActor* other : to)
    if (other != this && other->state() == State::kInside) names.push_back(other->who().shown);
  post_->address(std::move(names));
  return {};
}

PostState ScenarioBot::go_on_posting() {
  if (!post_) return {};
  if (state_ == State::kInside) post_->go_on(*call_);
  return {post_->done(), post_->failure(), post_->missing()};
}

ScenarioNetwork::Line ScenarioBot::line() const {
  const bool in_call = state_ == State::kJoining || state_ == State::kInside;
  if (!call_ || !in_call) return {};
  return {call_->link(), [this] { return call_->network_verified(); }};
}

std::optional<Result<>> ScenarioBot::uses_line_of(const ScenarioActor& other) const {
  const signaling::Member* whom = member(other.who().shown);
  if (state_ != State::kInside || whom == nullptr || !connected_to(other)) return std::nullopt;
  if (call_->link() != nullptr) return fail(Code::kUnmeasured, "it goes over a line of its own");
  return call_->network_verified(whom->id);
}

void ScenarioBot::change_network(const ScenarioNetwork::Change& change) {
  network_changes();
  network_.change(change, line());
}

void ScenarioBot::sample(int64_t now_ns) {
  for (const auto& watch : watches_) samples_.absorb(watch->take());
  look_at_recoveries(now_ns);
  if (source_) {
    const auto camera = source_->stats(MediaKind::kVideo), screen = source_->screen_stats();
    if (!camera.empty()) samples_.made("camera", camera, now_ns);
    if (!screen.empty()) samples_.made("screen", screen, now_ns);
  }
  if (state_ != State::kInside) return;
  CallStats stats = call_->stats();
  for (const CallConnection& one : stats.connections) look_at_pair(one);
  for (CallConnection& one : stats.connections) one.member = name_of(shown_of(one.member));
  if (source_)
    samples_.connections(
        stats.connections, [this](size_t stream) { return source_->stream_name(stream); }, now_ns);
  if (who_.actor->verify == scenarios::Verify::kNone) return;
  auto tracks = tracks_now(std::move(stats.tracks), call_->members());
  for (CallTrack& track : tracks) track.info.name = name_of(track.info.name);
  samples_.tracks(tracks, now_ns);
}

bool ScenarioBot::is_measured() const {
  return std::all_of(watches_.begin(), watches_.end(),
                     [](const auto& watch) { return watch->finished(); });
}

// --- what is so

bool ScenarioBot::on(MediaKind kind) const {
  return (kind == MediaKind::kAudio ? self_.audio : self_.video) == MemberState::kOn;
}

// A server has a connection for each direction, and there before it tells of him.
bool ScenarioBot::connected_to(const ScenarioActor& other) const {
  using signaling::Direction;
  if (!call_) return false;
  const bool to = sends() && other.receives(), from = other.sends() && receives();
  if (to && !call_->carries(other.id(), Direction::kSend)) return false;
  return !from ||
         (member(other.who().shown) != nullptr && call_->carries(other.id(), Direction::kReceive));
}

const signaling::Member* ScenarioBot::member(const std::string& shown) const {
  if (state_ != State::kInside) return nullptr;
  for (const signaling::Member& m : call_->members()) {
    if (m.name == shown) return &m;
  }
  return nullptr;
}

std::vector<ScenarioActor::Stream> ScenarioBot::streams_of(const std::string& shown) const {
  std::vector<Stream> out;
  if (!call_) return out;
  for (const CallTrack& track : tracks_now(call_->tracks(), call_->members())) {
    const auto stream = streams_.find(track.info.id);
    if (track.info.name != shown || stream == streams_.end()) continue;
    out.push_back(stream->second);
    out.back().info = as_it_is(out.back().info, call_->members());
  }
  return out;
}

double ScenarioBot::behind() const {
  int64_t most_ns = 0;
  for (const auto& watch : watches_) most_ns = std::max(most_ns, watch->watch().most_behind_ns());
  return static_cast<double>(most_ns) / 1e9;
}

uint64_t ScenarioBot::left_out() const {
  if (!source_) return 0;
  uint64_t left_out = 0;
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo})
    for (const auto& [media, encoders] : source_->stats(kind))
      for (const auto& one : encoders) left_out += one.left_out;
  return left_out;
}

std::vector<scenarios::Presence> ScenarioBot::presence() const {
  std::vector<scenarios::Presence> out;
  for (const auto& watch : watches_) {
    const auto of_call = presence_of(watch->watch().senses());
    out.insert(out.end(), of_call.begin(), of_call.end());
  }
  return out;
}

std::vector<scenarios::Look> ScenarioBot::looks(int64_t now_ns) const {
  using scenarios::Sight;
  if (who_.actor->verify == scenarios::Verify::kAll) return ScenarioActor::looks(now_ns);
  std::vector<scenarios::Look> out;
  for (const auto& watch : watches_) {
    for (const quality::PresenceSpan& span : watch->watch().looks()) {
      const Sight sight = span.media == MediaKind::kVideo ? Sight::kSeen : Sight::kHeard;
      out.push_back({who_.name, span.from, sight, {span.from_ns, span.to_ns}});
    }
  }
  return out;
}

// --- who is elsewhere

std::vector<ScenarioActor*> ScenarioBot::elsewhere() const {
  auto all = hears_.others();
  std::erase_if(all, [](const ScenarioActor* other) { return !other->is_elsewhere(); });
  return all;
}

ScenarioActor* ScenarioBot::elsewhere(const std::string& shown) const {
  for (ScenarioActor* other : elsewhere()) {
    if (other->who().shown == shown) return other;
  }
  return nullptr;
}

void ScenarioBot::ask_for_clocks() {
  constexpr size_t kMostOpen = 64;
  for (const ScenarioActor* other : elsewhere()) {
    if (!connected_to(*other)) continue;
    const int64_t id = ++questions_;
    const int64_t now = monotonic_ns();
    // Its channel may not be open yet, or there is none.
    if (!call_->send_message(other->id(), true, clock_question(id))) continue;
    asked_[id] = now;
    if (asked_.size() > kMostOpen) asked_.erase(asked_.begin());
  }
}

void ScenarioBot::clock(const signaling::Member& from, const ClockAnswer& answer) {
  const auto asked = asked_.extract(answer.id);
  if (!asked) return;
  if (ScenarioActor* other = elsewhere(from.name)) other->told_clock(answer, asked.mapped());
}

// --- what it is told

std::string ScenarioBot::shown_of(const std::string& member) const {
  const auto* m = call_ ? call_->member(member) : nullptr;
  return m == nullptr ? member : m->name;
}

void ScenarioBot::out() {
  ask_.stop();
  for (ScenarioActor* other : elsewhere()) other->seen_no_longer(*this);
  gone();
  streams_.clear();
  if (kept_) kept_->end();
  if (!watches_.empty()) watches_.back()->finish();
}

void ScenarioBot::joined(const std::string& self) {
  id_ = self;
  const int64_t now = monotonic_ns();
  samples_.add("join.signaling", "", "", {now, seconds_between(join_ns_, now)});
  inside_.push_back({now, 0});
  if (state_ == State::kJoining) state_ = State::kInside;
  arriving_ = true;
  loop_.post(alive_.guard([this] { arriving_ = false; }));
  if (!elsewhere().empty()) ask_.every(kAskEvery, [this] { ask_for_clocks(); });
}

void ScenarioBot::member_joined(const signaling::Member& m) {
  if (kept_) kept_->member_joined(call_->participant_of(m.id), name_of(m.name));
  if (ScenarioActor* other = elsewhere(m.name))
    other->seen(*this, m, arriving_ ? join_ns_ : monotonic_ns());
  tell("joined", m.name, "came");
}

void ScenarioBot::member_left(const signaling::Member& m) {
  tell("left", m.name, "is gone");
  if (ScenarioActor* other = elsewhere(m.name)) other->seen_no_longer(*this);
}

void ScenarioBot::member_changed(const signaling::Member& before, const signaling::Member& after) {
  const auto changed = [&](MemberState was, MemberState is, const char* stream) {
    if (was == is || is == MemberState::kUnknown) return;
    tell(is == MemberState::kOff ? "muted" : "unmuted", after.name, stream);
    // Whoever brought it about.
    if (!watches_.empty())
      watches_.back()->stopped(name_of(after.name), stream, is == MemberState::kOff);
  };
  changed(before.audio, after.audio, "microphone");
  if (before.video_source != "screen" && after.video_source != "screen")
    changed(before.video, after.video, "camera");
  if (before.video_source != after.video_source) change_picture(after);
}

// What its camera's and its screen's stream are, each of them is only while it comes: in between it
// lacks nothing.
void ScenarioBot::change_picture(const signaling::Member& member) {
  if (watches_.empty()) return;
  const bool screen = member.video_source == "screen";
  const std::string name = name_of(member.name), ends = screen ? "camera" : "screen";
  watches_.back()->stopped(name, ends, true);
  watches_.back()->stopped(name, screen ? "screen" : "camera", member.video == MemberState::kOff);
  if (const ScenarioActor* other = hears_.other(member.name)) hear_of_end(*other, ends);
  for (const auto& [id, stream] : streams_) {
    const TrackInfo& track = stream.info;
    if (track.name != member.name || track.kind != MediaKind::kVideo || !track.source.empty())
      continue;
    watches_.back()->changes(track);
    call_->request_key_frame(id);
  }
}

void ScenarioBot::connected(const std::string& member, signaling::LegId leg) {
  for (const CallConnection& one : call_->stats().connections) {
    look_at_pair(one);
    look_at_join(one);
  }
  if (ScenarioActor* who = hears_.other(shown_of(member)); who && who->line_for_others())
    who->used_line(*this, call_->network_verified(member));
  if (lost_.erase(leg) > 0) samples_.add("call.reconnects", "", "", {monotonic_ns(), 1});
  tell("connected", shown_of(member), "");
}

void ScenarioBot::look_at_join(const CallConnection& one) {
  const pipelines::ConnectTimes& times = one.times;
  if (times.ice_ns == 0 || times.dtls_ns == 0 || !looked_at_.insert(one.id).second) return;
  const std::string name = name_of(shown_of(one.member));
  samples_.add("join.ice", name, "",
               {times.ice_ns, seconds_between(times.described_ns, times.ice_ns)});
  samples_.add("join.dtls", name, "",
               {times.dtls_ns, seconds_between(times.ice_ns, times.dtls_ns)});
}

// ICE may change its mind at any time, and says nothing when it does.
void ScenarioBot::look_at_pair(const CallConnection& one) {
  const std::string& pair = one.selected_pair;
  std::string& before = selected_[one.leg];
  if (pair.empty() || pair == before) return;
  constexpr std::string_view kTo = " -> ";
  const size_t to = pair.find(kTo);
  const bool split = to != std::string::npos;
  pairs_.push_back({monotonic_ns(), who_.name, name_of(shown_of(one.member)), pair.substr(0, to),
                    split ? pair.substr(to + kTo.size()) : "",
                    before.empty() ? "first" : "changed"});
  before = pair;
}

void ScenarioBot::trouble(const std::string& member, const Trouble& what) {
  if (what.lost && what.again) lost_.insert(what.leg);  // to one who is gone is no way back
  tell(!what.again ? "broken"
       : what.lost ? "reconnected"
                   : "trouble",
       shown_of(member), what.error.message);
}

// Here, since who measures gets nothing before the first key frame. Who came later joined for both.
void ScenarioBot::track_added(const TrackInfo& track, bool) {
  // The same stream in another codec: he is in already.
  const bool again = std::any_of(streams_.begin(), streams_.end(), [&](const auto& one) {
    const TrackInfo& info = one.second.info;
    return info.participant == track.participant && stream_of(info) == stream_of(track);
  });
  streams_[track.id] = {track};
  if (kept_) kept_->track_added(track.ssrc, {name_of(track.name), stream_of(track)});
  if (again || who_.actor->verify == scenarios::Verify::kNone) return;
  const ScenarioActor* other = hears_.other(track.name);
  const int64_t began = other == nullptr ? join_ns_ : std::max(join_ns_, other->join_ns());
  int64_t now = monotonic_ns();
  for (const CallTrack& one : call_->tracks())
    if (one.info.id == track.id && one.stats.first_packet_ns > began)
      now = one.stats.first_packet_ns;
  samples_.add("join.first_rtp", name_of(track.name), stream_of(track),
               {now, seconds_between(began, now)});
}

void ScenarioBot::track_removed(const TrackInfo& track) { streams_.erase(track.id); }

void ScenarioBot::size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
  const auto found = streams_.find(track.id);
  if (found == streams_.end()) return;
  found->second.width = width;
  found->second.height = height;
}

void ScenarioBot::rendition_changed(const std::string& member, size_t rendition, double available) {
  tell("rendition", shown_of(member),
       fmt::format("{} from now on, {:.0f} kbit/s available",
                   rendition == 0 ? "full size" : "a smaller picture", available / 1000));
}

void ScenarioBot::chat(const signaling::Member& from, const std::string& text) {
  tell("message", from.name, text);
}

void ScenarioBot::file_begin(const signaling::Member& from, const FileBegin& file) {
  incoming_.begin(from.id, file);
}

void ScenarioBot::file_chunk(const signaling::Member& from, const std::string& bytes) {
  incoming_.take(from.id, bytes);
}

void ScenarioBot::file_end(const signaling::Member& from, const FileEnd* end) {
  if (end == nullptr && !incoming_.any_from(from.id)) return;  // a channel closed, no file
  const auto name = incoming_.end(from.id, end);
  if (name)
    tell("file", from.name, *name);
  else
    tell("trouble", from.name, name.error().message);
}

void ScenarioBot::interrupted(const std::string& why) { tell("interrupted", "", why); }

void ScenarioBot::done(Result<> how) {
  const State was = state_;
  judge_network();
  out();
  if (was == State::kLeaving) return;
  error_ = how ? Error{Code::kConnect, "the call ended"} : how.error();
  if (was == State::kInside) tell("interrupted", "", error_->message);
}

}  // namespace callbot::bot
