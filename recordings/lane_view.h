// recordings/lane_view.h: one stream out of a lane whose pieces may overlap.
//
// Of pieces that overlap the one that began last is shown; where that pauses for a second, the
// older one comes back. A video begins, and changes over, at key frames only. What a participant
// shows as a screen and as a camera are two views, where both are there. Spans can be cut out: what
// comes after them comes earlier by their length.
//
// Thread:  worker; blocks on the file system.
// Owner:   the caller.
// Fails:   as LaneReader.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recordings/lane_reader.h"

namespace callbot::recordings {

// What is put into one export: a camera (or screen) and a sound.
struct ParticipantView {
  std::string suffix = {};  // "-screen"; empty for the usual one
  std::vector<TimelinePiece> video = {}, audio = {};
};
// One, or two for who shared a screen beside the camera.
std::vector<ParticipantView> views_of(const TimelineParticipant& participant);

// When the last key frame until then came; `time_ns` itself where none did.
int64_t key_frame_time(const std::filesystem::path& folder, const std::vector<TimelinePiece>& video,
                       int64_t time_ns);

class LaneView {
 public:
  // Of these cuts, none may overlap.
  LaneView(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces, MediaKind kind,
           std::vector<TimeSpan> cuts = {});

  // None: the end.
  Result<std::optional<LanePacket>> next();
  // The packet that next() will give; null at the end.
  Result<const LanePacket*> peek();
  const LaneReader& reader() const { return *reader_; }
  const AVCodecParameters* parameters(int piece) const { return reader_->parameters(piece); }

 private:
  bool shows(const LanePacket& packet);
  bool keeps(LanePacket& packet);

  std::unique_ptr<LaneReader> reader_;
  MediaKind kind_;
  int shown_ = -1;           // piece
  int64_t shown_until_ = 0;  // its last packet
  std::vector<TimeSpan> cuts_;
  bool torn_ = false;  // a picture was cut out: the next ones need a key frame
  std::optional<LanePacket> ahead_;
  int given_ = -1;
};

}  // namespace callbot::recordings
