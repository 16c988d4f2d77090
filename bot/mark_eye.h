// bot/mark_eye.h: reads the marks of received pictures. A FrameWriter, so that pipelines::Recorder
// feeds it off the streaming threads; decodes with FFmpeg.
//
// Thread:  the writer's calls as FrameWriter says; MarkEye::Seen's functions on any thread.
// Owner:   the Recorder; what was seen is shared with whoever looks at it.
// Fails:   never: a track that cannot be decoded just gives no marks.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/video_mark.h"

namespace callbot::bot {

struct SeenMark {
  std::string participant;  // whose track
  VideoMark mark;
  int64_t arrival_ns = 0;  // monotonic_ns() when the frame's last packet came in
  int width = 0, height = 0;
};

class SeenMarks {
 public:
  std::vector<SeenMark> marks() const;
  uint64_t unread() const;  // decoded pictures without a mark
  uint64_t undecodable() const;

 private:
  friend class MarkEye;
  mutable std::mutex mutex_;
  std::vector<SeenMark> marks_;
  uint64_t unread_ = 0, undecodable_ = 0;
};

class MarkEye final : public FrameWriter {
 public:
  explicit MarkEye(std::shared_ptr<SeenMarks> seen);
  ~MarkEye() override;

  Result<> begin_track(const TrackInfo& track) override;
  Result<> write(TrackId track, const Frame& frame) override;
  void overflow(TrackId, uint64_t) override {}
  Result<> end_track(TrackId track) override;
  Result<> beat() override { return {}; }
  Result<> finish() override { return {}; }

 private:
  struct Decoder;
  std::shared_ptr<SeenMarks> seen_;
  std::map<TrackId, std::unique_ptr<Decoder>> decoders_;
};

}  // namespace callbot::bot
