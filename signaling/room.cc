#include "signaling/room.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <optional>

#include "base/alive.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/gref.h"
#include "signaling/room_members.h"
#include "signaling/room_messages.h"
#include "signaling/websocket.h"

namespace callbot::signaling {
namespace {

using room::Problem;
using std::chrono::milliseconds;

constexpr milliseconds kGoodbye{1000};  // for a server that does not answer ours
constexpr milliseconds kResendTick{1000};
// What was sent this long before the last sign of life may not have arrived either.
constexpr int64_t kDoubtNs = 5'000'000'000;

enum class Phase { kNew, kJoining, kLive, kLost, kClosing, kDone };

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
      : loop_(loop),
        log_(std::move(log)),
        config_(std::move(config)),
        times_(times),
        members_(log_, {.emit = [this](auto event) { emit(std::move(event)); },
                        .put =
                            [this](const room::Message& message) {
                              if (joined_here_) put(message);
                            }}) {
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
  void take(const Problem& problem);
  void take(const room::Pong&) {}
  template <class T>
  void take(const T& message) {
    // What only clients send is never parsed.
    if constexpr (requires { members_.take(message); }) members_.take(message);
  }
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
  RoomMembers members_;
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
    members_.doubt(heard_ns_ - kDoubtNs);
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
  log_.info("{} {} as {}", first ? "joined" : "back in", config_.url, joined.id);
  if (first)
    emit([id = joined.id](Events& events) { events.joined(id); });
  else
    emit([](Events& events) { events.resumed(); });

  members_.joined({.id = joined.id,
                   .since = joined.since,
                   .recorder = config_.self.recorder,
                   .sends = config_.self.sends,
                   .receives = config_.self.receives},
                  joined);
  if (members_.any_missing())
    missing_.once(times_.missing_grace, [this] { members_.give_up_missing(); });
  ping_.every(times_.ping, [this] { put(room::Ping{next_ping_++}); });
  resend_.every(kResendTick, [this] { members_.resend_due(); });
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

// --- what the call says

void RoomSignaling::send(LegId leg, Message message) {
  if (phase_ < Phase::kClosing) members_.send(leg, message);
}

void RoomSignaling::request(LegId leg, Request request) {
  if (phase_ < Phase::kClosing) members_.request(leg, request);
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
