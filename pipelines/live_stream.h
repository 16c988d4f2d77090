// pipelines/live_stream.h: one stream of a source: frames made in real time, encoded once,
// payloaded once, fanned out.
//
//   appsrc (its thread makes the frames, paced) - encoder - payloader - appsink - taps
//
// Thread:  loop; LiveStreamConfig::make and the taps run on the stream's own thread.
// Owner:   a source; it must stop() the stream before the pipeline goes to NULL, and outlive that.
// Fails:   create: kUnsupported, what GStreamer lacks; later the pipeline's bus says it.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/frame.h"
#include "pipelines/encoders.h"
#include "pipelines/fan_out.h"
#include "pipelines/pacer.h"

namespace callbot::pipelines {

struct SentFrame {
  uint64_t number = 0;
  uint32_t rtp_time = 0;
  int64_t captured_ns = 0;  // monotonic_ns() it belongs to
  int64_t sent_ns = 0;      // monotonic_ns() when its last packet had gone to every tap
  bool key = false;
};

// What is to be encoded next.
struct RawFrame {
  RawFrame(GRef<GstBuffer> given) : buffer(std::move(given)) {}
  GRef<GstBuffer> buffer;  // its times are set by the stream
  GRef<GstCaps> caps;      // none: as those before
  int bitrate = 0;         // bit/s; 0: as before
};

struct LiveStreamConfig {
  const Codec* codec = nullptr;
  RtpIdentity rtp;
  std::optional<uint32_t> rtp_offset;  // RTP time of the base time; none: a random one
  GRef<GstElement> encoder;
  GRef<GstCaps> raw_caps;
  int rate = 30;                   // frames a second
  std::optional<uint64_t> frames;  // how many there are; none: no end
  // Raw media of one frame.
  std::function<RawFrame(uint64_t frame)> make;
  // Sound: the header extension that tells how loud each packet is; 0: none does. `make` is asked
  // for 16 bit samples then.
  int level_extension = 0;
  std::function<void()> ended;  // stream's thread: the last frame has gone
};

struct LiveStreamStats {
  uint64_t encoded = 0, key_frames = 0, packets = 0;
  uint64_t left_out = 0;  // too late to be made
  uint64_t sent = 0;      // whole frames that went to the taps
  int64_t late_ns = 0;    // of these, from capture to the last packet, altogether
  uint64_t huge = 0;      // of these, at least 2.5 times as long as the mean of those before
};

class LiveStream {
 public:
  static Result<std::unique_ptr<LiveStream>> create(GstBin* pipeline, LiveStreamConfig config);
  ~LiveStream();

  // Before the pipeline starts: its base time, and when frame 0 is due; monotonic_ns().
  void begin(int64_t base_ns, int64_t first_ns);
  // The stream's thread makes nothing more and waits for nothing more.
  void stop();

  TapId attach(Tap tap);
  void detach(TapId tap);
  void set_on(bool on);
  void request_key_frame();  // any thread
  // From this frame on, which was not made yet, so many frames a second; and how many there are in
  // all. False: it was made, or is next.
  bool change_rate(uint64_t frame, int rate, std::optional<uint64_t> frames);

  uint64_t next_frame() const;          // any thread: what was made is before it
  std::vector<SentFrame> sent() const;  // any thread
  LiveStreamStats stats() const;        // any thread

 private:
  explicit LiveStream(LiveStreamConfig config) : config_(std::move(config)) {}
  Result<> build(GstBin* pipeline);
  void feed();
  std::optional<Pacer::Turn> wait_for_turn();
  void send_key_request(int64_t now_ns);
  void encoded(bool key, size_t bytes);
  void packet(GRef<GstBuffer> packet, int64_t encoder_time);
  void send(const GRef<GstBuffer>& packet, SentFrame frame);

  const LiveStreamConfig config_;
  GRef<GstElement> source_;
  GRef<GstPad> encoded_pad_;
  FanOut fan_out_;
  int64_t base_ns_ = 0;  // constant once the pipeline runs
  uint32_t rtp_offset_ = 0;

  // Stream's thread. Encoders are shown a time without pauses, frame after frame: a gap would make
  // them start anew. What was made when, for the newest:
  struct Made {
    uint64_t frame = 0;
    int64_t captured_ns = 0, encoder_ns = -1;
    AudioLevel level = {};
  };
  const Made& made_at(int64_t encoder_ns) const;
  std::array<Made, 64> newest_{};
  uint64_t made_ = 0;
  bool key_ = false;  // the frame being payloaded, as the following
  size_t bytes_ = 0;
  bool first_ = false;  // none of its packets has come yet
  // Where the encoder's time began to go at the rate it has now.
  uint64_t epoch_made_ = 0;
  int64_t epoch_ns_ = 0;
  int epoch_rate_ = 0;

  mutable std::mutex mutex_;  // for what follows; held for moments
  std::condition_variable changed_;
  bool stopping_ = false, on_ = true, resting_ = true, key_wanted_ = false;
  size_t taps_ = 0;
  int64_t last_key_ns_ = 0;
  std::optional<Pacer> pacer_;
  std::optional<uint64_t> frames_;  // in all
  struct Change {
    uint64_t frame;
    int rate;
  };
  std::vector<Change> changes_;  // asked for before the pacer was there
  uint64_t next_frame_ = 0;
  std::deque<SentFrame> sent_;
  LiveStreamStats stats_;
  uint64_t sent_bytes_ = 0;  // of whole frames, as encoded

  // Held while a packet goes out; otherwise only set_on() takes it, to be sure that nothing does.
  std::mutex gate_;
  bool open_ = true;
  std::optional<uint16_t> sequence_;  // of the last packet sent: counts on, whatever was dropped
};

}  // namespace callbot::pipelines
