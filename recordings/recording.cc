#include "recordings/recording.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "recordings/incoming_file.h"
#include "recordings/keeper.h"
#include "recordings/live_facts.h"
#include "recordings/manifest.h"
#include "recordings/media_writer.h"
#include "recordings/owed_verdict.h"
#include "recordings/recording_folder.h"
#include "recordings/resume.h"
#include "recordings/speakers.h"

namespace callbot::recordings {
namespace {

// What a jitterbuffer and the hand-over may still hold of the sound of a moment.
constexpr int64_t kLatestSoundNs = 1'500'000'000;

// The ids that the caller knows, from ours.
RecordingConfig counting_from(TrackId first, RecordingConfig config) {
  if (config.want_key_frame)
    config.want_key_frame = [ask = config.want_key_frame, first](TrackId id) { ask(id - first); };
  return config;
}

// What was begun in the clear goes on in the clear, and what was encrypted to the same key.
Result<> go_on_with_key(const Manifest& before, RecordingConfig& config) {
  const std::string wanted = config.seal_to ? to_text(*config.seal_to) : "";
  const std::string had = before.encryption ? before.encryption->to : "";
  if (!wanted.empty() && wanted != had)
    return fail(Code::kUsage, had.empty() ? "cannot go on encrypted: it was not from the beginning"
                                          : "cannot go on with another key than it began with");
  if (had.empty()) return {};
  return parse_public_key(had).map([&](const PublicKey& key) { config.seal_to = key; });
}

class RecordingImpl final : public Recording, private MediaWriterHost {
 public:
  RecordingImpl(Log log, fs::path folder, Facts facts, RecordingConfig config)
      : log_(std::move(log)),
        folder_(std::move(folder)),
        config_(std::move(config)),
        started_ns_(monotonic_ns()),
        started_wall_ns_(wall_ns()) {
    manifest_.software = "callbot " CALLBOT_VERSION;
    manifest_.facts = std::move(facts);
    manifest_.facts.url = without_secrets(manifest_.facts.url);
    manifest_.started_wall_ns = started_wall_ns_;
    if (config_.seal_to) manifest_.encryption = Encryption{.to = to_text(*config_.seal_to)};
  }
  RecordingImpl(Log log, fs::path folder, const Resumed& before, RecordingConfig config)
      : log_(std::move(log)),
        folder_(std::move(folder)),
        config_(counting_from(before.last_track, std::move(config))),
        // A wall clock that was set back meanwhile does not lead before what is there.
        started_ns_(monotonic_ns() -
                    std::max(wall_ns() - before.manifest.started_wall_ns, before.until_ns)),
        started_wall_ns_(before.manifest.started_wall_ns),
        first_track_(before.last_track),
        files_before_(before.last_files),
        asked_(before.asked) {
    manifest_ = before.manifest;
    for (const MediaFileFacts& f : manifest_.media)
      live_.file(f.path, {}, f.bytes.value_or(size_of(folder_ / f.path)));
    for (const auto& [participant, last] : files_before_) stems_.insert(last.stem);
  }

  // The keeper's jobs use everything below, and the keeper.
  ~RecordingImpl() override {
    if (keeper_) keeper_->drop();
    keeper_.reset();
  }

  Result<> open() {
    for (const char* name : {"media", "exports"}) {
      if (auto made = make_folder(folder_ / name); !made) return made;
    }
    if (auto reserved = reserve(folder_); !reserved) return reserved;
    // First of all, for its lock: a folder with a manifest and no journal is not taken for one that
    // was cut off.
    auto lines = LockedJournal::create(folder_ / kJournal);
    if (!lines) return tl::unexpected(lines.error());
    const std::string text = to_text(manifest_);
    if (auto written = write_quickly(folder_ / kManifest, text); !written) return written;
    keep(std::move(*lines));
    journal({.kind = EventKind::kStarted, .version = kFormatVersion});
    return {};
  }

  Result<> reopen(Resumed before, std::string reason) {
    if (auto reserved = reserve(folder_); !reserved) return reserved;
    if (before.was_open) owe_verdict(folder_);
    auto written = write_atomically(folder_ / kManifest, to_text(before.beginning));
    if (!written) return written;
    keep(std::move(before.journal));
    journal(
        {.kind = EventKind::kReopened, .reason = std::move(reason), .from_ns = before.until_ns});
    const int64_t until = started_wall_ns_ + before.until_ns;
    keeper_->chore([this, mender = std::shared_ptr(std::move(before.mender)), until] {
      const auto done = mender->step();
      if (done && !*done) return false;
      if (!done) journal({.kind = EventKind::kNote, .text = "repair: " + done.error().message});
      for (Event& event : mender->events()) {
        if (event.wall_ns == 0) event.wall_ns = until;
        record(std::move(event));
      }
      // Behind these lines.
      keeper_->job([this, mender] {
        if (auto settled = mender->settle(); !settled) log_.warn("{}", settled.error().message);
      });
      return true;
    });
    return {};
  }

  const fs::path& folder() const override { return folder_; }
  bool encrypted() const override { return config_.seal_to.has_value(); }

  std::vector<std::pair<std::string, std::string>> participants() const override {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, std::string>> all;
    for (const Participant& p : manifest_.participants) {
      if (!p.recorder) all.emplace_back(p.name, p.id);
    }
    return all;
  }

  const Asked& asked() const override { return asked_; }

  void note(Event event) override {
    if (event.track != 0) event.track += first_track_;
    if (event.kind == EventKind::kChat && config_.seal_to) {
      event.text = seal_text(*config_.seal_to, event.text);
      event.sealed = true;
    }
    live_.remember(event);
    journal(std::move(event));
  }

  // The keeper does lines before the jobs that came with them.
  void when_written(std::function<void(Result<>)> done) override {
    keeper_->job([this, done = std::move(done)] {
      const auto error = keeper_->error();
      done(error ? Result<>(tl::unexpected(*error)) : Result<>());
    });
  }

  void ending(Ending why) override {
    std::lock_guard lock(mutex_);
    if (!ending_) ending_ = std::move(why);
  }

  void split() override { ++splits_asked_; }

  Result<std::unique_ptr<IncomingFile>> receive_file(FileOffer offer) override {
    std::string reason;
    if (offer.size > offer.most_bytes)
      reason = fmt::format("{} more than the {} allowed",
                           counted(offer.size, "byte is", "bytes are"), offer.most_bytes);
    else if (++offers_ > kMostListed)
      reason = fmt::format("there were {} files already", kMostListed);
    if (!reason.empty()) {
      journal({.kind = EventKind::kFileRefused,
               .participant = offer.participant,
               .name = offer.name,
               .reason = reason});
      return fail(Code::kBadInput, std::move(reason));
    }
    return begin_incoming(*keeper_, {folder_, config_.seal_to}, std::move(offer),
                          [this](Event event) { journal(std::move(event)); });
  }

  RecordingStats stats() const override {
    RecordingStats stats = live_.stats();
    for (TrackCounters& t : stats.tracks) t.info.id -= first_track_;
    stats.duration_ns = monotonic_ns() - started_ns_;
    std::lock_guard lock(mutex_);
    stats.error = error_;
    return stats;
  }

  Result<> begin_track(const TrackInfo& track) override {
    TrackInfo ours = track;
    ours.id += first_track_;
    return guarded([&] { return begin(ours); });
  }
  Result<> write(TrackId track, const Frame& frame) override {
    track += first_track_;
    return guarded([&] {
      MediaWriter* writer = writer_of(track);
      return writer != nullptr ? writer->write(track, frame) : Result<>();
    });
  }
  void overflow(TrackId track, uint64_t dropped) override {
    track += first_track_;
    live_.dropped(track, dropped);
    journal({.kind = EventKind::kOverflow, .track = track, .count = static_cast<int64_t>(dropped)});
  }
  Result<> end_track(TrackId track) override {
    track += first_track_;
    return guarded([&] {
      MediaWriter* writer = writer_of(track);
      owners_.erase(track);
      live_.ended(track);
      return writer != nullptr ? writer->end_track(track) : Result<>();
    });
  }
  Result<> beat() override {
    return guarded([&]() -> Result<> {
      const uint64_t asked = splits_asked_;
      const bool split = std::exchange(splits_done_, asked) != asked;
      for (auto& [participant, writer] : writers_) {
        if (split) writer.split();
        if (auto done = writer.beat(monotonic_ns()); !done) return done;
      }
      settle_speech(monotonic_ns() - kLatestSoundNs);
      if (auto error = keeper_->error()) return tl::unexpected(*error);
      return {};
    });
  }
  Result<> finish() override;

 private:
  Result<> begin(const TrackInfo& track);
  MediaWriter* writer_of(TrackId track);
  std::string stem_for(const TrackInfo& track);
  void settle_speech(std::optional<int64_t> until_ns);
  void note_speech(const std::string& participant, const SpeechDetector::Span& span);
  Result<> guarded(const std::function<Result<>()>& action);
  void fail_for_good(const Error& error);

  // MediaWriterHost
  void journal(Event event) override {
    if (event.kind == EventKind::kFileClosed) return journal_closed(std::move(event));
    record(std::move(event));
  }
  // `wall_ns` 0: now.
  void record(Event event) {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    if (event.wall_ns == 0) event.wall_ns = wall_of(monotonic_ns());
    if (event.kind == EventKind::kFileClosed) live_.closed(event.file, event.bytes);
    apply(manifest_, event);
    keeper_->line(to_line(event));
  }
  // Once its checksum is known, which takes as long as reading the file does.
  void journal_closed(Event event) {
    if (event.wall_ns == 0) event.wall_ns = wall_of(monotonic_ns());
    live_.closed(event.file, event.bytes);
    auto hash = std::make_shared<FileHash>(folder_ / event.file);
    keeper_->chore([this, hash, event] {
      const auto sum = hash->step();
      if (sum && sum->empty()) return false;
      Event closed = event;
      if (sum) closed.sha256 = *sum;
      record(std::move(closed));
      return true;
    });
  }
  void keep(LockedJournal lines) {
    keeper_ = std::make_unique<Keeper>(std::move(lines), config_.sync_every);
    // With every name on the way to them.
    keeper_->job([folder = folder_] {
      for (const fs::path& path : {folder / kManifest, folder, folder.parent_path()})
        (void)sync_path(path);
    });
  }
  int64_t started_ns() const override { return started_ns_; }
  int64_t wall_of(int64_t monotonic) const override {
    return started_wall_ns_ + (monotonic - started_ns_);
  }
  bool expects(const std::string& participant, MediaKind kind) const override {
    {
      std::lock_guard lock(mutex_);
      if (!(kind == MediaKind::kAudio ? manifest_.facts.audio : manifest_.facts.video))
        return false;
    }
    return live_.expects(participant, kind);
  }
  bool is_gone(const std::string& participant) const override { return live_.is_gone(participant); }
  void opened(const std::string& name, std::shared_ptr<MediaFile> file) override {
    keeper_->keep_safe(file);
    keeper_->sync_later(folder_ / "media");
    live_.file(name, file);
  }
  void count(TrackId track, const Frame& frame, std::optional<PictureSize> size) override {
    live_.count(track, frame, size);
  }

  void heard(const std::string& participant, AudioLevel level, int64_t time_ns) override {
    if (const auto span = live_.heard(participant, level, time_ns)) note_speech(participant, *span);
  }

  Log log_;
  const fs::path folder_;
  const RecordingConfig config_;
  const int64_t started_ns_;
  const int64_t started_wall_ns_;
  const TrackId first_track_ = 0;  // ids of this process count from there
  const std::map<std::string, MediaName> files_before_ = {};
  const Asked asked_ = {};
  std::unique_ptr<Keeper> keeper_;
  // The writer's own.
  std::map<std::string, MediaWriter> writers_;  // by participant
  std::map<TrackId, std::string> owners_;
  std::set<std::string> stems_;
  bool closed_ = false;
  uint64_t splits_done_ = 0;
  std::atomic<uint64_t> splits_asked_{0};
  std::atomic<size_t> offers_{0};  // files that members wanted to send

  LiveFacts live_;
  mutable std::mutex mutex_;  // guards everything below
  Manifest manifest_;
  std::optional<Ending> ending_;
  std::optional<Error> error_;
  bool finished_ = false;
};

Result<> RecordingImpl::begin(const TrackInfo& track) {
  journal({.kind = EventKind::kTrackBegan,
           .participant = track.participant,
           .name = track.name,
           .source = track.source,
           .track = track.id,
           .media = track.kind,
           .codec = track.codec,
           .clock_rate = track.clock_rate,
           .channels = track.channels,
           .mid = track.mid,
           .ssrc = track.ssrc});
  live_.began(track);
  auto found = writers_.find(track.participant);
  if (found == writers_.end()) {
    MediaWriterConfig config{folder_, track.participant, track.name, "", config_};
    const auto before = files_before_.find(track.participant);
    if (before != files_before_.end()) config.files = before->second.number;
    config.stem = before != files_before_.end() ? before->second.stem : stem_for(track);
    MediaWriterHost& host = *this;
    found = writers_.try_emplace(track.participant, host, std::move(config)).first;
  }
  auto begun = found->second.begin_track(track);
  if (begun) {
    owners_[track.id] = track.participant;
  } else if (begun.error().code == Code::kUnsupported) {  // the others go on
    journal({.kind = EventKind::kError,
             .participant = track.participant,
             .text = begun.error().message,
             .code = name_of(begun.error().code)});
    return {};
  }
  return begun;
}

MediaWriter* RecordingImpl::writer_of(TrackId track) {
  const auto owner = owners_.find(track);
  if (owner == owners_.end()) return nullptr;
  return &writers_.at(owner->second);
}

std::string RecordingImpl::stem_for(const TrackInfo& track) {
  const auto name = safe_name(track.name.empty() ? track.participant : track.name);
  std::string stem = name;
  for (int n = 2; !stems_.insert(stem).second; ++n) stem = fmt::format("{}_{}", name, n);
  return stem;
}

// Ends speech that nothing followed; without a time, all of it.
void RecordingImpl::settle_speech(std::optional<int64_t> until_ns) {
  for (const auto& [participant, span] : live_.settle(until_ns)) note_speech(participant, span);
}

void RecordingImpl::note_speech(const std::string& participant, const SpeechDetector::Span& span) {
  journal({.kind = EventKind::kSpeech,
           .participant = participant,
           .from_ns = std::max<int64_t>(span.from_ns - started_ns_, 0),
           .to_ns = span.to_ns ? *span.to_ns - started_ns_ : 0});
}

Result<> RecordingImpl::guarded(const std::function<Result<>()>& action) {
  {
    std::lock_guard lock(mutex_);
    if (error_) return tl::unexpected(*error_);
    if (closed_) return fail(Code::kInternal, "the recording is finished");
  }
  auto result = action();
  if (!result) fail_for_good(result.error());
  return result;
}

void RecordingImpl::fail_for_good(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (error_) return;
    error_ = error;
  }
  log_.error("{}", error.message);
  std::error_code ignored;
  fs::remove(folder_ / kReserve, ignored);
  journal({.kind = EventKind::kError, .text = error.message, .code = name_of(error.code)});
  for (auto& [participant, writer] : writers_) (void)writer.finish("error");
}

Result<> RecordingImpl::finish() {
  if (std::exchange(closed_, true)) return {};
  const int64_t end_ns = wall_of(monotonic_ns());
  if (!stats().error) {
    for (auto& [participant, writer] : writers_) {
      if (auto done = writer.finish("ended"); !done) fail_for_good(done.error());
    }
  }
  settle_speech(std::nullopt);
  // Behind what the keeper still has to do, so that nothing comes after the end. Checksums take
  // long; meanwhile nobody was recorded any more.
  keeper_->chore([this, end_ns] {
    Ending why;
    int64_t at_ns = end_ns;
    {
      std::lock_guard lock(mutex_);
      why = ending_.value_or(Ending{});
      if (error_) why = {"error", "recorder", error_->message};
      at_ns = std::max(at_ns, started_wall_ns_ + manifest_.last_known_ns);
    }
    Event ended{.kind = EventKind::kEnded, .wall_ns = at_ns};
    ended.reason = why.reason;
    ended.text = why.text;
    ended.by = why.by;
    journal(std::move(ended));
    std::lock_guard lock(mutex_);
    finished_ = true;
    return true;
  });
  if (auto kept = keeper_->close(); !kept) {
    fail_for_good(kept.error());
    std::lock_guard lock(mutex_);
    manifest_.state = "failed";
    manifest_.ending = Ending{"error", "recorder", error_->message};
  }
  std::error_code ignored;
  fs::remove(folder_ / kReserve, ignored);
  std::string text;
  {
    std::lock_guard lock(mutex_);
    text = to_text(manifest_);
  }
  // What can be made from the manifest again is no reason to call the recording failed.
  if (auto spoken = write_speakers(folder_, manifest_); !spoken)
    log_.warn("{}", spoken.error().message);
  auto written = write_atomically(folder_ / kManifest, text);
  if (const auto error = stats().error) return tl::unexpected(*error);
  return written;
}

}  // namespace

Result<std::unique_ptr<Recording>> Recording::create(Log log, const fs::path& out, Facts facts,
                                                     RecordingConfig config) {
  const auto name =
      safe_name(facts.room.empty() ? "recording" : facts.room) + "-" + compact_time(wall_ns());
  auto folder = make_fresh_folder(out, name);
  if (!folder) return tl::unexpected(folder.error());
  auto recording = std::make_unique<RecordingImpl>(std::move(log), std::move(*folder),
                                                   std::move(facts), std::move(config));
  if (auto opened = recording->open(); !opened) return tl::unexpected(opened.error());
  return recording;
}

Result<std::unique_ptr<Recording>> Recording::resume(Log log, const fs::path& folder,
                                                     std::string reason, RecordingConfig config) {
  auto before = prepare_to_resume(folder);
  if (!before) return tl::unexpected(before.error());
  if (auto same = go_on_with_key(before->manifest, config); !same)
    return tl::unexpected(std::move(same.error()).in(folder.string()));
  auto recording =
      std::make_unique<RecordingImpl>(std::move(log), folder, *before, std::move(config));
  if (auto reopened = recording->reopen(std::move(*before), std::move(reason)); !reopened)
    return tl::unexpected(reopened.error());
  return recording;
}

}  // namespace callbot::recordings
