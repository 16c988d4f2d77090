// recordings/live_facts.h: what is known of a recording while it runs, beside its manifest: what
// comes on each track, who said what of itself, who speaks, how long the files are.
//
// Thread:  any.
// Owner:   Recording.
// Fails:   never.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recordings/codec_parameters.h"
#include "recordings/media_file.h"
#include "recordings/recording.h"
#include "recordings/speech.h"

namespace callbot::recordings {

class LiveFacts {
 public:
  using Speech = std::pair<std::string, SpeechDetector::Span>;  // and whose it is

  void began(const TrackInfo& track);
  void ended(TrackId track);
  void count(TrackId track, const Frame& frame, std::optional<PictureSize> size);
  void dropped(TrackId track, uint64_t frames);

  // What members say and do.
  void remember(const Event& event);
  // As far as the participant said.
  bool expects(const std::string& participant, MediaKind kind) const;
  bool is_gone(const std::string& participant) const;

  // How loud it is; the span that begins or ends with that.
  std::optional<SpeechDetector::Span> heard(const std::string& participant, AudioLevel level,
                                            int64_t time_ns);
  // What ends because nothing came up to this time; without a time, all of it.
  std::vector<Speech> settle(std::optional<int64_t> until_ns);

  // One that is being written, or of so many bytes.
  void file(const std::string& name, std::weak_ptr<MediaFile> open, uint64_t bytes = 0);
  void closed(const std::string& file, uint64_t bytes);

  // Tracks, talkers, files and bytes.
  RecordingStats stats() const;

 private:
  struct Said {
    std::optional<bool> on[2] = {};  // by MediaKind
    bool gone = false;
  };
  struct Talker {
    SpeechDetector speech;
    int64_t heard_ns = 0, spoke_ns = 0;
  };
  struct File {
    std::string name;
    std::weak_ptr<MediaFile> open;
    uint64_t bytes = 0;  // once closed
  };

  mutable std::mutex mutex_;
  std::map<TrackId, TrackCounters> tracks_;
  std::map<std::string, Said> said_;       // by participant
  std::map<std::string, Talker> talkers_;  // by participant
  std::vector<File> files_;
};

}  // namespace callbot::recordings
