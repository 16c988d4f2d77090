#include "bot/record.h"

#include <fmt/core.h>
#include <gio/gio.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "bot/join.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using signaling::Member;

constexpr int kLossTicks = 5;  // seconds between two looks at the loss counters

SessionConfig session_config(const RecordOptions& options) {
  SessionConfig config;
  config.out = options.out;
  config.facts.url = options.join.url;
  config.facts.room = room_of(options.join.url);
  config.facts.protocol = protocol_of(options.join.url);
  config.facts.recorder = options.join.name;
  config.facts.video = !options.audio_only;
  config.most_file_bytes = options.most_file_mb << 20;
  return config;
}

std::string age(int64_t since_ns) {
  if (since_ns == 0) return "-";
  return fmt::format("{:.1f} s", static_cast<double>(monotonic_ns() - since_ns) / 1e9);
}

}  // namespace

Record::Record(Loop& loop, Console& console, RecordOptions options, std::function<void(Done)> done)
    : loop_(loop),
      console_(console),
      options_(std::move(options)),
      done_(std::move(done)),
      worker_(loop, 1),
      session_(loop, log_, pool_, worker_, session_config(options_), [this](const Error& error) {
        console_.event("error", error.message, Json::object().set("message", error.message));
        end({.reason = "error", .by = "recorder", .text = error.message});
      }) {}

Record::~Record() = default;

void Record::start() {
  const auto give_up = [this](Error error) {
    finish({exit_status(error), std::move(error), {}, {}});
  };
  if (auto made = make_folder(options_.out); !made) return give_up(made.error());
  auto config = call_config(options_.join, {.recorder = true, .receives = true});
  if (!config) return give_up(config.error());
  config->receive_video = !options_.audio_only;
  auto call = Call::create(loop_, log_, std::move(*config), *this);
  if (!call) return give_up(call.error());
  call_ = std::move(*call);
  call_->start();
}

void Record::interrupt() {
  if (ending_) return session_.abort_judging();
  console_.event("stopping", "finishing the recording; once more to skip judging it");
  end({.reason = "signal", .by = "user", .text = ""});
}

void Record::terminate() {
  if (ending_) return;
  console_.event("stopping", "finishing the recording");
  end({.reason = "signal", .by = "user", .text = ""});
}

void Record::end(recordings::Ending why) {
  if (ending_) return;
  ending_ = true;
  why_ = std::move(why);
  if (call_) call_->stop();
}

std::string Record::name_of_member(const std::string& id) const {
  const Member* m = call_->member(id);
  return m != nullptr ? m->name : id.empty() ? "server" : id;
}

// --- what the call tells

void Record::joined(const std::string&) {
  auto sink = session_.begin(
      {.request_key_frame = [this](TrackId track) { call_->request_key_frame(track); },
       .participant_of =
           [this](const std::string& member) { return call_->participant_of(member); },
       .tracks = [this] { return call_->tracks(); }});
  if (!sink) {
    call_result_ = tl::unexpected(sink.error());
    return end({.reason = "error", .by = "recorder", .text = sink.error().message});
  }
  call_->add_sink(**sink);
  started_ns_ = monotonic_ns();
  console_.event("recording", session_.folder().string(),
                 Json::object().set("folder", session_.folder().string()));
  if (options_.duration)
    duration_.once(*options_.duration,
                   [this] { end({.reason = "duration", .by = "recorder", .text = ""}); });
  tick_.every(1s, [this] { tick(); });
}

void Record::member_joined(const Member& m) {
  session_.member_joined(m);
  had_members_ = had_members_ || !m.recorder;
  console_.event("joined",
                 m.name + (m.recorder ? " (a recorder)" : "") +
                     (m.may_be_recorded ? "" : " (asked not to be recorded)"),
                 Json::object().set("member", m.id).set("name", m.name));
}

void Record::member_changed(const Member& before, const Member& after) {
  session_.member_changed(before, after);
  Json fields = Json::object().set("member", after.id).set("name", after.name);
  if (before.may_be_recorded != after.may_be_recorded)
    console_.event(
        "consent",
        after.name + (after.may_be_recorded ? " may be recorded" : " asked not to be recorded"),
        fields.set("allowed", after.may_be_recorded));
  const auto said = [&](MediaKind kind, Member::State was, Member::State is) {
    if (was == is || is == Member::State::kUnknown) return;
    console_.event("state",
                   fmt::format("{} {} {}", after.name, callbot::name_of(kind),
                               is == Member::State::kOn ? "on" : "off"),
                   Json::object()
                       .set("member", after.id)
                       .set("name", after.name)
                       .set("media", callbot::name_of(kind))
                       .set("on", is == Member::State::kOn));
  };
  said(MediaKind::kAudio, before.audio, after.audio);
  said(MediaKind::kVideo, before.video, after.video);
}

void Record::member_left(const Member& m) {
  session_.member_left(m);
  std::erase(reconnecting_, m.id);
  console_.event("left", m.name, Json::object().set("member", m.id).set("name", m.name));
  const auto& all = call_->members();
  const bool empty =
      std::none_of(all.begin(), all.end(), [](const Member& o) { return !o.recorder; });
  if (options_.until_empty && had_members_ && empty)
    end({.reason = "empty", .by = "recorder", .text = ""});
}

void Record::connected(const std::string& member) {
  if (std::erase(reconnecting_, member) > 0) session_.peer(member, false, "");
  console_.event("connected", name_of_member(member), Json::object().set("member", member));
}

void Record::trouble(const std::string& member, const Error& error, bool again) {
  if (again && error.code != Code::kBadInput) {
    reconnecting_.push_back(member);
    session_.peer(member, true, error.message);
  } else {
    session_.error(member, error);
  }
  console_.event(
      "trouble",
      fmt::format("{}: {}{}", name_of_member(member), error.message, again ? "; trying again" : ""),
      Json::object()
          .set("member", member)
          .set("code", callbot::name_of(error.code))
          .set("message", error.message)
          .set("again", again));
}

void Record::track_added(const TrackInfo& track, bool taken) {
  console_.event("track",
                 fmt::format("{} {} {}{}", track.name, callbot::name_of(track.kind), track.codec,
                             taken ? "" : " (not recorded: asked not to be)"),
                 Json::object()
                     .set("member", track.participant)
                     .set("name", track.name)
                     .set("media", callbot::name_of(track.kind))
                     .set("codec", track.codec)
                     .set("ssrc", track.ssrc)
                     .set("recorded", taken));
}

void Record::track_removed(const TrackInfo& track) {
  shown_.erase(track.id);
  console_.event("track-end", fmt::format("{} {}", track.name, callbot::name_of(track.kind)),
                 Json::object().set("name", track.name).set("media", callbot::name_of(track.kind)));
}

void Record::key_frame_wait(const TrackInfo& track) {
  session_.key_frame(track.id, std::nullopt);
  console_.event("key-wait", track.name + ": picture lost, waiting for a key frame",
                 Json::object().set("name", track.name));
}

void Record::key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) {
  session_.key_frame(track.id, wait);
  const double seconds = std::chrono::duration<double>(wait).count();
  console_.event("key-frame", fmt::format("{}: picture back after {:.2f} s", track.name, seconds),
                 Json::object().set("name", track.name).set("wait", seconds));
}

void Record::size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
  shown_[track.id].codec_size = fmt::format("{} {}x{}", track.codec, width, height);
  console_.event("size", fmt::format("{}: {}x{}", track.name, width, height),
                 Json::object().set("name", track.name).set("width", width).set("height", height));
}

void Record::chat(const Member& from, const std::string& text) {
  session_.chat(from, text);
  console_.event("chat", from.name + ": " + text,
                 Json::object().set("name", from.name).set("text", text));
}

void Record::file_begin(const Member& from, const FileBegin& file) {
  session_.file_begin(from, file);
}

void Record::file_chunk(const Member& from, const std::string& bytes) {
  session_.file_chunk(from, bytes);
}

void Record::file_end(const Member& from, const FileEnd* end) {
  session_.file_end(from, end, [this, name = from.name](Result<recordings::ReceivedFile> file) {
    if (!file)
      return console_.event("file", name + ": " + file.error().message,
                            Json::object().set("name", name).set("error", file.error().message));
    console_.event("file", fmt::format("{}: {} ({} bytes)", name, file->path, file->bytes),
                   Json::object()
                       .set("name", name)
                       .set("path", file->path)
                       .set("bytes", file->bytes)
                       .set("sha256", file->sha256));
  });
}

void Record::interrupted(const std::string& why) {
  session_.signaling(true, why);
  console_.event("interrupted", "server lost, media goes on: " + why,
                 Json::object().set("reason", why));
}

void Record::resumed() {
  session_.signaling(false, "");
  console_.event("resumed", "server is back");
}

void Record::done(Result<> how) {
  if (call_result_) call_result_ = std::move(how);
  if (!call_result_ && !ending_)
    why_ = {.reason = "error", .by = "server", .text = call_result_.error().message};
  ending_ = true;
  tick_.stop();
  duration_.stop();
  console_.live({});
  if (session_.begun()) return close_recording();
  if (call_result_) call_result_ = fail(Code::kInterrupted, "stopped before the call was joined");
  finish({exit_status(call_result_.error()), call_result_.error(), {}, {}});
}

// --- while it runs

void Record::tick() {
  show_table();
  if (++ticks_ % kLossTicks != 0) return;
  session_.count_loss();
  for (const CallTrack& track : call_->tracks()) say_loss(track);
}

void Record::say_loss(const CallTrack& track) {
  Shown& shown = shown_[track.info.id];
  if (track.stats.packets_lost <= shown.lost) return;
  const int64_t lost =
      track.stats.packets_lost - std::exchange(shown.lost, track.stats.packets_lost);
  console_.event("loss",
                 fmt::format("{} {}: {} packets lost", track.info.name,
                             callbot::name_of(track.info.kind), lost),
                 Json::object()
                     .set("name", track.info.name)
                     .set("media", callbot::name_of(track.info.kind))
                     .set("lost", lost));
}

void Record::show_table() {
  if (!console_.terminal() || !options_.table) return;
  std::vector<std::vector<std::string>> rows{
      {"MEMBER", "TRACK", "CODEC", "BITRATE", "LOST", "REPAIRED", "LAST PACKET"}};
  const int64_t now = monotonic_ns();
  for (const CallTrack& track : call_->tracks()) {
    Shown& shown = shown_[track.info.id];
    const double seconds = static_cast<double>(now - shown.at_ns) / 1e9;
    const double kbit = shown.at_ns == 0 ? 0
                                         : static_cast<double>(track.stats.bytes - shown.bytes) *
                                               8 / 1000 / seconds;
    shown.bytes = track.stats.bytes;
    shown.at_ns = now;
    const auto count = [](int64_t n) { return n < 0 ? std::string("?") : std::to_string(n); };
    rows.push_back({printable(track.info.name, 24), callbot::name_of(track.info.kind),
                    shown.codec_size.empty() ? track.info.codec : shown.codec_size,
                    fmt::format("{:.0f} kbit/s", kbit), count(track.stats.packets_lost),
                    count(track.stats.packets_repaired), age(track.stats.last_packet_ns)});
  }
  auto lines = table(rows);
  lines.insert(lines.begin(), fmt::format("● recording {}  {} member(s)  {:.1f} MB",
                                          clock_text(now - started_ns_), call_->members().size(),
                                          static_cast<double>(session_.stats().bytes) / 1e6));
  console_.live(lines);
}

// --- the end

void Record::close_recording() {
  session_.finish(
      why_, [this](double share) { console_.progress("judging  ", share); },
      [this](RecordingSession::Done done) { judged(std::move(done)); });
}

void Record::judged(RecordingSession::Done session) {
  console_.end_progress();
  Done done{kExitGood, std::nullopt, session.folder, std::nullopt};
  const auto worse = [&](const Error& error) {
    if (!done.error) {
      done.error = error;
      done.status = exit_status(error);
    }
  };
  if (!session.written) worse(session.written.error());
  if (!session.verdict)
    worse(session.verdict.error());
  else
    done.verdict = std::move(*session.verdict);
  if (!call_result_) worse(call_result_.error());
  if (done.verdict && !done.error && done.verdict->severity == recordings::Severity::kFail)
    done.status = kExitNotGood;
  if (done.verdict) {
    console_.line(recordings::to_text(*done.verdict));
    console_.event(
        "verdict",
        fmt::format("{} {}", recordings::name_of(done.verdict->severity), done.folder.string()),
        Json::object()
            .set("folder", done.folder.string())
            .set("verdict", recordings::to_json(*done.verdict)));
  }
  run_on_finish(done);
}

void Record::run_on_finish(const Done& done) {
  if (options_.on_finish.empty()) return finish(done);
  const std::string verdict =
      done.verdict ? recordings::name_of(done.verdict->severity) : "UNMEASURED";
  const char* argv[] = {options_.on_finish.c_str(), done.folder.c_str(), verdict.c_str(), nullptr};
  GError* error = nullptr;
  auto process = GRef<GSubprocess>::adopt(g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, &error));
  if (!process) {
    log_.error("--on-finish: {}", ErrorPtr(error)->message);
    return finish(done);
  }
  struct Waiting {
    Loop::Task then;
  };
  auto waiting = std::make_unique<Waiting>();
  auto then = alive_.guard([this, done] { finish(done); });
  waiting->then = [then]() mutable { then(); };
  g_subprocess_wait_async(
      process.get(), nullptr,
      [](GObject*, GAsyncResult*, gpointer data) {
        std::unique_ptr<Waiting>(static_cast<Waiting*>(data))->then();
      },
      waiting.release());
}

void Record::finish(Done done) {
  loop_.post(alive_.guard([this, done = std::move(done)] { done_(done); }));
}

}  // namespace callbot::bot
