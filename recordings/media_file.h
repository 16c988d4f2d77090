// recordings/media_file.h: one Matroska file as it grows.
//
// What was flushed is in the kernel: a kill loses what came since the last flush and nothing else.
// After a failed write the file is cut back to its last flushed block, so that it never ends in
// half a block, and the index is written if the disk still takes it.
//
// Thread:  one worker at a time; sync() from any other thread.
// Owner:   Stretch. Destroying it without close() leaves a readable file without an index.
// Fails:   kStorage, final: after it only close() makes sense.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/codec_parameters.h"
#include "recordings/keys.h"

namespace callbot::recordings {

struct MediaFileConfig {
  std::filesystem::path path;
  std::vector<StreamParameters> streams;
  std::string title;          // who is in it
  int64_t start_wall_ns = 0;  // wall clock of its time 0
  std::optional<PublicKey> seal_to = {};
};

class MediaFile {
 public:
  static Result<std::unique_ptr<MediaFile>> create(const MediaFileConfig& config);
  virtual ~MediaFile() = default;

  // `time_ms` from the file's start, not below the one before it in the same stream.
  virtual Result<> write(int stream, int64_t time_ms, std::span<const uint8_t> bytes, bool key) = 0;
  virtual Result<> flush() = 0;
  // Index and duration; frees everything. The last call.
  virtual Result<> close() = 0;
  // fdatasync; may take long. Any thread, as long as the file lives.
  virtual Result<> sync() = 0;
  virtual uint64_t bytes() const = 0;  // on the disk
};

}  // namespace callbot::recordings
