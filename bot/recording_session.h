// bot/recording_session.h: what happens in a call -> the journal and media of one recording.
//
// Makes the recording's folder once the call is joined, feeds it, and at the end finishes and
// judges it.
//
// Thread:  loop; writing and judging happen on workers.
// Owner:   the verb that records. The call dies before it.
// Fails:   begin() if the folder cannot be made; trouble while writing ends the recording through
//          `failed` and is said again by finish(); what is written stays.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/alive.h"
#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/worker.h"
#include "bot/call.h"
#include "pipelines/recorder.h"
#include "pipelines/writer_pool.h"
#include "recordings/owed_verdict.h"
#include "recordings/recording.h"
#include "recordings/verify.h"

namespace callbot::bot {

struct SessionConfig {
  fs::path out;
  recordings::Facts facts;
  uint64_t most_file_bytes = 100u << 20;  // of one file from the chat
  // Media files are split at these; 0: never.
  std::chrono::seconds segment_duration{0};
  uint64_t segment_bytes = 0;
  std::optional<recordings::PublicKey> seal_to = {};  // what is recorded is encrypted to it
};

// What a session needs of the call that it records; called on the loop until finish().
struct SessionLinks {
  std::function<void(TrackId)> request_key_frame;
  std::function<std::string(const std::string& member)> participant_of;
  std::function<std::vector<CallTrack>()> tracks;
};

// The command that does it where media is encrypted, for people.
std::string how_to_judge(const fs::path& folder);

class RecordingSession {
 public:
  struct Done {
    fs::path folder;
    Result<> written;                     // what became of the writing
    Result<recordings::Verdict> verdict;  // and of the judging
    bool to_give = true;                  // false: somebody else has given the verdict
  };

  // `failed`: writing broke; the call may end.
  RecordingSession(Loop& loop, Log log, pipelines::WriterPool& pool, Worker& worker,
                   SessionConfig config, std::function<void(const Error&)> failed);
  ~RecordingSession();

  // Instead of a folder of its own, begin() takes this one, which is opened meanwhile. `done` once.
  void resume(const fs::path& folder, std::function<void(Result<>)> done);
  // It has a folder of its own, and what was asked of another recording of this call holds in it
  // too. A folder that cannot be read is said in the log.
  void carry_over(const fs::path& from, std::function<void()> done);
  // Of the recording that is resumed, or carried over from, before begin().
  std::vector<std::pair<std::string, std::string>> participants() const;
  recordings::Asked asked() const { return resumed_ ? resumed_->asked() : before_.asked; }
  // Makes the folder; what was paused stays paused. The sink is to be put on every track that is to
  // be recorded.
  Result<pipelines::Sink*> begin(SessionLinks links);
  bool begun() const { return recording_ != nullptr; }
  const fs::path& folder() const;
  bool encrypted() const;
  recordings::RecordingStats stats() const;

  // What the call tells.
  void member_joined(const signaling::Member& member);
  void member_changed(const signaling::Member& before, const signaling::Member& after);
  void member_left(const signaling::Member& member);
  void peer(const std::string& member, bool lost, const std::string& why);
  void key_frame(TrackId track, std::optional<std::chrono::nanoseconds> found_after);
  void chat(const signaling::Member& from, const std::string& text);
  void file_begin(const signaling::Member& from, const FileBegin& file);
  void file_chunk(const signaling::Member& from, const std::string& bytes);
  void file_end(const signaling::Member& from, const FileEnd* end,
                std::function<void(Result<recordings::ReceivedFile>)> done);
  void signaling(bool interrupted, const std::string& why);
  void error(const std::string& member, const Error& error);
  // The member is left out by name (`pattern`), or is not any more. Its frames are the call's to
  // keep away.
  void exclude(const signaling::Member& member, bool on, const std::string& pattern);
  bool excluded(const std::string& member) const { return excluded_.contains(member); }

  // Nothing that comes from now on is written, of this participant or (an empty one) of anybody.
  // `policy` is for exports: "cut" or "slate".
  void pause(const std::string& participant, const std::string& policy, const std::string& by);
  void resume(const std::string& participant, const std::string& by);
  bool paused(const std::string& participant) const {
    return pauses_.contains("") || pauses_.contains(participant);
  }
  const std::map<std::string, std::string>& pauses() const { return pauses_; }
  // Whose names fit the pattern are, or are not, recorded from now on: for whoever goes on.
  void filter(bool include, const std::string& pattern);
  void mark(const std::string& text, const std::string& by, const std::string& participant = "");
  // Media files end at their next key frame, which is asked for, and the next begin.
  void split();
  // `done` on the loop, once the journal has what was asked for so far: no kill forgets it.
  // kStorage if it cannot be written. Not after finish().
  void when_written(std::function<void(Result<>)> done);

  // Loss counters of what is received now; call it every few seconds.
  void count_loss();

  // Writes what is on its way, closes the folder, judges it. done once, on the loop; a progress of
  // 0..1 of the judging comes before it. abort_judging() makes the verdict kInterrupted. Whoever
  // is to get the verdict is given it in done: should we die before, the next one does it.
  void finish(recordings::Ending why, std::function<void(double)> progress,
              std::function<void(Done)> done);
  void abort_judging() { *aborted_ = true; }

 private:
  void judge(Result<> written, std::function<void(double)> progress,
             std::function<void(Done)> done);
  bool ours_to_give();
  void note(recordings::Event event);
  recordings::Event about(recordings::EventKind kind, const std::string& member) const;
  void note_state(const signaling::Member& member, MediaKind media);
  bool left_out(const signaling::Member& member) const;

  Loop& loop_;
  Log log_;
  pipelines::WriterPool& pool_;
  Worker& worker_;
  SessionConfig config_;
  std::function<void(const Error&)> failed_;
  SessionLinks links_;
  recordings::RecordingConfig recording_config();
  std::unique_ptr<recordings::Recording> resumed_;
  recordings::AskedBefore before_;
  std::optional<recordings::OwedVerdict> owed_;
  recordings::Recording* recording_ = nullptr;  // owned by recorder_
  std::unique_ptr<pipelines::Recorder> recorder_;
  std::map<std::string, std::unique_ptr<recordings::IncomingFile>> files_;  // by member
  std::map<std::string, std::string> pauses_;  // participant (or all) -> policy
  std::set<std::string> excluded_;             // members
  std::map<TrackId, int64_t> lost_;            // as last noted
  std::shared_ptr<std::atomic<bool>> aborted_ = std::make_shared<std::atomic<bool>>(false);
  Alive alive_;
};

// Runs --on-finish for it, unless somebody else has given the verdict; `then` as of
// run_on_finish().
void give_verdict(const std::string& on_finish, const RecordingSession::Done& done,
                  std::function<void()> then);

}  // namespace callbot::bot
