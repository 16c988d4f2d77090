// pipelines/file_source.h: a source of media that is encoded already: files, pre-encoded clips,
// what comes through a pipe.
//
// It begins when the first listener is there, so that nobody misses the beginning (what comes live
// goes on without), and keeps to the media's own times. A listener that joins, or lost the picture
// (PLI, FIR), gets it back with a key frame that the stream's refresher makes, usually within some
// frames, or with the clip's own next one where that is due at once, or where there is no refresher
// (feeds/ keeps them at most 1 s apart where it encoded them, 2 s where it did not). What comes
// live has encoders of its own, which are asked. Packets that got lost are webrtcbin's to send
// again (NACK).
//
// Packets carry their capture time as PTS, in ns of CLOCK_MONOTONIC. A frame that comes too late
// is sent late; over a second behind, media is left out, pictures up to the next key frame.
//
// Thread:  loop; request_key_frame and the notes any thread. It has one thread of its own, which
//          reads and sends.
// Owner:   bot::Call. Destroying it waits for the frame that is being read.
// Fails:   create: kUnsupported (codec); later through on_end with the reader's error.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/alive.h"
#include "base/clip.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/fan_out.h"
#include "pipelines/packetizer.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

struct FileSourceStats {
  uint64_t frames = 0, key_frames = 0, packets = 0;
  uint64_t left_out = 0;      // over a second late
  uint64_t key_requests = 0;  // PLI and FIR, of all receivers
  uint64_t keys_made = 0;     // of key_frames, those that are not the clip's own
  int64_t most_late_ns = 0;   // of a frame, against its time
};

struct FileSourceConfig {
  std::string msid = "callbot-file";
  // For pictures of a clip that is Pace::kTimed; none: its own key frames have to do.
  MakeRefresher refresher = {};
};

class FileSource final : public Source {
 public:
  static Result<std::unique_ptr<FileSource>> create(Loop& loop, Log log,
                                                    std::unique_ptr<ClipReader> reader,
                                                    const FileSourceConfig& config = {});
  ~FileSource() override;

  const std::vector<SourceStream>& streams() const override { return offered_; }
  Result<> start() override;
  TapId attach(size_t stream, Tap tap) override;
  void detach(size_t stream, TapId tap) override;
  void request_key_frame(size_t stream) override;
  void set_stream_on(size_t stream, bool on) override;
  void on_end(std::function<void(Result<>)> ended) override;

  FileSourceStats stats() const;
  // monotonic_ns() of the clip's time 0; 0: not begun, or its times are monotonic_ns().
  int64_t begin_ns() const { return begin_ns_; }

 private:
  struct Stream;
  FileSource(Loop& loop, Log log, std::unique_ptr<ClipReader> reader);
  Result<> add(const ClipStream& clip, const FileSourceConfig& config);
  void run();
  Result<> play();
  Result<bool> read_one();
  void catch_up(int64_t time_ns);
  bool wait_until(int64_t due_ns);
  bool key_follows(const ClipFrame& frame) const;
  ClipFrame refreshed(Stream& stream, ClipFrame frame);
  void send(const ClipFrame& frame);
  void packet(Stream& stream, const GRef<GstBuffer>& buffer, bool last);
  void finish(Result<> how);

  Loop& loop_;
  Log log_;
  const std::unique_ptr<ClipReader> reader_;
  const Pace pace_;
  std::vector<SourceStream> offered_;
  std::vector<std::unique_ptr<Stream>> streams_;  // same order
  std::atomic<int64_t> begin_ns_{0};

  // The thread's own. What was read ahead, by time: files have streams a little apart.
  std::multimap<int64_t, ClipFrame> ahead_;
  bool all_read_ = false;
  int64_t shift_ns_ = 0;  // of live media that was held up

  mutable std::mutex mutex_;  // for what follows; held for moments
  std::condition_variable changed_;
  bool started_ = false, listened_to_ = false, stopping_ = false;
  FileSourceStats stats_;

  std::optional<Result<>> finished_;  // loop
  std::function<void(Result<>)> ended_;
  std::thread thread_;
  Alive alive_;
};

}  // namespace callbot::pipelines
