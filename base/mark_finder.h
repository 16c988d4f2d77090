// base/mark_finder.h: marks in pictures that were scaled, letterboxed, cropped, or composed of
// tiles. Plain arithmetic on pixels.
//
// Where a mark was, it is read again (the fast path: some ten thousand pixels). Where it is not
// there any more, or nothing is known yet, the picture is searched: in every second or third line
// for the calibration cells' edges, B W B W at both ends of 48 even cells, or at one end where the
// other was cropped. What the search finds counts if both rows' CRCs fit, as in reading.
//
//   found by the search: cells from about 3 pixels on; up to the four calibration cells of one side
//   cropped, or half of the first row; stretched pictures. Payload that was cropped is gone.
//
// A search costs milliseconds, so those that find nothing come ever more seldom, up to one in 30
// pictures; composed pictures are also searched for tiles that came, every 30 pictures, and more
// often at first and after one did. A tile whose mark cannot be read for 30 pictures is gone.
//
// Thread:  any; an object belongs to one thread.
// Owner:   the caller's pixels.
// Fails:   never; a mark that was there and cannot be read now is a reading without a mark.
#pragma once

#include <optional>
#include <vector>

#include "base/video_mark.h"

namespace callbot {

struct MarkReading {
  MarkPlace place;
  std::optional<VideoMark> mark;  // none: unread
  uint16_t source = 0;            // of the mark that was last read there
};

enum class Tiles { kOne, kMany };

class MarkFinder {
 public:
  // kOne: a sender's own picture; kMany: a composed one, in which marks come and go.
  explicit MarkFinder(Tiles tiles = Tiles::kOne) : tiles_(tiles) {}
  // Of the next picture; from top to bottom and left to right where they were first found. Empty:
  // no mark was ever found.
  const std::vector<MarkReading>& read(const LumaView& picture);

 private:
  struct Known {
    MarkReading reading;
    int unread = 0;  // pictures in a row
  };
  bool read_known(const LumaView& picture);
  bool search_is_due(bool all_read);
  void search(const LumaView& picture);

  Tiles tiles_;
  std::vector<Known> known_;
  std::vector<MarkReading> readings_;
  int width_ = 0, height_ = 0;
  int wait_ = 0;       // pictures until the next search of a picture with something unread
  int next_wait_ = 1;  // doubles
  int since_search_ = 0, search_every_ = 1;
};

// All marks of a picture, wherever they are: the slow path alone.
std::vector<MarkReading> search_video_marks(const LumaView& picture);

}  // namespace callbot
