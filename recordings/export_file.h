// recordings/export_file.h: an exported file: there whole or not at all.
//
// It grows as a PartFile, gets its index in front, is synced and then renamed. One that is
// destroyed before finish() is removed.
//
// Thread:  worker; blocks on the file system.
// Owner:   export_recording().
// Fails:   kStorage with the path and the system's words (a full disk), kInterrupted where
//          `stopped` said so.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "recordings/export_track.h"

namespace callbot::recordings {

struct Chapter {
  int64_t from_ns = 0, to_ns = 0;  // from the file's start
  std::string title;
};

struct ExportFileConfig {
  std::filesystem::path path;
  const ExportFormat* format = nullptr;
  std::string title;
  int64_t start_wall_ns = 0;
  std::vector<Chapter> chapters;
  std::function<bool()> stopped;  // asked often, also while the index is put in front
};

class ExportFile {
 public:
  // The tracks' parameters and time bases are taken; the tracks are not kept.
  static Result<std::unique_ptr<ExportFile>> create(
      ExportFileConfig config, const std::vector<std::unique_ptr<ExportTrack>>& tracks);
  virtual ~ExportFile() = default;

  // `packet` in the track's time base; in the order of dts over all tracks.
  virtual Result<> write(size_t track, AvPacket packet) = 0;
  // Bytes of the file.
  virtual Result<uint64_t> finish() = 0;
};

}  // namespace callbot::recordings
