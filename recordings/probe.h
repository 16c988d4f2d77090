// recordings/probe.h: what is in a media file: every packet, every picture and every sound decoded
// and measured.
//
// Thread:  worker; blocks for as long as decoding takes.
// Owner:   the caller.
// Fails:   kBadInput if FFmpeg cannot open the file, kInterrupted if progress said so. Damage
//          inside the file is no failure but part of what is measured.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/audio_mark.h"
#include "base/error.h"
#include "base/frame.h"
#include "base/video_mark.h"

namespace callbot::recordings {

// Times are seconds from the file's start.
struct ProbedPicture {
  double time = 0;
  int width = 0, height = 0;
  bool damaged = false;   // the decoder concealed something
  bool measured = false;  // luma could be read (8 bit)
  float mean = 0;         // luma, without the marked strip
  float deviation = 0;
  float difference = -1;  // mean absolute, to the picture before; -1: none of the same size
  std::optional<VideoMark> mark = {};
};

struct ProbedLevel {
  double time = 0;    // where the 100 ms begin
  float db = 0;       // RMS, dBFS; -120 for digital silence
  float clipped = 0;  // share of its samples that stand at full scale (recordings/clip_meter.h)
};

struct ProbedChirp {
  double time = 0;
  bool up = false;
};

struct ProbedStream {
  MediaKind media = MediaKind::kAudio;
  std::string codec;                // as in TrackInfo
  std::vector<double> packets;      // times, in the file's order
  uint64_t rtp_packets = 0;         // that these came in, at least: 1200 bytes each
  std::vector<double> undecodable;  // times of packets that gave nothing
  std::vector<double> backwards;    // times of packets that lie before the one before them
  std::vector<ProbedPicture> pictures;
  std::vector<ProbedLevel> levels;
  std::vector<ProbedChirp> chirps;
};

struct ProbedFile {
  std::vector<ProbedStream> streams;
  std::optional<Error> damage;  // reading stopped before the end
  size_t packets() const;
};

// Called with 0..1 of the file read; false stops.
using ProbeProgress = std::function<bool(double)>;

Result<ProbedFile> probe(const std::filesystem::path& path, int threads,
                         const ProbeProgress& progress = {});

}  // namespace callbot::recordings
