// recordings/lane_reader.h: the packets of one participant's audio or video, all files together, on
// the recording's clock.
//
// Files are opened when their time comes and closed at their end: memory and descriptors do not
// grow with the recording. Where pieces overlap (a track beside, a screen and a camera), packets
// come in the order of their times and `piece` says whose they are: each piece is a stream of its
// own to a decoder. A file that is missing, is another one, or cannot be read to its end gives what
// it has, and a note.
//
// Thread:  worker; blocks on the file system.
// Owner:   the caller.
// Fails:   open: kBadInput if there is no such participant. next: never for damage; kStorage where
//          memory ends.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recordings/av.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct LanePacket {
  AvPacket packet;          // its own times and index mean nothing here
  int64_t time_ns = 0;      // from the recording's start; never below the one before it
  int64_t duration_ns = 0;  // audio: how long it sounds; 0 for video
  int piece = 0;
  bool key = false;
  bool new_piece = false;  // of another piece than the packet before it
};

class LaneReader {
 public:
  static Result<std::unique_ptr<LaneReader>> open(const std::filesystem::path& folder,
                                                  const Manifest& manifest,
                                                  const std::string& participant, MediaKind kind);
  // Of these pieces only, by offset.
  LaneReader(std::filesystem::path folder, std::vector<TimelinePiece> pieces, MediaKind kind);
  ~LaneReader();

  // None: the end.
  Result<std::optional<LanePacket>> next();

  const std::vector<TimelinePiece>& pieces() const { return plan_; }
  // As the file's header says; null before its first packet came.
  const AVCodecParameters* parameters(int piece) const;
  // What could not be read, for people.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  class Piece;
  bool start(size_t index);
  void end(size_t active);
  int64_t latest_ns_ = 0;
  int last_piece_ = -1;

  std::filesystem::path folder_;
  MediaKind kind_;
  std::vector<TimelinePiece> plan_;
  size_t started_ = 0;  // of plan_
  std::vector<std::unique_ptr<Piece>> active_;
  std::vector<AvParameters> parameters_;
  std::vector<std::string> notes_;
};

// Why, of each file of these pieces that cannot be opened: its frames will be missing.
std::vector<std::string> cannot_open(const std::filesystem::path& folder,
                                     const std::vector<TimelinePiece>& pieces);

}  // namespace callbot::recordings
