// base/clip.h: encoded media that is to be sent, who gives it, and who makes key frames in it. What
// feeds and pipelines share: feeds/ reads or makes it, pipelines/file_source sends it, bot/ joins
// the two.
//
// Thread:  next() and refresh() on one thread of the sender's; request_key_frame and interrupt on
//          any.
// Owner:   the sender owns its reader and its refreshers; a frame owns its bytes.
// Fails:   next() with kBadInput or kStorage that names the file; kInterrupted after interrupt().
//          refresh() never: it logs, and the stream's own next key frame answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/frame.h"

namespace callbot {

struct ClipStream {
  MediaKind kind = MediaKind::kVideo;
  std::string codec;          // a name from pipelines/codecs
  int width = 0, height = 0;  // the largest picture; 0 for sound
  int fps = 0;                // about; 0 for sound
  int channels = 0;           // 0 for video
};

// One picture or packet of sound, as a payloader takes it (H.264: byte stream with its parameter
// sets in front of each key frame).
struct ClipFrame {
  size_t stream = 0;
  std::vector<uint8_t> bytes;
  int64_t time_ns =
      0;             // since the beginning, growing over files and loops; sound may begin below 0
  bool key = false;  // decodable alone; always true for sound
};

// When its frames are sent.
enum class Pace {
  kTimed,   // each at its time: it lies there, and can be read ahead
  kLive,    // each at its time, which goes on where it was held up
  kAtOnce,  // as they come; their times are monotonic_ns()
};

class ClipReader {
 public:
  virtual ~ClipReader() = default;
  virtual const std::vector<ClipStream>& streams() const = 0;
  // Each stream in order; streams may be a little apart. May wait. Nothing: the end.
  virtual Result<std::optional<ClipFrame>> next() = 0;
  // Somebody needs one soon. What is encoded already has them where it has them: ClipRefresher.
  virtual void request_key_frame(size_t stream) { (void)stream; }
  // A next() that waits gives up, now and ever after.
  virtual void interrupt() {}
  virtual Pace pace() const { return Pace::kTimed; }
};

// Decoder refresh in a stream that is encoded already: when a key frame is asked for, one is made,
// and what follows is encoded anew up to the stream's own next one.
class ClipRefresher {
 public:
  virtual ~ClipRefresher() = default;
  struct Due {
    bool key_follows = false;  // the stream's own next key frame comes soon enough
    bool late = false;         // no time to encode
  };
  // The stream's next frame, when it is to be sent -> what goes in its place: itself, mostly;
  // without bytes: nothing. Takes no longer than to decode and encode one picture.
  virtual ClipFrame refresh(ClipFrame frame, const Due& due) = 0;
  // `newcomer`: it has none of what was sent; else one that has just gone is an answer.
  virtual void request_key_frame(bool newcomer) = 0;
};
using MakeRefresher = std::function<std::unique_ptr<ClipRefresher>(const ClipStream& stream)>;

}  // namespace callbot
