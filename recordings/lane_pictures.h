// recordings/lane_pictures.h: a participant's pictures, decoded, with their times.
//
// Thread:  worker; decodes, blocks on the file system. Memory does not grow.
// Owner:   the caller.
// Fails:   as LaneReader; kUnsupported where FFmpeg has no decoder. Packets that do not decode give
//          no picture.
#pragma once

#include <optional>
#include <vector>

#include "recordings/lane_view.h"

namespace callbot::recordings {

struct LanePicture {
  AvFrame frame;        // its own times mean nothing here
  int64_t time_ns = 0;  // from the recording's start, in order
};

class LanePictures {
 public:
  // `threads` decode; 0: as many as there are processors.
  LanePictures(const std::filesystem::path& folder, std::vector<TimelinePiece> pieces, int threads,
               std::vector<TimeSpan> cuts = {});

  // None: the end.
  Result<std::optional<LanePicture>> next();
  const std::vector<std::string>& notes() const { return view_.reader().notes(); }

 private:
  Result<> feed();
  Result<> open_decoder(int piece);

  LaneView view_;
  int threads_;
  AvCodecContext decoder_;
  std::optional<LanePacket> waiting_;  // of another piece: the decoder is emptied first
  bool draining_ = false, ended_ = false;
};

}  // namespace callbot::recordings
