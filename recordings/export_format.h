// recordings/export_format.h: the containers that a recording can be exported to, as a table: what
// each takes as it is, and what the rest becomes.
//
// What is taken is what the container's own specification and Chromium both allow: VP8 in MP4 would
// be well-formed, but no browser plays it.
//
// Thread:  any; a constant table.
// Owner:   static.
// Fails:   export_format: null for a name that is not in the table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/frame.h"

namespace callbot::recordings {

struct ExportFormat {
  const char* name;                      // also the file's extension
  const char* muxer;                     // FFmpeg's name
  std::vector<std::string_view> copies;  // codecs taken as they are
  const char* video_codec;               // what other video becomes; null: no video in it
  const char* audio_codec;               // what other audio becomes
  // Does it keep what a decoder leaves out of Opus' beginning (RFC 7845, 4.2: pre-skip)? FFmpeg's
  // Matroska muxer counts that twice before version 6 and once since; so nothing is left out there,
  // and the pictures come by so much later.
  bool pre_skip;
  const char* options;  // of the muxer, "key=value:key=value": the index in front

  bool takes(std::string_view codec) const;
  const char* becomes(MediaKind kind) const {
    return kind == MediaKind::kVideo ? video_codec : audio_codec;
  }
};

const std::vector<ExportFormat>& export_formats();
const ExportFormat* export_format(std::string_view name);
// "mp4, webm, ...".
std::string export_format_names();

}  // namespace callbot::recordings
