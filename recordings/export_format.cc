#include "recordings/export_format.h"

#include <algorithm>

namespace callbot::recordings {

// No container may have holes in its sound: players count samples. Measured with Chromium 156: of
// an Opus track that pauses for 30 s in MP4, WebM or Matroska, all that follows plays 30 s early.
const std::vector<ExportFormat>& export_formats() {
  static const std::vector<ExportFormat> formats = {
      {"mp4", "mp4", {"h264", "h265", "vp9", "opus"}, "h264", "aac", true, "movflags=+faststart"},
      {"webm", "webm", {"vp8", "vp9", "opus"}, "vp9", "opus", false, "cues_to_front=1"},
      {"mkv",
       "matroska",
       {"vp8", "vp9", "h264", "h265", "opus", "pcmu", "pcma", "g722"},
       "h264",
       "opus",
       false,
       "cues_to_front=1"},
      {"wav", "wav", {}, nullptr, "pcm", true, "rf64=auto"},
      {"mp3", "mp3", {}, nullptr, "mp3", true, ""},
      {"opus", "ogg", {"opus"}, nullptr, "opus", true, ""},
  };
  return formats;
}

bool ExportFormat::takes(std::string_view codec) const {
  return std::find(copies.begin(), copies.end(), codec) != copies.end();
}

const ExportFormat* export_format(std::string_view name) {
  for (const ExportFormat& f : export_formats()) {
    if (name == f.name) return &f;
  }
  return nullptr;
}

std::string export_format_names() {
  std::string names;
  for (const ExportFormat& f : export_formats())
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  return names;
}

}  // namespace callbot::recordings
