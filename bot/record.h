// bot/record.h: the verb record: joins, records every other member, finishes and judges.
//
// Thread:  loop.
// Owner:   main, the demo, or a test.
// Fails:   through `done`, once: the exit status, and the error that led to it.
#pragma once

#include <functional>
#include <memory>

#include "base/loop.h"
#include "base/worker.h"
#include "bot/call.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/disk_watch.h"
#include "bot/limits.h"
#include "bot/member_filter.h"
#include "bot/open_recordings.h"
#include "bot/options.h"
#include "bot/record_control.h"
#include "bot/recording_session.h"

namespace callbot::bot {

class Record final : private CallEvents {
 public:
  struct Done {
    ExitStatus status = kExitGood;
    std::optional<Error> error;
    fs::path folder;  // empty: nothing was recorded
    std::optional<recordings::Verdict> verdict;
  };

  Record(Loop& loop, Console& console, RecordOptions options, std::function<void(Done)> done);
  ~Record() override;

  void start();
  // Ends the recording; a second time ends the judging. Any time.
  void interrupt();
  // Ends the recording, however often: whoever supervises us still wants a verdict.
  void terminate();
  // Ends it for another reason.
  void end(recordings::Ending why);
  bool joined() const { return session_.begun(); }
  // Empty before it is joined.
  recordings::RecordingStats stats() const {
    return joined() ? session_.stats() : recordings::RecordingStats();
  }

 private:
  void joined(const std::string& self) override;
  void member_joined(const signaling::Member& member) override;
  void member_changed(const signaling::Member& before, const signaling::Member& after) override;
  void member_left(const signaling::Member& member) override;
  void connected(const std::string& member, signaling::LegId leg) override;
  void trouble(const std::string& member, const Trouble& trouble) override;
  void track_added(const TrackInfo& track, bool taken) override;
  void track_removed(const TrackInfo& track) override;
  void key_frame_wait(const TrackInfo& track) override;
  void key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) override;
  void size_changed(const TrackInfo& track, uint32_t width, uint32_t height) override;
  void chat(const signaling::Member& from, const std::string& text) override;
  void file_begin(const signaling::Member& from, const FileBegin& file) override;
  void file_chunk(const signaling::Member& from, const std::string& bytes) override;
  void file_end(const signaling::Member& from, const FileEnd* end) override;
  void interrupted(const std::string& why) override;
  void resumed() override;
  void done(Result<> how) override;

  void join();
  void tell(std::string_view what, const std::string& which) const;
  void watch_disk();
  void open_control();
  void count_members();
  void choose(const signaling::Member& member);
  fs::path disk() const;
  Result<> choose_by(bool include, const std::string& pattern);
  std::vector<signaling::Member> others() const;
  void check_limits();
  void tick();
  void show_table();
  void say_loss(const CallTrack& track);
  void close_recording();
  void judged(RecordingSession::Done done);
  void finish(Done done);
  std::string name_of_member(const std::string& id) const;

  Loop& loop_;
  Console& console_;
  Log log_{"record"};
  RecordOptions options_;
  std::function<void(Done)> done_;
  pipelines::WriterPool pool_;
  Worker worker_;
  RecordingSession session_;
  OpenRecordings open_;
  MemberFilter filter_;
  std::vector<MemberFilter::Rule> new_rules_;  // that the journal does not know yet
  Limits limits_;
  std::unique_ptr<RecordControl> control_;
  Result<> call_result_;
  recordings::Ending why_{.reason = "room-closed", .by = "server", .text = ""};
  bool ending_ = false;
  int64_t started_ns_ = 0;
  struct Shown {
    uint64_t bytes = 0;
    int64_t at_ns = 0;
    int64_t lost = 0;
    std::string codec_size;
  };
  std::map<TrackId, Shown> shown_;
  std::vector<std::string> reconnecting_;  // members whose peer was lost
  int ticks_ = 0;
  Timer tick_;
  std::unique_ptr<DiskWatch> disk_;
  std::unique_ptr<Call> call_;
  Alive alive_;
};

}  // namespace callbot::bot
