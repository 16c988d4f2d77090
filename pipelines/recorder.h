// pipelines/recorder.h: received frames -> a FrameWriter, without ever holding up a media thread.
//
//   frame() on streaming threads ─▶ bounded hand-over ─▶ FrameWriter on the pool's beat
//
// Thread:  loop; frame() on streaming threads; the writer on one thread of the pool at a time.
// Owner:   bot::Call. Destroying it before drain() ended finishes the writer behind its back: what
//          was handed over is still written, nobody is told.
// Fails:   the writer's first error ends this recording alone: it is reported once through
//          `failed` on the loop, later frames are dropped, what is written stays; drain() says it
//          again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/frame.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/sink.h"
#include "pipelines/writer_pool.h"

namespace callbot::pipelines {

struct RecorderConfig {
  // What may wait for the writer, all tracks together; beyond it frames are dropped and counted.
  // 32 MiB are about 3 minutes of 1.5 Mbit/s.
  uint64_t most_bytes = 32u << 20;
  uint64_t most_frames = 60000;
};

struct RecorderStats {
  uint64_t frames = 0, bytes = 0;  // handed to the writer
  uint64_t frames_dropped = 0;     // overflow, and video after it up to the next key frame
  uint64_t waiting_bytes = 0, waiting_frames = 0;
  uint64_t most_waiting_bytes = 0;  // high-water mark
};

class Recorder final : public Sink {
 public:
  struct Events {
    std::function<void(const Error&)> failed;  // at most once, on the loop
    // Of a video, after an overflow or a pause; on the loop, again until one came.
    std::function<void(TrackId)> needs_key_frame;
  };

  // The pool outlives the recorder.
  Recorder(Loop& loop, Log log, WriterPool& pool, std::unique_ptr<FrameWriter> writer,
           Events events = {}, RecorderConfig config = {});
  ~Recorder() override;

  void add_track(const TrackInfo& track) override;
  void frame(TrackId track, const Frame& frame) override;
  void remove_track(TrackId track) override;
  // What arrives from now on is not taken, of this participant or, without a name, of anybody; its
  // tracks stay open. After resume() a video goes on at a key frame, which is asked for. The moment
  // that counts, monotonic_ns(), is returned.
  int64_t pause(const std::string& participant);
  int64_t resume(const std::string& participant);
  // Writes what was taken, ends every track, finishes the writer. Frames that come later are
  // dropped. May be called again: every `done` hears the same result.
  void drain(Done done) override;

  RecorderStats stats() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace callbot::pipelines
