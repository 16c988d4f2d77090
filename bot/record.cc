#include "bot/record.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "bot/join.h"
#include "bot/network_report.h"
#include "bot/supervise.h"

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
  config.segment_bytes = options.rules.segment_bytes;
  config.seal_to = options.rules.encrypt_to;
  if (options.rules.segment_duration)
    config.segment_duration =
        std::chrono::ceil<std::chrono::seconds>(*options.rules.segment_duration);
  return config;
}

signaling::JoinConfig::Layer layer_named(const std::string& name) {
  using Layer = signaling::JoinConfig::Layer;
  if (name == "high") return Layer::kHigh;
  if (name == "medium") return Layer::kMedium;
  return name == "low" ? Layer::kLow : Layer::kAsServed;
}

Limits::Config limits_config(const RecordOptions& options) {
  return {.duration = options.duration,
          .until_empty = options.until_empty,
          .empty_for = options.rules.empty_for,
          .until_silent = options.rules.until_silent,
          .most_bytes = options.rules.most_bytes};
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
      session_(loop, log_, pool_, worker_, session_config(options_),
               [this](const Error& error) {
                 console_.event("error", error.message,
                                Json::object().set("message", error.message));
                 end({.reason = "error", .by = "recorder", .text = error.message});
               }),
      open_(loop, console, options_.on_finish),
      filter_(options_.rules.include, options_.rules.exclude),
      limits_(limits_config(options_), [this](recordings::Ending why) { end(std::move(why)); }) {}

Record::~Record() = default;

void Record::start() {
  const auto give_up = [this](Error error) {
    finish({exit_status(error), std::move(error), {}, {}});
  };
  if (options_.resume.empty()) {
    if (auto made = make_folder(options_.out); !made) return give_up(made.error());
  }
  watch_disk();
  if (auto enough = enough_to_begin(options_.disk, disk(), disk_->free()); !enough) {
    console_.event("disk-low", enough.error().message,
                   disk_facts(options_.disk, disk(), disk_->free()));
    return give_up(enough.error());
  }
  if (options_.resume.empty() && options_.asked_in.empty()) return join();
  if (options_.resume.empty())
    return session_.carry_over(options_.asked_in, alive_.guard([this] { join(); }));
  session_.resume(options_.resume, alive_.guard([this, give_up](Result<> opened) {
    if (!opened) return give_up(opened.error());
    join();
  }));
}

void Record::join() {
  const auto give_up = [this](Error error) {
    finish({exit_status(error), std::move(error), {}, {}});
  };
  if (ending_) return give_up({Code::kInterrupted, "stopped before the call was joined"});
  new_rules_ = filter_.go_on(session_.asked().rules);
  if (options_.resume.empty()) new_rules_ = filter_.rules();  // its journal knows none
  auto config = call_config(options_.join, {.recorder = true, .receives = true});
  if (!config) return give_up(config.error());
  config->receive_video = config->join.wants_video = !options_.audio_only;
  config->join.layer = layer_named(options_.rules.layer);
  config->wants = [this](const Member& m) { return filter_.wants(m.name); };
  config->known = session_.participants();
  auto call = Call::create(loop_, log_, std::move(*config), *this);
  if (!call) return give_up(call.error());
  call_ = std::move(*call);
  call_->start();
  if (options_.repair) open_.finish(options_.out);
}

// What lies on the disk that is written to.
fs::path Record::disk() const { return options_.resume.empty() ? options_.out : options_.resume; }

// Ends it while there is space for an orderly end.
void Record::watch_disk() {
  disk_ = std::make_unique<DiskWatch>(loop_, disk(), [this](uint64_t free) {
    const auto enough = enough_to_go_on(options_.disk, disk(), free);
    if (enough || ending_ || !session_.begun()) return;
    console_.event("disk-low", enough.error().message, disk_facts(options_.disk, disk(), free));
    end({.reason = "disk-low", .by = "recorder", .text = enough.error().message});
  });
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
  if (!call_) return;
  if (joined()) say_network(console_, options_.join.name, *call_);
  call_->stop();
}

std::string Record::name_of_member(const std::string& id) const {
  const Member* m = call_->member(id);
  return m != nullptr ? m->name : id.empty() ? "server" : id;
}

// --- the beginning, and who is recorded

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
  for (const auto& rule : std::exchange(new_rules_, {}))
    session_.filter(rule.include, rule.pattern);
  call_->add_sink(**sink);
  started_ns_ = monotonic_ns();
  console_.event("recording", session_.folder().string(),
                 Json::object().set("folder", session_.folder().string()));
  tell(kToldFolder, session_.folder().string());
  const bool before = !options_.resume.empty();
  limits_.begin(std::chrono::nanoseconds(before ? session_.stats().duration_ns : 0), before);
  open_control();
  tick_.every(1s, [this] { tick(); });
}

void Record::count_members() { limits_.members(others().size()); }

std::vector<Member> Record::others() const {
  std::vector<Member> all;
  for (const Member& m : call_->members())
    if (!m.recorder) all.push_back(m);
  return all;
}

void Record::choose(const Member& m) {
  const std::string* pattern = m.recorder ? nullptr : filter_.reason(m.name);
  if (session_.excluded(m.id) == (pattern != nullptr)) return;
  session_.exclude(m, pattern != nullptr, pattern != nullptr ? *pattern : "");
  console_.event(pattern != nullptr ? "excluded" : "included", m.name,
                 Json::object().set("member", m.id).set("name", m.name));
}

Result<> Record::choose_by(bool include, const std::string& pattern) {
  if (auto added = filter_.add(include, pattern); !added) return added;
  session_.filter(include, pattern);
  // Nothing of the span that is noted is written: it begins after, and ends before.
  if (!include) call_->choose_again();
  for (const Member& m : others()) choose(m);
  if (include) call_->choose_again();
  return {};
}

// A recording that cannot be steered is better than none.
void Record::open_control() {
  RecordControl::Links links;
  links.members = [this] { return others(); };
  links.participant_of = [this](const std::string& member) {
    return call_->participant_of(member);
  };
  links.choose = [this](bool include, const std::string& pattern) {
    return choose_by(include, pattern);
  };
  control_ = std::make_unique<RecordControl>(log_, console_, session_, std::move(links));
  if (auto opened = control_->open(); !opened)
    log_.warn("there is no control socket: {}", opened.error().message);
}

void Record::tell(std::string_view what, const std::string& which) const {
  if (options_.tell_fd >= 0) write_all(options_.tell_fd, std::string(what) + which + "\n");
}

void Record::done(Result<> how) {
  if (!ending_ && joined()) say_network(console_, options_.join.name, *call_);
  if (call_result_) call_result_ = std::move(how);
  if (!call_result_ && !ending_)
    why_ = {.reason = "error", .by = "server", .text = call_result_.error().message};
  ending_ = true;
  tick_.stop();
  limits_.stop();
  control_.reset();
  console_.live({});
  if (session_.begun()) {
    // Whoever lost the server is started again, and goes on in this recording.
    if (call_result_ || exit_status(call_result_.error()) != kExitConnect)
      tell(kToldLeft, why_.reason);
    return close_recording();
  }
  if (call_result_) call_result_ = fail(Code::kInterrupted, "stopped before the call was joined");
  finish({exit_status(call_result_.error()), call_result_.error(), {}, {}});
}

// --- while it runs

void Record::check_limits() {
  std::vector<Limits::Listened> listened;
  for (const Member& m : others())
    if (m.may_be_recorded && filter_.wants(m.name))
      listened.push_back({call_->participant_of(m.id), m.audio == Member::State::kOff});
  limits_.tick(session_.stats(), listened, session_.paused(""));
}

void Record::tick() {
  show_table();
  check_limits();
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
    done.verdict = *session.verdict;
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
  give_verdict(options_.on_finish, session, alive_.guard([this, done] { finish(done); }));
}

void Record::finish(Done done) {
  loop_.post(alive_.guard([this, done = std::move(done)] { done_(done); }));
}

}  // namespace callbot::bot
