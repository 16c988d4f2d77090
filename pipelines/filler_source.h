// pipelines/filler_source.h: a source that fills a line at a given bit rate, and frames that tell
// when they were sent. What it sends is well-formed VP8 only to its header: for measuring a way,
// not for eyes.
//
// Thread:  loop; set_rate and next_number any thread; packets come on a thread of its own.
// Owner:   bot::RatePair. Destroying it ends its thread (milliseconds).
// Fails:   never.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "pipelines/fan_out.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

struct FillerFrame {
  uint32_t number = 0;
  int64_t sent_ns = 0;  // monotonic_ns() before its first packet was handed over
};
// What one of its frames says; none: not its frame.
std::optional<FillerFrame> read_filler(std::span<const uint8_t> frame);

class FillerSource final : public Source {
 public:
  static constexpr int kFramesPerSecond = 50;

  FillerSource();
  ~FillerSource() override;

  // Bit/s of frame bytes, from the next frame on; 0: nothing is sent.
  void set_rate(int64_t bits_per_second) { rate_ = bits_per_second; }
  uint32_t next_number() const { return next_; }

  const std::vector<SourceStream>& streams() const override { return streams_; }
  Result<> start() override;
  TapId attach(size_t, Tap tap) override { return fan_out_.attach(std::move(tap)); }
  void detach(size_t, TapId tap) override { fan_out_.detach(tap); }
  void request_key_frame(size_t) override {}              // every frame is one
  void on_end(std::function<void(Result<>)>) override {}  // never

 private:
  void run();
  void send_frame(size_t bytes);

  std::vector<SourceStream> streams_;
  FanOut fan_out_;
  std::atomic<int64_t> rate_{0};
  std::atomic<uint32_t> next_{0};
  std::atomic<bool> ending_{false};
  uint16_t sequence_ = 0;
  uint32_t ssrc_ = 0;
  std::thread thread_;
};

}  // namespace callbot::pipelines
