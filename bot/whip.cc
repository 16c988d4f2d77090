#include "bot/whip.h"

#include <fmt/core.h>

#include <random>

#include "bot/record_control.h"
#include "bot/recording_session.h"

namespace callbot::bot {

using signaling::HttpRequest;
using signaling::Responder;

class Whip::Session final : public pipelines::PeerEvents {
 public:
  Session(Whip& whip, std::string id)
      : whip_(whip),
        id_(std::move(id)),
        session_(whip.loop_, log_, whip.pool_, whip.judges_, config(),
                 [this](const Error& error) { end("error", error.message); }) {}

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
    auto sink = session_.begin({.request_key_frame =
                                    [this](TrackId t) {
                                      if (peer_) peer_->request_key_frame(t);
                                    },
                                .participant_of = [](const std::string& m) { return m; },
                                .tracks = [this] { return tracks(); }});
    if (!sink) return tl::unexpected(sink.error());
    sink_ = *sink;
    session_.member_joined({.id = "publisher", .name = "publisher"});
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
    peer_->set_track_owner("", {"publisher", "publisher", ""});
    peer_->remote_description(true, offer);
    return {};
  }

  void end(const std::string& reason, const std::string& text) {
    if (ending_) return;
    ending_ = true;
    peer_.reset();
    control_.reset();
    if (!session_.begun()) return whip_.ended(id_);
    session_.member_left({.id = "publisher", .name = "publisher"});
    session_.finish(
        {.reason = reason, .by = "publisher", .text = text}, [](double) {},
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
    whip_.ended(id_);
  }

  void local_description(bool, const std::string& sdp) override {
    answer_->send({201, "application/sdp", sdp, {{"Location", "/whip/" + id_}}});
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
    if (!answer_->done()) answer_->refuse(error.code == Code::kBadInput ? 400 : 500, error.message);
    whip_.loop_.post(alive_.guard([this, error] { end("peer-lost", error.message); }));
  }

  Whip& whip_;
  std::string id_;
  Log log_{"whip"};
  std::unique_ptr<Responder> answer_;
  RecordingSession session_;
  pipelines::Sink* sink_ = nullptr;
  std::unique_ptr<pipelines::Peer> peer_;
  std::unique_ptr<RecordControl> control_;
  bool ending_ = false;
  Alive alive_;
};

Whip::Whip(Loop& loop, Console& console, signaling::HttpServer& http, WhipConfig config)
    : loop_(loop), console_(console), config_(std::move(config)), judges_(loop, 1) {
  http.route("POST", "/whip",
             alive_.guard([this](const HttpRequest& r, const Responder& a) { post(r, a); }));
  http.route("DELETE", "/whip/{id}",
             alive_.guard([this](const HttpRequest& r, const Responder& a) { remove(r, a); }));
}

Whip::~Whip() = default;

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
  if (stopped_) return answer.refuse(503, "shutting down");
  if (!request.header("content-type").starts_with("application/sdp"))
    return answer.refuse(415, "expected Content-Type: application/sdp");
  // Not to be guessed: who knows it may end the session.
  std::random_device random;
  const std::string id = fmt::format("{}-{:08x}{:08x}", ++count_, random(), random());
  auto& session = sessions_[id];
  session = std::make_unique<Session>(*this, id);
  if (auto started = session->start(request.body, answer); !started) {
    answer.refuse(started.error().code == Code::kStorage ? 507 : 500, started.error().message);
    session->end("error", started.error().message);
  }
}

void Whip::remove(const HttpRequest& request, const Responder& answer) {
  if (!allowed(request, answer)) return;
  const auto found = sessions_.find(request.parts.at("id"));
  if (found == sessions_.end()) return answer.refuse(404, "no such session");
  answer.send({.status = 200});
  found->second->end("stopped", "");
}

void Whip::ended(const std::string& id) {
  loop_.post(alive_.guard([this, id] {
    sessions_.erase(id);
    if (stopped_ && sessions_.empty()) std::exchange(stopped_, nullptr)();
  }));
}

void Whip::stop(std::function<void()> done) {
  stopped_ = std::move(done);
  if (sessions_.empty()) return loop_.post(std::exchange(stopped_, nullptr));
  for (auto& [id, session] : sessions_) session->end("stopped", "the server was stopped");
}

}  // namespace callbot::bot
