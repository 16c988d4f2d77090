// recordings/remux.h: the frames of a Matroska file, as they are, into a new one with duration and
// index; or only counted.
//
// Thread:  one worker.
// Owner:   MediaMender.
// Fails:   kBadInput if FFmpeg finds no header it can read, kDenied if the file is sealed and no
//          key fits, kStorage if the new file cannot be written. Damage behind the header is passed
//          over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "recordings/keys.h"
#include "recordings/readable_file.h"

namespace callbot::recordings {

struct RemuxedPacket {
  int stream = 0;
  int64_t time_ms = 0;
  bool key = false;
  uint64_t bytes = 0;
};

struct RemuxConfig {
  std::filesystem::path from;
  std::filesystem::path to = {};  // empty: only counts
  std::optional<PublicKey> seal_to = {};
  std::vector<ByteRange> blank = {};
};

class Remux {
 public:
  // Of a sealed file, what cannot be read of it or is blanked is damage.
  static Result<std::unique_ptr<Remux>> open(const RemuxConfig& config,
                                             std::function<void(const RemuxedPacket&)> packet);
  virtual ~Remux() = default;
  // Some packets on; true once it is done and the new file is on the disk (fsync).
  virtual Result<bool> step() = 0;
  // 0..1 of the file read.
  virtual double share() const = 0;
};

}  // namespace callbot::recordings
