// quality/vmaf.h: VMAF of single pictures against what was sent, by the installed FFmpeg.
//
//   PictureMeter ─▶ VmafMeter (a queue, a thread) ─▶ ffmpeg -filter_complex libvmaf ─▶ Series
//
// The program `ffmpeg` of the PATH, or the one that CALLBOT_FFMPEG names, has to have the filter
// libvmaf; Debian's has not. Its own model: vmaf_v0.6.1, 0 to 100, for 1080p at three heights.
// VMAF weighs in how the sent pictures move, so what was sent before and after goes with each.
//
// Thread:  VmafMeter: one at a time; it measures on a thread of its own, with a nice value of 19.
// Owner:   PictureMeter; the set outlives it.
// Fails:   the metric is unmeasured where there is no such program, and invalid where it failed;
//          both say why.
#pragma once

#include <gio/gio.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/gref.h"
#include "quality/series_set.h"

namespace callbot::quality {

// Luma of one received picture and of what was sent then, before and after: width * height bytes
// each, row by row.
struct VmafPictures {
  int width = 0, height = 0;  // even
  std::vector<uint8_t> received, before, sent, after;
};

// The ffmpeg that has the filter; kUnsupported: there is none. The cancellable may be null.
Result<std::string> vmaf_program(GCancellable* cancellable = nullptr);
// Of `received`. Blocks; 0.2 s for 1280x720. The cancellable may be null.
Result<double> vmaf_of(const std::string& program, const VmafPictures& pictures,
                       GCancellable* cancellable);

class VmafMeter {
 public:
  explicit VmafMeter(SeriesSet& out);
  ~VmafMeter();  // what waits is given up

  // Leaves the picture out where those before it take too long.
  void add(VmafPictures pictures, int64_t at_ns);
  void finish();  // until what waits is measured, seconds at most

 private:
  struct Job {
    VmafPictures pictures;
    int64_t at_ns = 0;
  };
  void work();
  void measure(const Job& job);

  SeriesSet& out_;
  GRef<GCancellable> cancellable_;
  std::optional<Result<std::string>> program_;  // of the thread
  std::mutex mutex_;                            // for what follows
  std::condition_variable more_, idle_;
  std::deque<Job> jobs_;
  bool busy_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace callbot::quality
