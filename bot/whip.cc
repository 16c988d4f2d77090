#include "bot/whip.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <random>

#include "base/text.h"
#include "bot/disk_watch.h"
#include "bot/on_finish.h"
#include "bot/record_control.h"
#include "bot/recording_session.h"

namespace callbot::bot {

using namespace std::chrono_literals;
using signaling::HttpRequest;
using signaling::Responder;

namespace {

constexpr uint64_t kLossTicks = 5;  // seconds between two looks at the loss counters

// RFC 9110, 8.3.1: upper and lower case are the same, parameters may follow.
bool is_sdp(std::string type) {
  type.resize(std::min(type.find_first_of("; \t"), type.size()));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return type == "application/sdp";
}

int status_of(const Error& error) {
  switch (error.code) {
    case Code::kBadInput:
      return 400;
    case Code::kUnsupported:
      return 422;
    case Code::kStorage:
      return 507;
    default:
      return 500;
  }
}

}  // namespace

class Whip::Session final : public pipelines::PeerEvents {
 public:
  Session(Whip& whip, std::string id)
      : whip_(whip),
        id_(std::move(id)),
        session_(whip.loop_, log_, whip.pool_, whip.judges_, config(),
                 [this](const Error& error) {
                   end({.reason = "error", .by = "recorder", .text = error.message});
                 }),
        limits_(whip.config_.limits, [this](recordings::Ending why) { end_soon(std::move(why)); }) {
  }

  // Answers the offer, or says what is wrong with it, and then ends.
  Result<> start(const std::string& offer, Responder answer) {
    answer_ = std::make_unique<Responder>(std::move(answer));
    pipelines::PeerConfig config;
    config.name = id_;
    config.trickles = false;
    config.receive_video = !whip_.config_.audio_only;
    auto peer = pipelines::Peer::create(whip_.loop_, log_, config, *this);
    if (!peer) return tl::unexpected(peer.error());
    peer_ = std::move(*peer);
    peer_->set_track_owner("", {"publisher", "publisher", ""});
    peer_->remote_description(true, offer);
    return {};
  }

  void end(recordings::Ending why) {
    if (ending_) return;
    ending_ = true;
    tick_.stop();
    limits_.stop();
    peer_.reset();
    control_.reset();
    if (!session_.begun()) return whip_.ended(id_);
    session_.member_left({.id = "publisher", .name = "publisher"});
    session_.finish(
        std::move(why), [](double) {},
        [this](const RecordingSession::Done& done) { judged(done); });
  }

 private:
  SessionConfig config() const {
    SessionConfig c;
    c.out = whip_.config_.out;
    c.facts = {.room = "whip", .url = "/whip/" + id_, .protocol = "whip", .recorder = "callbot"};
    c.facts.video = !whip_.config_.audio_only;
    c.segment_duration = whip_.config_.segment_duration;
    c.segment_bytes = whip_.config_.segment_bytes;
    c.seal_to = whip_.config_.seal_to;
    return c;
  }

  std::vector<CallTrack> tracks() const {
    std::vector<CallTrack> all;
    if (!peer_) return all;
    for (const auto& stats : peer_->stats().tracks) all.push_back({{.id = stats.track}, stats});
    return all;
  }

  void judged(const RecordingSession::Done& done) {
    const std::string verdict = !done.written ? done.written.error().message
                                : done.verdict
                                    ? std::string(recordings::name_of(done.verdict->severity))
                                    : done.verdict.error().message;
    whip_.console_.event("whip-end", fmt::format("{} {}: {}", id_, done.folder.string(), verdict),
                         Json::object()
                             .set("session", id_)
                             .set("folder", done.folder.string())
                             .set("verdict", verdict));
    give_verdict(whip_.config_.on_finish, done,
                 whip_.alive_.guard([&whip = whip_, id = id_] { whip.ended(id); }));
  }

  // Only now: an offer that is refused leaves no folder behind.
  Result<> begin() {
    auto sink = session_.begin({.request_key_frame =
                                    [this](TrackId t) {
                                      if (peer_) peer_->request_key_frame(t);
                                    },
                                .participant_of = [](const std::string& m) { return m; },
                                .tracks = [this] { return tracks(); }});
    if (!sink) return tl::unexpected(sink.error());
    sink_ = *sink;
    session_.member_joined({.id = "publisher", .name = "publisher"});
    open_control();
    limits_.begin();
    limits_.members(1);
    tick_.every(1s, [this] { tick(); });
    return {};
  }

  void tick() {
    if (++ticks_ % kLossTicks == 0) session_.count_loss();
    limits_.tick(session_.stats(), {{.participant = "publisher"}}, session_.paused(""));
  }

  void open_control() {
    control_ = std::make_unique<RecordControl>(
        log_, whip_.console_, session_,
        RecordControl::Links{.members =
                                 [] {
                                   return std::vector<signaling::Member>{
                                       {.id = "publisher", .name = "publisher"}};
                                 },
                             .participant_of = [](const std::string& m) { return m; },
                             .choose = nullptr});
    if (auto opened = control_->open(); !opened)
      log_.warn("there is no control socket: {}", opened.error().message);
  }

  void local_description(bool, const std::string& sdp) override {
    if (ending_ || session_.begun()) return;
    if (auto begun = begin(); !begun) {
      answer_->refuse(status_of(begun.error()), begun.error().message);
      return end_soon({.reason = "error", .by = "recorder", .text = begun.error().message});
    }
    answer_->send({201, "application/sdp", sdp, {{"Location", "/whip/" + id_}}});
  }
  // The peer is on the stack: let it return before it is destroyed.
  void end_soon(recordings::Ending why) {
    whip_.loop_.post(alive_.guard([this, why = std::move(why)] { end(why); }));
  }
  void local_candidate(uint32_t, const std::string&, const std::string&) override {}
  void connected() override {
    whip_.console_.event(
        "whip", fmt::format("{} records into {}", id_, session_.folder().string()),
        Json::object().set("session", id_).set("folder", session_.folder().string()));
  }
  void track_added(const TrackInfo& track) override { peer_->add_sink(track.id, *sink_); }
  void track_removed(TrackId) override {}
  void key_frame_wait(TrackId track) override { session_.key_frame(track, std::nullopt); }
  void key_frame_found(TrackId track, std::chrono::nanoseconds wait) override {
    session_.key_frame(track, wait);
  }
  void size_changed(TrackId, uint32_t, uint32_t) override {}
  void channel_opened(pipelines::ChannelId, const std::string&) override {}
  void channel_message(pipelines::ChannelId, bool, std::string) override {}
  void channel_closed(pipelines::ChannelId) override {}
  void needs_negotiation() override {}  // WHIP has no renegotiation
  void failed(const Error& error) override {
    if (!answer_->done()) answer_->refuse(status_of(error), error.message);
    end_soon({.reason = "peer-lost", .by = "publisher", .text = error.message});
  }

  Whip& whip_;
  std::string id_;
  Log log_{"whip"};
  std::unique_ptr<Responder> answer_;
  RecordingSession session_;
  pipelines::Sink* sink_ = nullptr;
  Limits limits_;
  Timer tick_;
  uint64_t ticks_ = 0;
  std::unique_ptr<pipelines::Peer> peer_;
  std::unique_ptr<RecordControl> control_;
  bool ending_ = false;
  Alive alive_;
};

Whip::Whip(Loop& loop, Console& console, signaling::HttpServer& http, WhipConfig config,
           uint64_t free)
    : loop_(loop), console_(console), config_(std::move(config)), judges_(loop, 1), free_(free) {
  http.route("POST", "/whip",
             alive_.guard([this](const HttpRequest& r, const Responder& a) { post(r, a); }));
  http.route("DELETE", "/whip/{id}",
             alive_.guard([this](const HttpRequest& r, const Responder& a) { remove(r, a); }));
}

Whip::~Whip() = default;

void Whip::disk(uint64_t free) {
  free_ = free;
  const auto enough = enough_to_go_on(config_.disk, config_.out, free);
  if (enough) return;
  for (auto& [id, session] : sessions_)
    session->end({.reason = "disk-low", .by = "recorder", .text = enough.error().message});
}

bool Whip::allowed(const HttpRequest& request, const Responder& answer) const {
  if (config_.token.empty() || signaling::same_secret(request.bearer(), config_.token)) return true;
  answer.send({401,
               "application/json",
               Json::object().set("error", "expected Authorization: Bearer TOKEN").dump(),
               {{"WWW-Authenticate", "Bearer"}}});
  return false;
}

void Whip::post(const HttpRequest& request, const Responder& answer) {
  if (!allowed(request, answer)) return;
  if (stopping_) return answer.refuse(503, "shutting down");
  if (!is_sdp(request.header("content-type")))
    return answer.refuse(415, "expected Content-Type: application/sdp");
  if (auto enough = enough_to_begin(config_.disk, config_.out, free_); !enough) {
    console_.event("disk-low", "whip: " + enough.error().message,
                   disk_facts(config_.disk, config_.out, free_));
    return answer.refuse(507, enough.error().message);  // RFC 4918 11.5, Insufficient Storage
  }
  if (sessions_.size() >= config_.most_sessions)
    return answer.refuse(
        503, counted(sessions_.size(), "session is", "sessions are") + " all there can be");
  // Not to be guessed: who knows it may end the session.
  std::random_device random;
  const std::string id = fmt::format("{}-{:08x}{:08x}", ++count_, random(), random());
  auto& session = sessions_[id];
  session = std::make_unique<Session>(*this, id);
  if (auto started = session->start(request.body, answer); !started) {
    answer.refuse(status_of(started.error()), started.error().message);
    session->end({.reason = "error", .by = "recorder", .text = started.error().message});
  }
}

void Whip::remove(const HttpRequest& request, const Responder& answer) {
  if (!allowed(request, answer)) return;
  const auto found = sessions_.find(request.parts.at("id"));
  if (found == sessions_.end()) return answer.refuse(404, "no such session");
  answer.send({.status = 200});
  found->second->end({.reason = "stopped", .by = "publisher", .text = ""});
}

void Whip::ended(const std::string& id) {
  loop_.post(alive_.guard([this, id] {
    sessions_.erase(id);
    if (stopped_ && sessions_.empty()) std::exchange(stopped_, nullptr)();
  }));
}

void Whip::stop(std::function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  if (sessions_.empty()) return loop_.post(std::exchange(stopped_, nullptr));
  for (auto& [id, session] : sessions_)
    session->end({.reason = "stopped", .by = "server", .text = "the server was stopped"});
}

}  // namespace callbot::bot
