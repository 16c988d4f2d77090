// recordings/picture_lane.h: a lane's newest picture at each moment, decoded ahead on a thread of
// its own.
//
// Thread:  one, besides its own.
// Owner:   Stage. Destroying it ends its thread.
// Fails:   advance: kStorage where memory ends. A codec without a decoder is a note.
#pragma once

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "recordings/bounded_queue.h"
#include "recordings/lane_pictures.h"

namespace callbot::recordings {

class PictureLane {
 public:
  // `threads` for the decoder.
  PictureLane(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces, int threads);
  ~PictureLane();

  // Goes on to the newest picture at or before `time_ns`, which never goes back.
  Result<> advance(int64_t time_ns);
  // Null: none yet. Stays what it is until the next advance().
  const LanePicture* picture() const { return current_ ? &*current_ : nullptr; }
  // Another one for every picture of this lane.
  uint64_t number() const { return number_; }
  // No picture comes any more.
  bool ended() const { return ended_; }
  // Complete once it ended.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using Ahead = Result<std::optional<LanePicture>>;
  void decode(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces, int threads);

  BoundedQueue<Ahead> ahead_;
  std::optional<LanePicture> current_, next_;
  uint64_t number_ = 0;
  bool ended_ = false;
  std::vector<std::string> notes_;
  std::thread thread_;
};

}  // namespace callbot::recordings
