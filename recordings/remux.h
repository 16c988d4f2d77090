// recordings/remux.h: the frames of a Matroska file, as they are, into a new one with duration and
// index; or only counted.
//
// Thread:  one worker.
// Owner:   MediaMender.
// Fails:   kBadInput if FFmpeg finds no header it can read, kStorage if the new file cannot be
//          written. Damage behind the header is passed over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/error.h"

namespace callbot::recordings {

struct RemuxedPacket {
  int stream = 0;
  int64_t time_ms = 0;
  bool key = false;
  uint64_t bytes = 0;
};

class Remux {
 public:
  // An empty `to`: only counts.
  static Result<std::unique_ptr<Remux>> open(const std::filesystem::path& from,
                                             const std::filesystem::path& to,
                                             std::function<void(const RemuxedPacket&)> packet);
  virtual ~Remux() = default;
  // Some packets on; true once it is done and the new file is on the disk (fsync).
  virtual Result<bool> step() = 0;
  // 0..1 of the file read.
  virtual double share() const = 0;
};

}  // namespace callbot::recordings
