#include "bot/recording_session.h"

#include <fmt/core.h>
#include <glib.h>

#include "base/gref.h"
#include "bot/on_finish.h"

namespace callbot::bot {

using recordings::Event;
using recordings::EventKind;
using signaling::Member;

RecordingSession::RecordingSession(Loop& loop, Log log, pipelines::WriterPool& pool, Worker& worker,
                                   SessionConfig config, std::function<void(const Error&)> failed)
    : loop_(loop),
      log_(std::move(log)),
      pool_(pool),
      worker_(worker),
      config_(std::move(config)),
      failed_(std::move(failed)) {}

RecordingSession::~RecordingSession() {
  abort_judging();
  files_.clear();         // they belong to the recording
  if (!resumed_) return;  // it was not joined: as it was before
  resumed_->ending({.reason = "repaired", .by = "recorder", .text = ""});
  (void)resumed_->finish();
}

recordings::RecordingConfig RecordingSession::recording_config() {
  recordings::RecordingConfig config;
  config.most_file_duration = config_.segment_duration;
  config.most_file_bytes = config_.segment_bytes;
  config.seal_to = config_.seal_to;
  config.want_key_frame = [this, wants = alive_.guard([this](TrackId track) {
    links_.request_key_frame(track);
  })](TrackId track) mutable { loop_.post([wants, track]() mutable { wants(track); }); };
  return config;
}

void RecordingSession::resume(const fs::path& folder, std::function<void(Result<>)> done) {
  using Made = std::shared_ptr<std::unique_ptr<recordings::Recording>>;
  worker_.run<Made>(
      [log = log_, folder, config = recording_config()]() -> Result<Made> {
        return recordings::Recording::resume(log, folder, "restarted", config).map([](auto made) {
          return std::make_shared<std::unique_ptr<recordings::Recording>>(std::move(made));
        });
      },
      alive_.guard([this, done = std::move(done)](Result<Made> made) mutable {
        if (!made) return done(tl::unexpected(made.error()));
        resumed_ = std::move(**made);
        done({});
      }));
}

void RecordingSession::carry_over(const fs::path& from, std::function<void()> done) {
  worker_.run<recordings::AskedBefore>(
      [from] { return recordings::read_asked(from); },
      alive_.guard([this, done = std::move(done)](Result<recordings::AskedBefore> before) {
        if (before)
          before_ = std::move(*before);
        else
          log_.error("what was asked of the recording before is lost: {}", before.error().message);
        done();
      }));
}

std::vector<std::pair<std::string, std::string>> RecordingSession::participants() const {
  return resumed_ ? resumed_->participants() : before_.participants;
}

Result<pipelines::Sink*> RecordingSession::begin(SessionLinks links) {
  const recordings::Asked asked = this->asked();
  Result<std::unique_ptr<recordings::Recording>> made = std::move(resumed_);
  if (!*made)
    made = recordings::Recording::create(log_, config_.out, config_.facts, recording_config());
  if (!made) return tl::unexpected(made.error());
  links_ = std::move(links);
  recording_ = made->get();
  recordings::owe_verdict(folder());
  owed_ = recordings::OwedVerdict::take(folder());
  pipelines::Recorder::Events events;
  events.failed = alive_.guard([this](const Error& error) { failed_(error); });
  events.needs_key_frame = alive_.guard([this](TrackId track) { links_.request_key_frame(track); });
  recorder_ = std::make_unique<pipelines::Recorder>(loop_, log_, pool_, std::move(*made),
                                                    std::move(events));
  // Before the first frame. Noted again, as the end of a recording ended them in its manifest.
  for (const auto& paused : asked.pauses) pause(paused.participant, paused.policy, paused.by);
  return recorder_.get();
}

const fs::path& RecordingSession::folder() const { return recording_->folder(); }
bool RecordingSession::encrypted() const {
  return recording_ != nullptr && recording_->encrypted();
}
recordings::RecordingStats RecordingSession::stats() const { return recording_->stats(); }

void RecordingSession::note(Event event) {
  if (recording_ != nullptr) recording_->note(std::move(event));
}

Event RecordingSession::about(EventKind kind, const std::string& member) const {
  Event event{.kind = kind};
  event.participant = links_.participant_of ? links_.participant_of(member) : member;
  return event;
}

void RecordingSession::member_joined(const Member& m) {
  Event event = about(EventKind::kMemberJoined, m.id);
  event.name = m.name;
  event.recorder = m.recorder;
  note(std::move(event));
  if (m.recorder) return;
  if (!m.may_be_recorded) {
    Event consent = about(EventKind::kConsent, m.id);
    consent.allowed = false;
    note(std::move(consent));
  }
  note_state(m, MediaKind::kAudio);
  note_state(m, MediaKind::kVideo);
}

void RecordingSession::note_state(const Member& m, MediaKind media) {
  const auto state = media == MediaKind::kAudio ? m.audio : m.video;
  if (state == Member::State::kUnknown) return;
  Event event = about(EventKind::kState, m.id);
  event.media = media;
  event.on = state == Member::State::kOn;
  if (media == MediaKind::kVideo) event.source = m.video_source;
  note(std::move(event));
}

void RecordingSession::member_changed(const Member& before, const Member& after) {
  if (before.name != after.name) {
    Event event = about(EventKind::kMemberRenamed, after.id);
    event.name = after.name;
    note(std::move(event));
  }
  if (before.may_be_recorded != after.may_be_recorded) {
    Event event = about(EventKind::kConsent, after.id);
    event.allowed = after.may_be_recorded;
    note(std::move(event));
  }
  if (before.audio != after.audio) note_state(after, MediaKind::kAudio);
  if (before.video != after.video || before.video_source != after.video_source)
    note_state(after, MediaKind::kVideo);
}

void RecordingSession::member_left(const Member& m) {
  files_.erase(m.id);
  exclude(m, false, "");
  note(about(EventKind::kMemberLeft, m.id));
}

void RecordingSession::peer(const std::string& member, bool lost, const std::string& why) {
  Event event = about(lost ? EventKind::kPeerLost : EventKind::kPeerFresh, member);
  event.reason = why;
  note(std::move(event));
}

void RecordingSession::key_frame(TrackId track,
                                 std::optional<std::chrono::nanoseconds> found_after) {
  Event event{.kind = found_after ? EventKind::kKeyFrameFound : EventKind::kKeyFrameWait};
  event.track = track;
  if (found_after) event.duration_ns = found_after->count();
  note(std::move(event));
}

void RecordingSession::chat(const Member& from, const std::string& text) {
  if (left_out(from)) return;
  Event event = about(EventKind::kChat, from.id);
  event.text = text;
  note(std::move(event));
}

void RecordingSession::file_begin(const Member& from, const FileBegin& file) {
  files_.erase(from.id);
  if (recording_ == nullptr || left_out(from)) return;
  auto incoming = recording_->receive_file({.participant = links_.participant_of(from.id),
                                            .name = file.name,
                                            .size = file.size,
                                            .most_bytes = config_.most_file_bytes});
  if (incoming)
    files_[from.id] = std::move(*incoming);
  else
    log_.warn("{}", incoming.error().message);
}

void RecordingSession::file_chunk(const Member& from, const std::string& bytes) {
  const auto file = files_.find(from.id);
  if (file == files_.end()) return;
  if (auto taken = file->second->append(bytes); !taken) {
    log_.warn("{}", taken.error().message);
    files_.erase(file);
  }
}

void RecordingSession::file_end(const Member& from, const FileEnd* end,
                                std::function<void(Result<recordings::ReceivedFile>)> done) {
  auto file = files_.extract(from.id);
  if (file.empty() || end == nullptr) return;
  auto report = alive_.guard(std::move(done));
  file.mapped()->end(end->sha256, [this, report](Result<recordings::ReceivedFile> result) mutable {
    loop_.post([report, result = std::move(result)]() mutable { report(std::move(result)); });
  });
}

void RecordingSession::signaling(bool interrupted, const std::string& why) {
  Event event{.kind =
                  interrupted ? EventKind::kSignalingInterrupted : EventKind::kSignalingResumed};
  event.reason = why;
  note(std::move(event));
}

void RecordingSession::error(const std::string& member, const Error& error) {
  Event event = about(EventKind::kError, member);
  event.code = name_of(error.code);
  event.text = error.message;
  note(std::move(event));
}

bool RecordingSession::left_out(const Member& m) const {
  return !m.may_be_recorded || excluded(m.id) ||
         paused(links_.participant_of ? links_.participant_of(m.id) : m.id);
}

void RecordingSession::exclude(const Member& m, bool on, const std::string& pattern) {
  if (m.recorder || on == excluded(m.id)) return;
  if (on) {
    excluded_.insert(m.id);
    files_.erase(m.id);
  } else {
    excluded_.erase(m.id);
  }
  Event event = about(EventKind::kExcluded, m.id);
  event.on = on;
  event.reason = pattern;
  note(std::move(event));
}

void RecordingSession::pause(const std::string& participant, const std::string& policy,
                             const std::string& by) {
  if (recording_ == nullptr || !pauses_.emplace(participant, policy).second) return;
  recorder_->pause(participant);
  // What of a file came so far stays; the rest would be of the pause.
  std::erase_if(files_, [&](const auto& file) {
    return participant.empty() || links_.participant_of(file.first) == participant;
  });
  Event event{.kind = EventKind::kPaused};
  event.participant = participant;
  event.policy = policy;
  event.by = by;
  note(std::move(event));
}

void RecordingSession::resume(const std::string& participant, const std::string& by) {
  if (recording_ == nullptr || pauses_.erase(participant) == 0) return;
  // Noted first, as the pause is noted last: nothing of the span in the manifest was written.
  Event event{.kind = EventKind::kResumed};
  event.participant = participant;
  event.by = by;
  note(std::move(event));
  recorder_->resume(participant);
}

void RecordingSession::filter(bool include, const std::string& pattern) {
  Event event{.kind = EventKind::kFilter};
  event.pattern = pattern;
  event.include = include;
  note(std::move(event));
}

void RecordingSession::mark(const std::string& text, const std::string& by,
                            const std::string& participant) {
  Event event{.kind = EventKind::kMarker};
  event.text = text;
  event.by = by;
  event.participant = participant;
  note(std::move(event));
}

void RecordingSession::split() {
  if (recording_ != nullptr) recording_->split();
}

void RecordingSession::when_written(std::function<void(Result<>)> done) {
  if (recording_ == nullptr) return done({});
  auto report = alive_.guard(std::move(done));
  recording_->when_written([this, report](Result<> written) mutable {
    loop_.post([report, written = std::move(written)]() mutable { report(std::move(written)); });
  });
}

void RecordingSession::count_loss() {
  if (recording_ == nullptr) return;
  for (const CallTrack& track : links_.tracks()) {
    if (track.stats.packets_lost < 0) continue;
    int64_t& before = lost_[track.info.id];
    if (track.stats.packets_lost == before) continue;
    before = track.stats.packets_lost;
    Event event{.kind = EventKind::kLoss};
    event.track = track.info.id;
    event.count = track.stats.packets_lost;
    if (track.stats.packets_repaired >= 0) event.repaired = track.stats.packets_repaired;
    note(std::move(event));
  }
}

std::string how_to_judge(const fs::path& folder) {
  return fmt::format("to mend and judge it: callbot repair {} --key FILE",
                     Text(g_shell_quote(folder.c_str())).get());
}

void RecordingSession::finish(recordings::Ending why, std::function<void(double)> progress,
                              std::function<void(Done)> done) {
  files_.clear();
  recording_->ending(std::move(why));
  recorder_->drain(alive_.guard(
      [this, progress = std::move(progress), done = std::move(done)](Result<> written) mutable {
        judge(std::move(written), std::move(progress), std::move(done));
      }));
}

void RecordingSession::judge(Result<> written, std::function<void(double)> progress,
                             std::function<void(Done)> done) {
  auto report = alive_.guard(std::move(progress));
  auto job = [folder = folder(), aborted = aborted_, loop = &loop_, log = log_,
              report]() mutable -> Result<recordings::Verdict> {
    double shown = -1;
    auto verdict = recordings::verify(folder, {.checksums = false}, [&](double share) {
      if (share - shown >= 0.01) {
        shown = share;
        loop->post([report, share]() mutable { report(share); });
      }
      return !aborted->load();
    });
    if (!verdict) return verdict;
    // It was resumed, and what an earlier process wrote only the secret key opens.
    if (!verdict->unmeasured.empty())
      return fail(Code::kUnmeasured, verdict->unmeasured + "; " + how_to_judge(folder));
    // A recording is no worse for a verdict that could not be kept.
    if (auto saved = recordings::save_verdict(folder, *verdict); !saved)
      log.warn("{}", saved.error().message);
    return verdict;
  };
  worker_.run<recordings::Verdict>(
      std::move(job), alive_.guard([this, written = std::move(written), done = std::move(done)](
                                       Result<recordings::Verdict> verdict) mutable {
        done({folder(), std::move(written), std::move(verdict), ours_to_give()});
      }));
}

// Where the mark could not be made, or held, from the beginning it is looked at once more.
bool RecordingSession::ours_to_give() {
  if (!owed_) owed_ = recordings::OwedVerdict::take(folder());
  return owed_ ? owed_->settle() : !recordings::owes_verdict(folder());
}

void give_verdict(const std::string& on_finish, const RecordingSession::Done& done,
                  std::function<void()> then) {
  run_on_finish(done.to_give ? on_finish : "", done.folder,
                done.verdict ? recordings::name_of(done.verdict->severity) : "UNMEASURED",
                std::move(then));
}

}  // namespace callbot::bot
