// pipelines/test_pattern.h: the source that can be measured: a moving picture and a sound that
// carry marks (base/video_mark.h, base/audio_mark.h), made from a seed.
//
// Frame n and the samples from n / fps on belong together: they have the same capture time, their
// RTP times come from it, and the sound is made earlier by Opus' look-ahead, so that a decoder that
// skips nothing gives chirp and frame at the same time (skew at the sender: below one sample).
// Nothing is drawn or encoded while nobody listens.
//
// The picture can be had in up to three renditions: as configured, at half the size and a third of
// the rate, at a quarter of the size and a tenth of the rate; frame n is the same moment in all.
//
// Packets carry their capture time as PTS, in ns of CLOCK_MONOTONIC (monotonic_ns(), which is also
// the time of GStreamer's system clock).
//
// Thread:  loop; request_key_frame and sent_frames any thread.
// Owner:   bot::Call. Destroying it waits for the frame that is being encoded (milliseconds).
// Fails:   create: kUsage (size, rate), kUnsupported (codec); later through on_end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "pipelines/live_stream.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

struct TestPatternConfig {
  std::string name = "callbot";  // shown in the picture
  uint64_t seed = 1;
  uint16_t source = 1;  // in the marks; chooses colour and key
  bool video = true, audio = true;
  int width = 1280, height = 720, fps = 30;
  int bitrate = 1'500'000;    // of the video, bit/s
  std::string codec = "vp8";  // of the video
  std::optional<std::chrono::milliseconds> duration;
};

struct TestPatternStats {
  LiveStreamStats video, audio;             // video: in its best rendition
  std::vector<LiveStreamStats> renditions;  // of the video, from the second on
};

class TestPattern final : public Source {
 public:
  static Result<std::unique_ptr<TestPattern>> create(Loop& loop, Log log, TestPatternConfig config);
  ~TestPattern() override;

  const std::vector<SourceStream>& streams() const override;
  Result<> start() override;
  TapId attach(size_t stream, Tap tap) override;
  void detach(size_t stream, TapId tap) override;
  void request_key_frame(size_t stream) override;
  std::vector<Rendition> renditions(size_t stream) const override;
  TapId attach_rendition(size_t stream, size_t rendition, Tap tap) override;
  void request_rendition_key_frame(size_t stream, size_t rendition) override;
  void on_end(std::function<void(Result<>)> ended) override;

  // Off: not one packet more, at once; time goes on, so that what comes after fits again.
  void set_on(MediaKind kind, bool on);
  // The newest 100,000 frames, oldest first; one that went out in several renditions as in the
  // best.
  std::vector<SentFrame> sent_frames() const;
  TestPatternStats stats() const;
  // monotonic_ns() of frame 0; 0 before start().
  int64_t begin_ns() const;

 private:
  struct Impl;
  explicit TestPattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::pipelines
