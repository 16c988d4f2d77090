// quality/vmaf.h: VMAF of single pictures against what was sent, by the installed FFmpeg.
//
//   PictureMeter ─▶ VmafQueue (one thread) ─▶ ffmpeg -filter_complex libvmaf ─▶ Series
//
// The program `ffmpeg` of the PATH, or the one that CALLBOT_FFMPEG names, has to have the filter
// libvmaf; Debian's has not. Its own model: vmaf_v0.6.1, 0 to 100, for 1080p at three heights.
// VMAF weighs in how the sent pictures move, so what was sent before and after goes with each.
//
// Thread:  any; one program at a time, with a nice value of 19.
// Owner:   VmafQueue: who runs the calls, shared with the meters.
// Fails:   kUnsupported where there is no such program; the metric is invalid where it failed.
#pragma once

#include <gio/gio.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
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

// The ffmpeg that has the filter; kUnsupported: there is none.
Result<std::string> vmaf_program();
// Of `received`. Blocks; 0.2 s for 1280x720. The cancellable may be null.
Result<double> vmaf_of(const std::string& program, const VmafPictures& pictures,
                       GCancellable* cancellable);

class VmafQueue {
 public:
  // Asks for the program: blocks for some tenths of a second, ten seconds at most.
  static Result<std::shared_ptr<VmafQueue>> start();
  explicit VmafQueue(std::string program);
  ~VmafQueue();  // what waits is given up
  VmafQueue(const VmafQueue&) = delete;
  VmafQueue& operator=(const VmafQueue&) = delete;

  // Some time later `out` has its video.vmaf. Left out where too many wait.
  void add(VmafPictures pictures, int64_t at_ns, std::shared_ptr<SeriesSet> out);
  bool idle() const;
  size_t left_out() const;

 private:
  struct Job {
    VmafPictures pictures;
    int64_t at_ns = 0;
    std::shared_ptr<SeriesSet> out;
  };
  void work();
  void measure(const Job& job);

  const std::string program_;
  GRef<GCancellable> cancellable_;
  mutable std::mutex mutex_;  // for what follows
  std::condition_variable more_;
  std::deque<Job> jobs_;
  bool busy_ = false, ending_ = false;
  size_t left_out_ = 0;
  std::thread thread_;
};

}  // namespace callbot::quality
