#include "signaling/room_server.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/alive.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/gref.h"
#include "base/text.h"
#include "signaling/room_messages.h"
#include "signaling/token_bucket.h"

namespace callbot::signaling {
namespace {

using room::Problem;
using room::RoomMember;
using std::chrono::milliseconds;

constexpr int kPolicy = 1008;  // RFC 6455, 7.4.1
constexpr int kGoingAway = 1001;
constexpr int kReplaced = 4001;
constexpr milliseconds kShutDownWithin{5000};
constexpr size_t kMostKept = 1000;  // messages, for a member that is away
constexpr size_t kMostKeptBytes = 4u << 20;
// A member gets no more messages from others while this much waits for it; what the server itself
// has to say still fits below WebSocketLimits::most_queued.
constexpr size_t kMostRelayQueue = 4u << 20;
constexpr double kBroadcastCost = 10;  // messages

struct Present;

struct Connection {
  std::unique_ptr<ServerWebSocket> socket;
  std::string room;
  Present* member = nullptr;  // joined
  int64_t opened_ns = monotonic_ns();
  int64_t heard_ns = monotonic_ns();
  TokenBucket messages;
  bool ending = false;  // told to go; deaf from now on
};

// A member of a room; it outlives its connection by the grace period.
struct Present {
  RoomMember info;
  Connection* connection = nullptr;  // null: away
  std::deque<std::string> kept;
  size_t kept_bytes = 0;
  Timer grace;
};

struct Room {
  std::string name;
  std::map<std::string, std::unique_ptr<Present>> members;  // by id

  size_t people() const {
    return static_cast<size_t>(std::count_if(
        members.begin(), members.end(), [](const auto& m) { return !m.second->info.recorder; }));
  }
  Present* named(const std::string& name) const;
};

std::string normalised(const std::string& name) {
  const Text text(g_utf8_normalize(name.c_str(), -1, G_NORMALIZE_NFC));
  return text ? text.get() : name;
}

Present* Room::named(const std::string& wanted) const {
  const std::string key = normalised(wanted);
  for (const auto& [id, member] : members)
    if (normalised(member->info.name) == key) return member.get();
  return nullptr;
}

int close_code(const std::string& code) {
  if (code == "replaced") return kReplaced;
  if (code == "shutting-down") return kGoingAway;
  if (code == "too-large") return 1009;
  return kPolicy;
}

}  // namespace

struct RoomServer::Impl {
  Loop& loop;
  Log log;
  RoomServerConfig config;
  RoomHooks hooks;
  std::map<std::string, Room> rooms;
  std::map<Connection*, std::unique_ptr<Connection>> connections;
  int64_t largest_since = 0;
  bool shutting_down = false;
  std::function<void()> shut_down_done;
  Timer shut_down_deadline;
  milliseconds care_period{};
  int64_t looked_ns = monotonic_ns();
  Timer care;
  Alive alive;

  Impl(Loop& l, Log g, RoomServerConfig c, RoomHooks h)
      : loop(l), log(std::move(g)), config(std::move(c)), hooks(std::move(h)) {}

  void open(const HttpRequest& request, std::unique_ptr<ServerWebSocket> socket);
  void heard(Connection& c, std::string_view text);
  void handle(Connection& c, const room::Message& message);
  void join(Connection& c, const room::Join& join);
  std::optional<Problem> refuses(const Connection& c, const room::Join& join) const;
  void come_back(Connection& c, Present& member, const room::Join& join);
  void enter(Connection& c, const room::Join& join);
  void welcome(Connection& c, const Room& room, const std::string& key);
  int64_t since_for(const room::Join& join);
  template <class T>
  void relay(Connection& c, T message);
  void change(Connection& c, const room::State& state);
  void remove(std::string name, std::string who, const char* reason);
  void closed(Connection* c);
  void went_away(Present& member, const std::string& room_name);
  void look_after();

  void tell(Connection& c, const room::Message& message) {
    c.socket->send(room::text_of(message, room::Sender::kServer));
  }
  void tell_others(const Room& room, const Present* except, const room::Message& message);
  void finish(Connection& c, const Problem& problem);
  void detach(Connection& c);
  void hook_changed(const std::string& room_name);
  std::vector<Member> members_of(const std::string& room_name) const;
};

// --- connections

void RoomServer::Impl::open(const HttpRequest& request, std::unique_ptr<ServerWebSocket> socket) {
  auto owned = std::make_unique<Connection>(
      Connection{.socket = std::move(socket),
                 .room = request.parts.at("room"),
                 .messages = TokenBucket(config.burst_messages, config.messages_per_second)});
  Connection* c = owned.get();
  connections[c] = std::move(owned);
  c->socket->on_closed([this, c](int, const std::string&) { closed(c); });
  c->socket->on_message([this, c](std::string_view text) { heard(*c, text); });
  c->socket->on_offence([this, c](int code) {
    if (code == 1009)
      tell(*c, Problem{"too-large",
                       fmt::format("a message has at most {} bytes", room::kMostMessageBytes), ""});
    if (code == kPolicy) tell(*c, Problem{"rate-limit", "too much in too short a time", ""});
  });
  if (shutting_down) return finish(*c, {"shutting-down", "the server is shutting down", ""});
  if (auto ok = room::check_name(c->room, "the room's name"); !ok)
    finish(*c, {"bad-room", ok.error().message, ""});
}

// Says why and closes; the member, if there is one, is on its own from now on.
void RoomServer::Impl::finish(Connection& c, const Problem& problem) {
  if (std::exchange(c.ending, true)) return;
  log.info("{}: {} ({})", c.socket->remote(), problem.code, problem.message);
  tell(c, problem);
  c.socket->close(close_code(problem.code), problem.code);
}

void RoomServer::Impl::closed(Connection* c) {
  detach(*c);
  connections.erase(c);
  if (shutting_down && connections.empty() && shut_down_done) {
    shut_down_deadline.stop();
    std::exchange(shut_down_done, nullptr)();
  }
}

void RoomServer::Impl::detach(Connection& c) {
  Present* member = std::exchange(c.member, nullptr);
  if (member == nullptr) return;
  member->connection = nullptr;
  if (!shutting_down) went_away(*member, c.room);
}

void RoomServer::Impl::went_away(Present& member, const std::string& room_name) {
  log.info("room {}: {} is away", printable(room_name), printable(member.info.name));
  member.grace.once(config.grace,
                    [this, room_name, id = member.info.id] { remove(room_name, id, "lost"); });
}

void RoomServer::Impl::look_after() {
  const int64_t now = monotonic_ns();
  // If it was us who stood still, what the members said meanwhile is yet to be read.
  const bool stood_still =
      now - std::exchange(looked_ns, now) > 3 * std::chrono::nanoseconds(care_period).count();
  if (stood_still) return;
  auto older = [&](int64_t since, milliseconds limit) {
    return now - since > std::chrono::nanoseconds(limit).count();
  };
  std::vector<Connection*> dead;
  for (auto& [c, owned] : connections) {
    if (older(c->heard_ns, config.dead_after)) dead.push_back(c);
    if (c->member == nullptr && older(c->opened_ns, config.join_within))
      finish(*c, {"not-joined", "no join came in time", ""});
  }
  for (Connection* c : dead) {
    log.info("{}: silent for too long", c->socket->remote());
    closed(c);
  }
}

// --- messages

void RoomServer::Impl::heard(Connection& c, std::string_view text) {
  if (c.ending) return;
  c.heard_ns = monotonic_ns();
  const bool joined = c.member != nullptr;
  if (!c.messages.take(1))
    return finish(c, {"rate-limit", "too many messages in too short a time", ""});
  const auto message = room::parse(text, room::Sender::kClient);
  if (message) return handle(c, *message);
  const Problem& problem = message.error();
  const bool fatal = !joined || problem.code == "too-large" || problem.code == "bad-version";
  if (fatal) return finish(c, problem);
  log.debug("{}: {} ({})", c.socket->remote(), problem.code, problem.message);
  tell(c, problem);
}

void RoomServer::Impl::handle(Connection& c, const room::Message& message) {
  const auto* join_message = std::get_if<room::Join>(&message);
  if (c.member == nullptr) {
    if (join_message != nullptr) return join(c, *join_message);
    return finish(c, {"not-joined", "the first message has to be a join", room::type_of(message)});
  }
  if (join_message != nullptr)
    return tell(c, Problem{"already-joined", "this connection has joined already", "join"});
  if (const auto* m = std::get_if<room::Sdp>(&message)) return relay(c, *m);
  if (const auto* m = std::get_if<room::IceCandidate>(&message)) return relay(c, *m);
  if (const auto* m = std::get_if<room::Renegotiate>(&message)) return relay(c, *m);
  if (const auto* m = std::get_if<room::State>(&message)) return change(c, *m);
  if (const auto* m = std::get_if<room::Ping>(&message)) return tell(c, room::Pong{m->n});
  if (std::holds_alternative<room::Leave>(message)) {
    const std::string id = c.member->info.id;
    c.ending = true;
    std::exchange(c.member, nullptr)->connection = nullptr;
    c.socket->close(1000, "left");
    remove(c.room, id, "left");
  }
}

template <class T>
void RoomServer::Impl::relay(Connection& c, T message) {
  const Room& room = rooms.at(c.room);
  const auto found = room.members.find(message.peer);
  auto refuse = [&](const char* code, std::string why) {
    tell(c, Problem{code, std::move(why), room::type_of(message)});
  };
  if (found == room.members.end() || found->second.get() == c.member)
    return refuse("no-such-member", fmt::format("nobody here is \"{}\"", message.peer));
  Present& to = *found->second;
  message.peer = c.member->info.id;
  std::string text = room::text_of(message, room::Sender::kServer);
  // Escaping may make a text longer; it may not get too long for whom it is for.
  if (text.size() > room::kMostServerMessageBytes) return refuse("bad-message", "too long");
  if (to.connection != nullptr) {
    if (to.connection->socket->queued() > kMostRelayQueue)
      return refuse("busy", "the member does not take what is sent to it");
    return to.connection->socket->send(text);
  }
  if (to.kept.size() >= kMostKept || to.kept_bytes + text.size() > kMostKeptBytes)
    return refuse("busy", "the member is away, and much is waiting for it");
  to.kept_bytes += text.size();
  to.kept.push_back(std::move(text));
}

void RoomServer::Impl::change(Connection& c, const room::State& state) {
  if (!c.messages.take(kBroadcastCost - 1))
    return finish(c, {"rate-limit", "too many changes in too short a time", "state"});
  room::Media& media = c.member->info.media;
  const room::Media before = media;
  if (state.audio) media.audio = *state.audio;
  if (state.video) media.video = *state.video;
  if (state.video_source) media.video_source = *state.video_source;
  if (state.may_be_recorded) media.may_be_recorded = *state.may_be_recorded;
  if (room::same_media(before, media)) return;
  tell_others(rooms.at(c.room), c.member, room::MemberChanged{c.member->info});
  hook_changed(c.room);
}

void RoomServer::Impl::tell_others(const Room& room, const Present* except,
                                   const room::Message& message) {
  const std::string text = room::text_of(message, room::Sender::kServer);
  for (const auto& [id, member] : room.members)
    if (member.get() != except && member->connection != nullptr)
      member->connection->socket->send(text);
}

// --- joining and leaving

std::optional<Problem> RoomServer::Impl::refuses(const Connection& c,
                                                 const room::Join& join) const {
  if (!config.token.empty() && !same_secret(config.token, join.token))
    return Problem{"bad-token", join.token.empty() ? "a token is needed" : "the token is wrong",
                   "join"};
  if (join.ticket && !same_secret(room::id_for_key(join.ticket->key), join.ticket->id))
    return Problem{"bad-key", "the key does not belong to this id", "join"};
  const auto found = rooms.find(c.room);
  if (found == rooms.end()) {
    if (rooms.size() < config.most_rooms) return std::nullopt;
    return Problem{"room-full", "the server has as many rooms as it takes", "join"};
  }
  const Room& room = found->second;
  const bool coming_back = join.ticket && room.members.contains(join.ticket->id);
  const Present* holder = room.named(join.name);
  const bool own_name = coming_back && holder != nullptr && holder->info.id == join.ticket->id;
  if (holder != nullptr && holder->connection != nullptr && !own_name)
    return Problem{"name-in-use",
                   fmt::format("somebody called \"{}\" is in this room already", join.name),
                   "join"};
  const bool takes_a_place = !coming_back && holder == nullptr;
  if (takes_a_place && room.members.size() >= config.most_members)
    return Problem{
        "room-full",
        counted(room.members.size(), "member is", "members are") + " in this room already", "join"};
  return std::nullopt;
}

void RoomServer::Impl::join(Connection& c, const room::Join& join) {
  if (!c.messages.take(kBroadcastCost - 1))
    return finish(c, {"rate-limit", "too many messages in too short a time", "join"});
  if (const auto problem = refuses(c, join)) return finish(c, *problem);
  if (join.ticket && rooms.contains(c.room)) {
    auto& members = rooms.at(c.room).members;
    const auto found = members.find(join.ticket->id);
    if (found != members.end()) return come_back(c, *found->second, join);
  }
  enter(c, join);
}

void RoomServer::Impl::come_back(Connection& c, Present& member, const room::Join& join) {
  // Whoever had this name is away, or refuses() would have said no.
  const Present* holder = rooms.at(c.room).named(join.name);
  if (holder != nullptr && holder != &member) {
    const std::string id = holder->info.id;
    remove(c.room, id, "replaced");
  }
  if (member.connection != nullptr) {
    Connection& old = *member.connection;
    old.member = nullptr;
    finish(old, {"replaced", "the same member connected again", ""});
  }
  member.grace.stop();
  member.connection = &c;
  c.member = &member;
  RoomMember info = member.info;
  info.name = join.name;
  info.sends = join.sends;
  info.receives = join.receives;
  info.media = join.media;
  const bool changed = room::text_of(room::MemberChanged{info}, room::Sender::kServer) !=
                       room::text_of(room::MemberChanged{member.info}, room::Sender::kServer);
  member.info = info;
  const Room& room = rooms.at(c.room);
  log.info("room {}: {} is back", printable(c.room), printable(info.name));
  welcome(c, room, join.ticket->key);
  for (const std::string& text : std::exchange(member.kept, {})) c.socket->send(text);
  member.kept_bytes = 0;
  if (!changed) return;
  tell_others(room, &member, room::MemberChanged{info});
  hook_changed(c.room);
}

int64_t RoomServer::Impl::since_for(const room::Join& join) {
  constexpr int64_t kNsPerMs = 1'000'000;
  const int64_t since =
      join.ticket && join.since ? *join.since : std::max(largest_since + 1, wall_ns() / kNsPerMs);
  largest_since = std::max(largest_since, since);
  return since;
}

void RoomServer::Impl::enter(Connection& c, const room::Join& join) {
  if (rooms.contains(c.room)) {
    const Present* holder = rooms.at(c.room).named(join.name);
    if (holder != nullptr) {
      const std::string id = holder->info.id;
      remove(c.room, id, "replaced");  // with its last member the room goes, too
    }
  }
  Room& room = rooms[c.room];
  room.name = c.room;
  const bool first = !join.recorder && room.people() == 0;
  const std::string key = join.ticket ? join.ticket->key : room::make_key();
  auto member = std::make_unique<Present>();
  member->info = {.id = room::id_for_key(key),
                  .name = join.name,
                  .since = since_for(join),
                  .recorder = join.recorder,
                  .sends = join.sends,
                  .receives = join.receives,
                  .media = join.media};
  member->connection = &c;
  c.member = member.get();
  log.info("room {}: {} joined as {}", printable(c.room), printable(join.name), member->info.id);
  room.members[member->info.id] = std::move(member);
  welcome(c, room, key);
  tell_others(room, c.member, room::MemberJoined{c.member->info});
  if (first && hooks.opened) loop.post(alive.guard([this, name = c.room] { hooks.opened(name); }));
  hook_changed(c.room);
}

void RoomServer::Impl::welcome(Connection& c, const Room& room, const std::string& key) {
  const RoomMember& self = c.member->info;
  room::Joined joined{self.id, key, self.since, room.name, {}, config.ice_servers};
  for (const auto& [id, member] : room.members)
    if (member.get() != c.member) joined.members.push_back(member->info);
  tell(c, joined);
}

// By value: what is given may live in what is removed here.
void RoomServer::Impl::remove(std::string name, std::string who, const char* reason) {
  const auto found = rooms.find(name);
  if (found == rooms.end()) return;
  Room& room = found->second;
  const auto node = room.members.extract(who);
  if (node.empty()) return;
  log.info("room {}: {} {}", printable(name), printable(node.mapped()->info.name), reason);
  tell_others(room, nullptr, room::MemberLeft{who, reason});
  const bool last = !node.mapped()->info.recorder && room.people() == 0;
  if (room.members.empty()) rooms.erase(found);
  if (last && hooks.emptied) loop.post(alive.guard([this, name] { hooks.emptied(name); }));
  hook_changed(name);
}

void RoomServer::Impl::hook_changed(const std::string& room_name) {
  if (!hooks.changed) return;
  loop.post(alive.guard([this, room_name] { hooks.changed(room_name, members_of(room_name)); }));
}

std::vector<Member> RoomServer::Impl::members_of(const std::string& room_name) const {
  std::vector<Member> list;
  const auto found = rooms.find(room_name);
  if (found == rooms.end()) return list;
  for (const auto& [id, member] : found->second.members) list.push_back(member_of(member->info));
  return list;
}

// --- RoomServer

RoomServer::RoomServer(Loop& loop, Log log, HttpServer& http, RoomServerConfig config,
                       RoomHooks hooks)
    : impl_(std::make_unique<Impl>(loop, std::move(log), std::move(config), std::move(hooks))) {
  if (!impl_->config.token.empty()) Log::hide(impl_->config.token);
  auto limits = impl_->config.socket;
  limits.most_incoming = room::kMostMessageBytes;
  http.websocket(
      "/rooms/{room}",
      [impl = impl_.get(),
       guard = impl_->alive.guard([impl = impl_.get()](const HttpRequest& request,
                                                       std::unique_ptr<ServerWebSocket>& socket) {
         impl->open(request, std::move(socket));
       })](const HttpRequest& request, std::unique_ptr<ServerWebSocket> socket) mutable {
        guard(request, socket);
      },
      limits);
  impl_->care_period = std::max(
      milliseconds(1),
      std::min({milliseconds(1000), impl_->config.dead_after / 4, impl_->config.join_within / 4}));
  impl_->care.every(impl_->care_period, [impl = impl_.get()] { impl->look_after(); });
}

RoomServer::~RoomServer() = default;

void RoomServer::shut_down(std::function<void()> done) {
  impl_->shutting_down = true;
  impl_->shut_down_done = [loop = &impl_->loop, guard = impl_->alive.guard(std::move(done))] {
    loop->post(guard);
  };
  impl_->shut_down_deadline.once(kShutDownWithin, [impl = impl_.get()] {
    impl->connections.clear();
    if (impl->shut_down_done) std::exchange(impl->shut_down_done, nullptr)();
  });
  for (auto& [c, owned] : impl_->connections)
    impl_->finish(*c, {"shutting-down", "the server is shutting down", ""});
  if (impl_->connections.empty()) {
    impl_->shut_down_deadline.stop();
    std::exchange(impl_->shut_down_done, nullptr)();
  }
}

std::vector<std::string> RoomServer::rooms() const {
  std::vector<std::string> names;
  for (const auto& [name, room] : impl_->rooms) names.push_back(name);
  return names;
}

std::vector<Member> RoomServer::members(const std::string& room) const {
  return impl_->members_of(room);
}

}  // namespace callbot::signaling
