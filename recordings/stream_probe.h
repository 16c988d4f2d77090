// recordings/stream_probe.h: decodes and measures one stream of a file.
//
// Thread:  one worker.
// Owner:   probe().
// Fails:   open: kUnsupported if FFmpeg has no decoder; what does not decode is noted.
#pragma once

#include <memory>

#include "recordings/av.h"
#include "recordings/probe.h"

namespace callbot::recordings {

class StreamProbe {
 public:
  // A picture or a sound probe; null for a stream that is neither.
  static Result<std::unique_ptr<StreamProbe>> open(const AVStream& stream, int threads);
  virtual ~StreamProbe() = default;

  void packet(const AVPacket& packet);
  ProbedStream finish();

 protected:
  virtual void decoded(const AVFrame& frame, double time) = 0;
  virtual void ended() {}
  ProbedStream result_;

 private:
  void decode(const AVPacket* packet);
  bool take_frames();
  void failed();

  AvCodecContext context_;
  AvFrame frame_;
  AVRational time_base_ = {1, 1000};
  struct Sent {
    int64_t pts;
    bool shown;
  };
  std::vector<Sent> sent_;  // packets of which no frame came yet
};

std::unique_ptr<StreamProbe> make_picture_probe();
std::unique_ptr<StreamProbe> make_sound_probe();

}  // namespace callbot::recordings
