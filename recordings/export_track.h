// recordings/export_track.h: one stream of an exported file, packet after packet: copied, or
// decoded and encoded again.
//
// Times count from the export's own time 0. Every track ends at the export's end: sound with
// silence, a picture by standing until then.
//
// Thread:  one worker.
// Owner:   export_recording().
// Fails:   making one: kUnsupported where FFmpeg lacks the encoder. next(): as LaneReader.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recordings/export_format.h"
#include "recordings/lane_view.h"

namespace callbot::recordings {

constexpr int kOpusPreSkip = 312;  // samples: 6.5 ms, libopus' look-ahead
constexpr int64_t kOpusPreSkipNs = 6'500'000;
// Takes the pre-skip out of Opus' parameters; gives what it was, in samples.
int take_pre_skip(AVCodecParameters& parameters);

// What a track is made of.
struct TrackPlan {
  std::filesystem::path folder;
  std::vector<TimelinePiece> pieces;
  std::vector<TimeSpan> cuts;      // left out, without overlap
  int64_t from_ns = 0, to_ns = 0;  // the export's time 0 and end, from the recording's start, less
                                   // what was cut out until then
  std::string codec;               // of the track
  int width = 0, height = 0;       // video that is encoded: what it is fitted into
  bool changes = false;            // copied video: its size or parameter sets change on the way
  bool pre_skip = true;            // of Opus: see ExportFormat
  int threads = 0;
};

class ExportTrack {
 public:
  virtual ~ExportTrack() = default;
  // Known from the beginning; the tag is left to the muxer unless it is set.
  virtual const AVCodecParameters& parameters() const = 0;
  virtual AVRational time_base() const = 0;
  // pts, dts and duration in time_base(); in decoding order. Null: the end.
  virtual Result<AvPacket> next() = 0;
  virtual std::vector<std::string> notes() const = 0;
};

// Null: there is not one packet in these pieces.
Result<std::unique_ptr<ExportTrack>> copy_video(const TrackPlan& plan);
Result<std::unique_ptr<ExportTrack>> encode_video(const TrackPlan& plan);
// Of sound that is encoded: 1 or 2.
int channels_of(const std::vector<TimelinePiece>& pieces);
// With silent packets where nothing was received.
Result<std::unique_ptr<ExportTrack>> copy_audio(const TrackPlan& plan);
Result<std::unique_ptr<ExportTrack>> encode_audio(const TrackPlan& plan);

}  // namespace callbot::recordings
