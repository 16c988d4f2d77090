// recordings/media_writer.h: the media of one participant -> Matroska files, one a stretch.
//
// A Matroska header must know every stream, so the first file waits up to a deadline for the tracks
// that are there or promised. A track that does not fit into the open file (late, or of another
// codec) ends the stretch where the video that goes on has its next key frame, which is asked for;
// if none comes in time the track gets a file of its own beside. No frame waits longer than that,
// and none is left out but those that no decoder could use.
//
// Where a file gets too long or too large, or is to be split, the next one begins at the next key
// frames of its videos, which are asked for (media_split.cc).
//
// Thread:  one worker at a time.
// Owner:   Recording, which is its host.
// Fails:   kStorage, final; finish() then saves what can be saved.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "recordings/event.h"
#include "recordings/recording.h"
#include "recordings/sender_clock.h"
#include "recordings/stretch.h"
#include "recordings/track_clock.h"

namespace callbot::recordings {

// What a writer needs of the recording around it.
class MediaWriterHost {
 public:
  virtual ~MediaWriterHost() = default;
  virtual void journal(Event event) = 0;
  virtual int64_t started_ns() const = 0;                   // monotonic
  virtual int64_t wall_of(int64_t monotonic_ns) const = 0;  // the recording's wall clock
  // Is a track of this kind to be expected of the participant (as far as it said)?
  virtual bool expects(const std::string& participant, MediaKind kind) const = 0;
  virtual bool is_gone(const std::string& participant) const = 0;
  virtual void opened(const std::string& name, std::shared_ptr<MediaFile> file) = 0;
  virtual void count(TrackId track, const Frame& frame, std::optional<PictureSize> size) = 0;
  // How loud the participant is at this time (monotonic).
  virtual void heard(const std::string& participant, AudioLevel level, int64_t time_ns) = 0;
};

struct MediaWriterConfig {
  fs::path folder;  // of the recording
  std::string participant, name;
  std::string stem;  // of its files: media/<stem>-<n>.mkv
  RecordingConfig recording = {};
};

class MediaWriter {
 public:
  MediaWriter(MediaWriterHost& host, MediaWriterConfig config)
      : host_(host), config_(std::move(config)) {}

  Result<> begin_track(const TrackInfo& info);
  Result<> write(TrackId id, const Frame& frame);
  Result<> end_track(TrackId id);
  Result<> beat(int64_t now_ns);
  // The open file ends as soon as it can.
  void split() { split_asked_ = true; }
  // Ends every track and closes every file; `reason` stands in the journal.
  Result<> finish(const std::string& reason);
  bool open() const { return !stretches_.empty() || !tracks_.empty(); }

 private:
  struct Track {
    TrackInfo info;
    TrackClock clock;
    std::optional<StreamParameters> parameters = {};
    PictureSize size = {};
    Stretch* stretch = nullptr;
    int stream = 0;
    std::deque<TimedFrame> waiting = {};  // for a file
    std::deque<TimedFrame> held = {};     // for the next file, which is about to begin
    int64_t last_in_file_ns = 0;
    int64_t last_arrival_ns = 0;
    bool waits_for_key = false;  // it has none in this file yet
    int64_t asked_ns = 0;
    bool live = true;
    bool superseded = false;  // another track took its line
    bool asked_for_key_frame = false;
    uint64_t frames = 0, key_frames = 0, bytes = 0, skipped = 0;
  };

  Result<> take(Track& track, std::vector<TimedFrame> frames);
  Result<> take_one(Track& track, TimedFrame frame);
  bool usable(Track& track, const TimedFrame& frame);
  Result<> put(Track& track, TimedFrame frame);
  Result<> drain(Track& track);
  Result<> place(Track& track);

  bool ready(int64_t now_ns) const;
  Result<> open_stretch(std::vector<Track*> tracks, int64_t start_ns);
  Result<> cut(const std::string& reason, int64_t start_ns);
  // The turn to the next file.
  struct Turn {
    std::string reason;
    std::optional<int64_t> at_ns = {};  // the first frame that is held
    int64_t held_since_ns = 0;          // by arrival
    int64_t asked_ns = 0;               // for key frames
    int64_t not_before_ns = 0;          // after one that did not succeed
  };
  void begin_turn(int64_t time_ns, int64_t now_ns);
  bool hold(Track& track, TimedFrame& frame);
  bool turned(const Track& track, int64_t now_ns) const;
  Result<> go_on_with_turn(int64_t now_ns);
  Result<> release_held();
  void ask_for_key_frames(int64_t now_ns);
  void ask_again(Track& track, int64_t now_ns);
  Result<> cut_for_waiting(int64_t start_ns);
  Result<> beside(Track& track);
  Result<> write_all_waiting();
  Result<> close_stretch(size_t index, const std::string& reason);
  Result<> serve_waiting(int64_t now_ns);
  Result<> flush_due(int64_t now_ns);
  Result<> close_idle(int64_t now_ns);
  bool too_long(const Stretch& stretch, int64_t time_ns) const;
  Stretch* main() const { return stretches_.empty() ? nullptr : stretches_.front().get(); }
  std::vector<Track*> live_with_parameters();
  void journal_end(const Track& track);

  MediaWriterHost& host_;
  MediaWriterConfig config_;
  SenderClock sender_clock_;  // the tracks' clocks go by it
  std::map<TrackId, Track> tracks_;
  std::vector<std::unique_ptr<Stretch>> stretches_;  // the first goes on; the others are beside it
  int files_ = 0;
  int64_t flushed_ns_ = 0;
  int64_t idle_since_ns_ = 0;
  bool split_asked_ = false;
  std::optional<Turn> turn_;
};

}  // namespace callbot::recordings
