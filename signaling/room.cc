#include "signaling/room.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/alive.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/gref.h"
#include "signaling/room_leg.h"
#include "signaling/room_messages.h"
#include "signaling/websocket.h"

namespace callbot::signaling {
namespace {

using room::Problem;
using room::RoomMember;
using std::chrono::milliseconds;

constexpr milliseconds kGoodbye{1000};  // for a server that does not answer ours
constexpr milliseconds kResendTick{1000};
// What was sent this long before the last sign of life may not have arrived either.
constexpr int64_t kDoubtNs = 5'000'000'000;

enum class Phase { kNew, kJoining, kLive, kLost, kClosing, kDone };

struct Other {
  RoomMember info;
  bool missing = false;  // not there after we came back
  std::unique_ptr<RoomLeg> leg;
};

Code code_for(const std::string& problem) {
  if (problem == "bad-name" || problem == "bad-room") return Code::kUsage;
  if (problem == "bad-version") return Code::kUnsupported;
  if (problem == "shutting-down" || problem == "rate-limit") return Code::kConnect;
  for (const char* denied : {"bad-token", "bad-key", "room-full", "name-in-use", "replaced"})
    if (problem == denied) return Code::kDenied;
  return Code::kBadInput;
}

bool comes_back_after(const std::string& problem) {
  return problem == "shutting-down" || problem == "rate-limit";
}

class RoomSignaling final : public Signaling {
 public:
  RoomSignaling(Loop& loop, Log log, JoinConfig config, RoomTimes times)
      : loop_(loop), log_(std::move(log)), config_(std::move(config)), times_(times) {
    if (!config_.token.empty()) Log::hide(config_.token);
  }

  void start(Events& events) override;
  void send(LegId leg, Message message) override;
  void request(LegId leg, Request request) override;
  void announce(const Self& self) override;
  void close() override;

 private:
  // The connection.
  void connect();
  void opened();
  void lost(const WebSocketClosed& how);
  void retry(const std::string& why);
  void finish(Result<> how);
  void put(const room::Message& message);
  // What comes in.
  void heard(std::string_view text);
  void take(const room::Joined& joined);
  void take(const room::MemberJoined& message);
  void take(const room::MemberChanged& message);
  void take(const room::MemberLeft& message);
  void take(const room::Sdp& message);
  void take(const room::IceCandidate& message);
  void take(const room::Renegotiate& message);
  void take(const Problem& problem);
  void take(const room::Pong&) {}
  template <class T>
  void take(const T&) {}  // what only clients send is never parsed
  // Members and legs.
  void meet(const RoomMember& member);
  void part(const std::string& id, const std::string& why);
  void update_leg(Other& other);
  void give_up_missing();
  void tell_members();
  void resend_due();
  Other* other_of(LegId leg);
  void deliver(RoomLeg& leg, RoomLeg::Out out);
  RoomMember self() const;
  void emit(std::function<void(Events&)> event);

  Loop& loop_;
  Log log_;
  JoinConfig config_;
  RoomTimes times_;
  Events* events_ = nullptr;
  Phase phase_ = Phase::kNew;
  std::unique_ptr<WebSocket> socket_;
  bool joined_here_ = false;  // on the present connection
  std::optional<room::Ticket> ticket_;
  int64_t since_ = 0;
  std::vector<IceServer> ice_servers_;
  std::map<std::string, Other> others_;  // by id
  uint64_t last_leg_ = 0;
  int64_t heard_ns_ = 0;  // monotonic, the last message
  int64_t next_ping_ = 0;
  int attempts_ = 0;          // since the connection was lost
  std::string last_trouble_;  // why the last attempt failed
  Timer deadline_;            // to be joined
  Timer attempt_;             // the pause before an attempt
  Timer give_up_;             // reconnect_for
  Timer missing_;
  Timer ping_;
  Timer resend_;
  Timer goodbye_;
  Alive alive_;
};

// Posted, so that whoever gets it may close or destroy us, and may be within a call of ours.
void RoomSignaling::emit(std::function<void(Events&)> event) {
  loop_.post(alive_.guard([this, event = std::move(event)] {
    if (phase_ < Phase::kClosing) event(*events_);
  }));
}

// --- the connection

void RoomSignaling::start(Events& events) {
  if (phase_ != Phase::kNew) return;
  events_ = &events;
  phase_ = Phase::kJoining;
  deadline_.once(config_.deadline, [this] {
    const bool open = socket_ && socket_->open();
    finish(fail(Code::kTimeout,
                fmt::format("{}: not joined within {} ms: waited for {}", config_.url,
                            config_.deadline.count(),
                            open || !socket_ ? "the room's welcome" : socket_->waits_for())));
  });
  connect();
}

void RoomSignaling::connect() {
  joined_here_ = false;
  WebSocketConfig socket;
  socket.url = config_.url;
  socket.trust = {config_.ca_file, config_.insecure};
  socket.deadline = config_.deadline;
  socket.most_incoming = room::kMostServerMessageBytes;
  socket.dead_after = times_.dead_after;
  WebSocketHandlers handlers;
  handlers.opened = [this] { opened(); };
  handlers.text = [this](std::string_view text) { heard(text); };
  handlers.closed = [this](const WebSocketClosed& how) { lost(how); };
  socket_ = WebSocket::connect(loop_, std::move(socket), std::move(handlers));
}

void RoomSignaling::opened() {
  room::Join join;
  join.name = config_.self.name;
  join.token = config_.token;
  join.ticket = ticket_;
  if (ticket_) join.since = since_;
  join.recorder = config_.self.recorder;
  join.sends = config_.self.sends;
  join.receives = config_.self.receives;
  join.media.audio = config_.self.audio;
  join.media.video = config_.self.video;
  put(join);
}

void RoomSignaling::put(const room::Message& message) {
  if (socket_) socket_->send(room::text_of(message, room::Sender::kClient));
}

void RoomSignaling::lost(const WebSocketClosed& how) {
  if (phase_ == Phase::kDone) return;
  ping_.stop();
  resend_.stop();
  const std::string why = !how.how             ? how.how.error().message
                          : how.reason.empty() ? "the server closed the connection"
                                               : "the server closed the connection: " + how.reason;
  if (phase_ == Phase::kClosing) return finish({});
  if (phase_ == Phase::kJoining) {
    if (!how.how) return finish(tl::unexpected(Error(how.how.error()).in(config_.url)));
    return finish(fail(Code::kConnect, fmt::format("{}: {}", config_.url, why)));
  }
  // A certificate that is no longer trusted will not be trusted a moment later.
  const bool hopeless =
      !how.how && (how.how.error().code == Code::kDenied || how.how.error().code == Code::kUsage);
  if (hopeless) return finish(tl::unexpected(Error(how.how.error()).in(config_.url)));
  retry(why);
}

void RoomSignaling::retry(const std::string& why) {
  joined_here_ = false;
  last_trouble_ = why;
  if (phase_ == Phase::kLive) {
    phase_ = Phase::kLost;
    attempts_ = 0;
    missing_.stop();
    log_.info("lost the connection to {}: {}", config_.url, why);
    for (auto& [id, other] : others_)
      if (other.leg) other.leg->doubt(heard_ns_ - kDoubtNs);
    emit([why](Events& events) { events.interrupted(why); });
    give_up_.once(config_.reconnect_for, [this] {
      finish(fail(Code::kConnect,
                  fmt::format("{}: lost, and not joined again within {} ms: {}", config_.url,
                              config_.reconnect_for.count(), last_trouble_)));
    });
  }
  const auto doubled = times_.first_retry * (1 << std::min(attempts_++, 10));
  const auto pause = std::min<milliseconds>(doubled, times_.longest_retry);
  const auto half = pause / 2;
  const milliseconds random(g_random_int_range(0, static_cast<int>(half.count()) + 1));
  // A server that takes the connection and then says nothing must not hold us up for ever.
  attempt_.once(half + random, [this] {
    connect();
    attempt_.once(config_.deadline, [this] {
      socket_.reset();
      retry("the server did not answer the join");
    });
  });
}

void RoomSignaling::close() {
  if (phase_ >= Phase::kClosing) return;
  const bool started = phase_ != Phase::kNew;
  const bool live = phase_ == Phase::kLive;
  for (Timer* timer : {&deadline_, &attempt_, &give_up_, &missing_, &ping_, &resend_})
    timer->stop();
  if (!started) {
    phase_ = Phase::kDone;
    return;
  }
  if (!live) return finish({});
  phase_ = Phase::kClosing;
  put(room::Leave{});
  socket_->close();
  goodbye_.once(kGoodbye, [this] { finish({}); });
}

void RoomSignaling::finish(Result<> how) {
  if (phase_ == Phase::kDone) return;
  phase_ = Phase::kDone;
  for (Timer* timer : {&deadline_, &attempt_, &give_up_, &missing_, &ping_, &resend_, &goodbye_})
    timer->stop();
  // A handler of the socket may be what calls us.
  loop_.post([socket = std::shared_ptr<WebSocket>(std::move(socket_))] {});
  loop_.post(alive_.guard([this, how = std::move(how)] { events_->closed(how); }));
}

// --- what comes in

void RoomSignaling::heard(std::string_view text) {
  if (phase_ >= Phase::kClosing) return;
  heard_ns_ = monotonic_ns();
  const auto message = room::parse(text, room::Sender::kServer);
  if (message) {
    if (!joined_here_ && !std::holds_alternative<room::Joined>(*message) &&
        !std::holds_alternative<Problem>(*message))
      return log_.debug("a {} before joining", room::type_of(*message));
    return std::visit([this](const auto& m) { take(m); }, *message);
  }
  const Problem& problem = message.error();
  if (problem.code == "unknown-type") return log_.debug("{}", problem.message);
  if (phase_ == Phase::kLive)
    return log_.warn("a message that is not understood: {}", problem.message);
  const Code code = problem.code == "bad-version" ? Code::kUnsupported : Code::kBadInput;
  finish(fail(
      code, fmt::format("{}: the server speaks something else: {}", config_.url, problem.message)));
}

void RoomSignaling::take(const room::Joined& joined) {
  if (joined_here_) return log_.warn("joined twice");
  if (ticket_ && ticket_->id != joined.id)
    return finish(
        fail(Code::kBadInput, fmt::format("{}: the server gave us another id", config_.url)));
  const bool first = phase_ == Phase::kJoining;
  joined_here_ = true;
  phase_ = Phase::kLive;
  for (Timer* timer : {&deadline_, &attempt_, &give_up_}) timer->stop();
  ticket_ = room::Ticket{joined.id, joined.key};
  since_ = joined.since;
  ice_servers_ = joined.ice_servers;
  log_.info("{} {} as {}", first ? "joined" : "back in", config_.url, joined.id);
  if (first)
    emit([id = joined.id](Events& events) { events.joined(id); });
  else
    emit([](Events& events) { events.resumed(); });

  for (auto& [id, other] : others_) other.missing = true;
  for (const RoomMember& member : joined.members) meet(member);
  const bool any_missing =
      std::any_of(others_.begin(), others_.end(), [](const auto& o) { return o.second.missing; });
  if (any_missing) missing_.once(times_.missing_grace, [this] { give_up_missing(); });
  tell_members();
  for (auto& [id, other] : others_) update_leg(other);
  ping_.every(times_.ping, [this] { put(room::Ping{next_ping_++}); });
  resend_.every(kResendTick, [this] { resend_due(); });
}

void RoomSignaling::take(const room::MemberJoined& message) {
  meet(message.member);
  tell_members();
  update_leg(others_.at(message.member.id));
}

void RoomSignaling::take(const room::MemberChanged& message) {
  if (others_.contains(message.member.id)) take(room::MemberJoined{message.member});
}

void RoomSignaling::take(const room::MemberLeft& message) {
  if (!others_.contains(message.id)) return;
  part(message.id, message.reason);
  tell_members();
}

void RoomSignaling::take(const room::Sdp& message) {
  const auto found = others_.find(message.peer);
  if (found == others_.end() || !found->second.leg) return;
  RoomLeg& leg = *found->second.leg;
  RoomLeg::In in = leg.received(message);
  if (!in.ignored.empty()) log_.info("from {}: {}", printable(found->second.info.name), in.ignored);
  for (Message& m : in.up) {
    emit([id = leg.leg().id, m = std::move(m)](Events& events) { events.received(id, m); });
  }
  deliver(leg, std::move(in.again));
}

void RoomSignaling::take(const room::IceCandidate& message) {
  const auto found = others_.find(message.peer);
  if (found == others_.end() || !found->second.leg) return;
  RoomLeg& leg = *found->second.leg;
  for (Message& m : leg.received(message).up)
    emit([id = leg.leg().id, m = std::move(m)](Events& events) { events.received(id, m); });
}

void RoomSignaling::take(const room::Renegotiate& message) {
  const auto found = others_.find(message.peer);
  if (found == others_.end() || !found->second.leg) return;
  const Leg& leg = found->second.leg->leg();
  if (leg.offers != Party::kUs)
    return log_.warn("from {}: asks for an offer, but offers itself",
                     printable(found->second.info.name));
  const auto what = message.restart ? Request::What::kRestart : Request::What::kRenegotiate;
  emit([id = leg.id, what](Events& events) { events.requested(id, Request{what}); });
}

void RoomSignaling::take(const Problem& problem) {
  const std::string said = printable(problem.message);
  if (comes_back_after(problem.code) && phase_ != Phase::kJoining)
    return log_.info("the server: {}", said);  // and closes the connection: lost() follows
  if (joined_here_ && problem.code != "replaced")
    return log_.warn("the server: {} ({})", said, printable(problem.code));
  finish(fail(code_for(problem.code),
              fmt::format("{}: {} ({})", config_.url, said, printable(problem.code, 40))));
}

// --- members and legs

RoomMember RoomSignaling::self() const {
  RoomMember self;
  self.id = ticket_ ? ticket_->id : "";
  self.since = since_;
  self.recorder = config_.self.recorder;
  self.sends = config_.self.sends;
  self.receives = config_.self.receives;
  return self;
}

void RoomSignaling::meet(const RoomMember& member) {
  if (ticket_ && member.id == ticket_->id) return;
  Other& other = others_[member.id];
  const bool back = other.missing;
  other.info = member;
  other.missing = false;
  if (back && other.leg) deliver(*other.leg, other.leg->again());
}

void RoomSignaling::part(const std::string& id, const std::string& why) {
  const auto node = others_.extract(id);
  if (node.empty() || !node.mapped().leg) return;
  emit([leg = node.mapped().leg->leg().id, why](Events& events) { events.leg_closed(leg, why); });
}

// Opens the leg to this member, or another one where who sends what has changed.
void RoomSignaling::update_leg(Other& other) {
  const RoomMember us = self();
  const RoomMember& them = other.info;
  const bool wanted = room::have_leg(us, them);
  const bool out = us.sends && them.receives;
  const bool in = them.sends && us.receives;
  Leg leg;
  leg.direction = out && in ? Direction::kBoth : out ? Direction::kSend : Direction::kReceive;
  leg.offers = room::offers(us, them) ? Party::kUs : Party::kThem;
  if (other.leg) {
    const Leg& now = other.leg->leg();
    if (wanted && now.direction == leg.direction && now.offers == leg.offers) return;
    emit([id = now.id](Events& events) { events.leg_closed(id, "sends other media now"); });
    other.leg.reset();
  }
  if (!wanted) return;
  leg.id = LegId{++last_leg_};
  leg.trickle = Trickle::kFull;
  leg.member = them.id;
  leg.name = them.name;
  leg.ice_servers = ice_servers_;
  other.leg = std::make_unique<RoomLeg>(leg);
  emit([leg](Events& events) { events.leg_opened(leg); });
}

void RoomSignaling::give_up_missing() {
  std::vector<std::string> gone;
  for (const auto& [id, other] : others_)
    if (other.missing) gone.push_back(id);
  for (const std::string& id : gone) part(id, "lost");
  if (!gone.empty()) tell_members();
}

void RoomSignaling::tell_members() {
  std::vector<Member> members;
  for (const auto& [id, other] : others_) members.push_back(room::member_of(other.info));
  emit([members = std::move(members)](Events& events) { events.members_changed(members); });
}

Other* RoomSignaling::other_of(LegId leg) {
  for (auto& [id, other] : others_)
    if (other.leg && other.leg->leg().id == leg) return &other;
  return nullptr;
}

void RoomSignaling::deliver(RoomLeg& leg, RoomLeg::Out out) {
  const auto found = others_.find(leg.leg().member);
  // What cannot be sent now is kept by the leg and goes with again().
  if (!joined_here_ || found == others_.end() || found->second.missing) return;
  for (const room::Message& message : out) put(message);
}

void RoomSignaling::resend_due() {
  for (auto& [id, other] : others_)
    if (other.leg) deliver(*other.leg, other.leg->due(monotonic_ns()));
}

void RoomSignaling::send(LegId leg, Message message) {
  Other* other = other_of(leg);
  if (other == nullptr || phase_ >= Phase::kClosing) return;
  auto out = other->leg->sending(message, monotonic_ns());
  if (out.empty()) log_.debug("nothing to send to {} for this", printable(other->info.name));
  deliver(*other->leg, std::move(out));
}

void RoomSignaling::request(LegId leg, Request request) {
  Other* other = other_of(leg);
  if (other == nullptr || phase_ >= Phase::kClosing) return;
  deliver(*other->leg, other->leg->requesting(request));
}

void RoomSignaling::announce(const Self& self) {
  room::State state;
  if (self.audio != Member::State::kUnknown) state.audio = self.audio;
  if (self.video != Member::State::kUnknown) state.video = self.video;
  config_.self.audio = self.audio;
  config_.self.video = self.video;
  if (joined_here_ && phase_ == Phase::kLive && (state.audio || state.video)) put(state);
}

// --- the URL

using Uri = std::unique_ptr<GUri, Freer<&g_uri_unref>>;

// The URL with the room's name encoded as it should be.
Result<std::string> checked_url(const std::string& url) {
  GError* error = nullptr;
  const auto flags = static_cast<GUriFlags>(G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_ENCODED_PATH |
                                            G_URI_FLAGS_ENCODED_QUERY);
  const Uri uri(g_uri_parse(url.c_str(), flags, &error));
  if (!uri) return fail(Code::kUsage, fmt::format("not a URL: {}", ErrorPtr(error)->message));
  const char* host = g_uri_get_host(uri.get());
  if (host == nullptr || *host == '\0') return fail(Code::kUsage, "the URL names no host");
  const std::string path = g_uri_get_path(uri.get());
  const size_t slash = path.rfind('/');
  constexpr std::string_view kRooms = "/rooms";
  if (slash == std::string::npos || !path.substr(0, slash).ends_with(kRooms))
    return fail(Code::kUsage, "expected a path that ends with /rooms/NAME");
  const Text name(g_uri_unescape_string(path.c_str() + slash + 1, nullptr));
  if (!name) return fail(Code::kUsage, "the room's name is not properly percent-encoded");
  if (auto ok = room::check_name(name.get(), "the room's name"); !ok)
    return fail(Code::kUsage, ok.error().message);
  const Text escaped(g_uri_escape_string(name.get(), nullptr, FALSE));
  const std::string new_path = path.substr(0, slash + 1) + escaped.get();
  const Text joined(g_uri_join(flags, g_uri_get_scheme(uri.get()), nullptr, host,
                               g_uri_get_port(uri.get()), new_path.c_str(),
                               g_uri_get_query(uri.get()), nullptr));
  return std::string(joined.get());
}

}  // namespace

Result<std::unique_ptr<Signaling>> make_room_signaling(Loop& loop, Log log,
                                                       const JoinConfig& config, RoomTimes times) {
  JoinConfig checked = config;
  const std::string shown = printable(config.url);
  auto url = checked_url(config.url).map_error([&](Error e) { return std::move(e).in(shown); });
  if (!url) return tl::unexpected(url.error());
  checked.url = *url;
  if (auto ok = room::check_name(config.self.name, "our name"); !ok)
    return fail(Code::kUsage, ok.error().message);
  if (config.token.size() > room::kMostTokenBytes)
    return fail(Code::kUsage, fmt::format("a token has at most {} bytes", room::kMostTokenBytes));
  return std::make_unique<RoomSignaling>(loop, log.child("room"), std::move(checked), times);
}

}  // namespace callbot::signaling
