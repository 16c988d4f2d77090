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

// From a frame on, exactly: what is not said stays as it is. Another size or rate begins with a key
// frame.
struct PatternSwitch {
  uint64_t at_frame = 0;
  std::optional<int> width, height;  // both
  std::optional<int> fps;            // at a frame that begins a second, as chirps do
  std::optional<int> bitrate;        // of the picture, bit/s
};

struct TestPatternConfig {
  std::string name = "callbot";  // shown in the picture
  uint64_t seed = 1;
  uint16_t source = 1;  // in the marks; chooses colour and key
  bool video = true, audio = true;
  int width = 1280, height = 720, fps = 30;
  int bitrate = 1'500'000;    // of the video, bit/s
  std::string codec = "vp8";  // of the video
  // Slides of text, whose size changes every `kScreenSeconds` as a shared window's does.
  bool screen = false;
  std::optional<std::chrono::milliseconds> duration;
  // monotonic_ns() of frame 0, which may lie back: a pattern that goes on where another one, of
  // another codec, ended.
  std::optional<int64_t> begin_ns;
};

constexpr uint64_t kScreenSeconds = 8;

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

  // The picture is switched when that frame is made. kUsage: there is no picture, the frame was
  // made already, comes before one of another switch, or does not begin a second; or as create().
  // Takes as long as painting a picture does (milliseconds).
  Result<> switch_to(const PatternSwitch& to);
  // The first frame that switch_to() surely takes now; one that begins a second, where it has to.
  uint64_t next_switch(bool begins_second) const;
  // Off: not one packet more, at once; time goes on, so that what comes after fits again.
  void set_on(MediaKind kind, bool on);
  void set_stream_on(size_t stream, bool on) override { set_on(streams().at(stream).kind, on); }
  // The newest 10,000 frames, oldest first; one that went out in several renditions as in the best.
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
