// tests/support/measured.h: hands encoded frames to a Watch as a call would, on a clock of its own,
// and looks up what it says.
//
// Thread:  one.
// Owner:   the test.
// Fails:   a series that is not there fails the test and is empty.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quality/rehearsal.h"
#include "quality/watcher.h"
#include "tests/support/marked_media.h"

namespace callbot::test {

constexpr int64_t kCallStart_ns = quality::kRehearsal_ns;
inline int64_t at_second(double seconds) { return quality::rehearsal_ns(seconds); }

// One track. A frame is captured at its own time after the call's start.
struct Received {
  TrackInfo info;
  EncodedFrames frames;
  std::function<double(const EncodedFrame&)> delay = {};  // of the network; none: 40 ms
  double end = -1;    // when the track ends; below 0: at the end
  bool dies = false;  // as in RehearsedTrack
};

class Measuring {
 public:
  explicit Measuring(quality::WatchConfig config = {.actor = "bob",
                                                    .verify = quality::Verify::kAll});
  quality::Watch& watch() { return *watch_; }
  void add(const Received& track);
  void at(double second, std::function<void()> happens) {
    rehearsal_.at(second, std::move(happens));
  }
  void run(double seconds);

 private:
  std::unique_ptr<quality::Watch> watch_;
  quality::Rehearsal rehearsal_;
};

// Frames of a source at so many a second, captured from the call's start on.
std::shared_ptr<quality::CaptureLog> log_of(uint16_t source, int frames, int fps = 30);

class Snapshot {
 public:
  explicit Snapshot(const quality::Watch& watch) : all_(watch.snapshot()) {}
  const Series& of(const std::string& metric, const std::string& stream = "camera",
                   const std::string& from = "alice") const;
  double total(const std::string& metric, const std::string& stream = "camera",
               const std::string& from = "alice") const;
  std::vector<double> values(const std::string& metric, const std::string& stream = "camera",
                             const std::string& from = "alice") const;
  const std::vector<Series>& all() const { return all_; }

 private:
  std::vector<Series> all_;
};

}  // namespace callbot::test
