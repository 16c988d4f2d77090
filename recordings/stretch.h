// recordings/stretch.h: one continuous stretch of one participant: a media file, which tracks are
// in which of its streams, and the batch that is written next.
//
// Frames are collected for one flush period, sorted by time and written together, so that the file
// is in order although its tracks come from different jitterbuffers.
//
// Thread:  one worker at a time.
// Owner:   MediaWriter.
// Fails:   kStorage, final.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "recordings/media_file.h"
#include "recordings/track_clock.h"

namespace callbot::recordings {

struct Stream {
  StreamParameters parameters;
  TrackInfo track;  // whose frames it holds, or held last
  bool live = true;
  int64_t last_ms = -1;
};

// Does `later` take the place of `earlier` in the call: a new SSRC or codec on the same line?
bool replaces(const TrackInfo& later, const TrackInfo& earlier);

// The stream that a track's frames may go to: its own, one whose track ended, or one whose track
// it replaces, if the codec is the same.
std::optional<int> find_place(std::vector<Stream>& streams, const TrackInfo& track,
                              const StreamParameters& parameters);

class Stretch {
 public:
  static Result<std::unique_ptr<Stretch>> open(const MediaFileConfig& config, std::string name,
                                               int64_t start_ns, std::vector<Stream> streams);

  std::optional<int> place(const TrackInfo& track, const StreamParameters& parameters) {
    return find_place(streams_, track, parameters);
  }
  // Time in the file that the frame gets.
  int64_t add(int stream, TimedFrame frame);
  void end_track(TrackId track);

  Result<> flush();
  Result<> close();

  bool has_live() const;
  // Videos that go on, but for the one that `instead` replaces.
  std::vector<TrackId> live_videos(const TrackInfo& instead) const;
  const std::string& name() const { return name_; }
  int64_t start_ns() const { return start_ns_; }
  int64_t duration_ns() const { return last_ns_; }
  uint64_t bytes() const { return file_->bytes() + batch_bytes_; }
  const std::vector<Stream>& streams() const { return streams_; }
  const std::shared_ptr<MediaFile>& file() const { return file_; }
  uint64_t batch_bytes() const { return batch_bytes_; }

 private:
  Stretch() = default;

  struct Waiting {
    int stream;
    int64_t time_ms;
    Frame frame;
  };
  std::shared_ptr<MediaFile> file_;
  std::string name_;
  int64_t start_ns_ = 0;
  int64_t last_ns_ = 0;
  std::vector<Stream> streams_;
  std::vector<Waiting> batch_;
  uint64_t batch_bytes_ = 0;
};

}  // namespace callbot::recordings
