// tests/support/feed.h: hands encoded frames to a Recording as a call would, on a clock of its own.
//
// Time passes as fast as the frames are written: minutes of a call take seconds.
//
// Thread:  one.
// Owner:   the test.
// Fails:   run() returns what the recording says.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "recordings/recording.h"
#include "tests/support/marked_media.h"
#include "tests/support/temp_folder.h"

namespace callbot::test {

// One track: begins with its first frame, ends after its last one (or with the feed).
struct FeedTrack {
  TrackInfo info;
  EncodedFrames frames;
  double start = 0;  // seconds into the call when the first frame arrives
  double end = -1;   // when the track ends; below 0: with the recording
  int64_t rtp_start = 1000;
  double begin_early = 0;  // begin_track comes so much before the first frame
  std::function<double(const EncodedFrame&)> delay = {};  // of one frame's arrival, seconds
  std::function<std::optional<int64_t>(const EncodedFrame&)> ntp = {};
  std::function<std::optional<AudioLevel>(const EncodedFrame&)> level = {};
};

// Something that happens in the call at a time: a note, an end.
struct FeedEvent {
  double at = 0;
  std::function<void(recordings::Recording&)> happens;
};

class Feed {
 public:
  static constexpr int64_t kStartWall = 1'795'234'842'000'000'000;  // 2026-11-21T04:20:42Z

  explicit Feed(recordings::RecordingConfig config = {}, recordings::Facts facts = {});

  recordings::Recording& recording() { return *recording_; }
  const std::filesystem::path& folder() const { return folder_; }

  // A member with name = id that is there from `from` to `to` (below 0: to the end).
  void member(const std::string& id, double from = 0, double to = -1);
  void says(const std::string& id, double at, MediaKind kind, bool on,
            const std::string& source = "");
  void add(FeedTrack track) { tracks_.push_back(std::move(track)); }
  void at(double seconds, std::function<void(recordings::Recording&)> happens);

  // Hands over everything up to `seconds`, then finishes unless told otherwise.
  Result<> run(double seconds, bool finish = true);
  // Lets go of the recording without finishing it, as a process that dies.
  void drop() { recording_.reset(); }

 private:
  TempFolder out_;
  std::filesystem::path folder_;
  std::unique_ptr<FakeClock> clock_;
  std::unique_ptr<recordings::Recording> recording_;
  std::vector<FeedTrack> tracks_;
  std::vector<FeedEvent> events_;
};

}  // namespace callbot::test
