// recordings/compose.h: a whole recording as one file: one picture of everybody, one mix of all
// sound, chapters.
//
// Frame n shows of everybody the newest picture at or before n / fps on the recording's clock (less
// the pauses that are cut out). Who speaks is known from the spans of speech in the manifest, or,
// of who has none, from how loud it is. The same recording and options give the same pictures and
// samples, on any number of threads.
//
// Thread:  worker; blocks for as long as it takes, works on threads of its own. What it holds at a
//          time does not grow with the recording, but for MP4's index (about 10 MB an hour).
// Owner:   the caller.
// Fails:   kUsage: unknown kind of file, or one without pictures; kBadInput: no recording, or
//          one that by a damaged date is much longer than its media; kUnmeasured: nobody was there;
//          kDenied: encrypted, and no key fits; kStorage: cannot read or write; kUnsupported: a
//          later version, or FFmpeg lacks an encoder; kInterrupted: progress said so. Nothing is
//          left of a file that failed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/compose_layout.h"

namespace callbot::recordings {

struct ComposeConfig {
  std::filesystem::path folder;
  ComposeLayout layout = ComposeLayout::kGrid;
  int width = 1280, height = 720, fps = 30;
  // Its extension says the container, of those of export_formats(). Empty:
  // exports/composed-<layout>.mp4 in the folder.
  std::filesystem::path out = {};
  int threads = 0;  // 0: as many as there are processors
};

struct Composed {
  std::filesystem::path path;
  int64_t frames = 0, duration_ns = 0;
  uint64_t bytes = 0;
  size_t chapters = 0;
  std::vector<std::string> notes;  // what could not be read or shown
};

// 0..1 of it is done; false stops.
using ComposeProgress = std::function<bool(double)>;

Result<Composed> compose(const ComposeConfig& config, const ComposeProgress& progress = {});

}  // namespace callbot::recordings
