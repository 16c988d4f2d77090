// feeds/transcode.h: one media file -> one clip: streams that fit are copied, the others encoded.
//
// Thread:  any; takes as long as encoding takes.
// Owner:   plain values.
// Fails:   as InputFile and ClipWriter; kBadInput where nothing of a stream can be decoded;
//          kInterrupted when `progress` says no.
#pragma once

#include <optional>

#include "feeds/clip_writer.h"
#include "feeds/media_facts.h"

namespace callbot::feeds {

struct VideoTarget {
  std::string codec;
  int width = 0, height = 0, fps = 30, bitrate = 0;
  bool fewer = false;  // leave pictures out that come faster than `fps`
};

// None of both: the stream is left out. `copy`: it fits.
struct TranscodeTarget {
  bool copy_video = false, copy_audio = false;
  std::optional<VideoTarget> video;
  std::optional<AudioSettings> audio;
};

// `file` is rewound first.
Result<> transcode(InputFile& file, const MediaFacts& facts, const TranscodeTarget& target,
                   const fs::path& out, const Progress& progress);

}  // namespace callbot::feeds
