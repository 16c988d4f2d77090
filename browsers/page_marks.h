// browsers/page_marks.h: what observer.js saw -> marked frames in our time, and series of them.
//
// Thread:  loop; values.
// Owner:   the caller.
// Fails:   parse_marks: kBadInput.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/captured.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mark_sequence.h"
#include "base/remote_clock.h"
#include "base/rhythm.h"
#include "base/video_mark.h"
#include "browsers/page_sound.h"
#include "browsers/series_book.h"

namespace callbot::browsers {

// A frame that the page showed, of somebody else. Times are monotonic_ns().
struct ShownFrame {
  StreamKey key;                      // whose tile it is, as the page has it
  std::optional<VideoMark> mark;      // none: unread
  int64_t read_ns = 0;                // the page looked at it
  int64_t display_ns = 0;             // expectedDisplayTime
  std::optional<int64_t> receive_ns;  // its last packet came in (receiveTime)
  std::optional<int64_t> first_ns;    // the same of its track's first frame; none: it is not that
  std::optional<int64_t> capture_ns;  // captured, as the browser estimates it (captureTime)
  std::optional<uint32_t> rtp_time;
  uint64_t presented = 0;  // how many frames the browser had shown there, this one included
  int width = 0, height = 0;
};

// A frame of a track that the page sends, when the page got it from its camera.
struct LocalFrame {
  std::string stream;  // "camera", "screen"
  std::optional<VideoMark> mark;
  int64_t at_ns = 0;
};

struct PageMarks {
  std::vector<ShownFrame> shown;
  std::vector<LocalFrame> sent;
  std::vector<HeardSound> heard;
  uint64_t lost = 0;  // the page had no room for so many
};

// What callbotObserver.take() gave.
Result<PageMarks> parse_marks(const Json& taken, const RemoteClock& clock);

// What callbotTell() was called with: of a frame that is being sent, by the document with this
// performance.timeOrigin; none: not that (it has a mark), or of another document.
std::optional<LocalFrame> parse_sent(const Json& told, double origin, const RemoteClock& clock);

// When the frame with this mark was captured by its sender, monotonic_ns(); none: not known. Seen
// at `seen_ns`: a file that is played again and again has the same marks every time.
using CapturedAt = std::function<std::optional<Captured>(const VideoMark&, int64_t seen_ns)>;

// Series of marked frames that one page showed. Frames that the browser showed while the page's
// script was not looking are nobody's loss: they are neither expected nor missing; more than a
// quarter of all makes the series invalid.
class MarkSeries {
 public:
  MarkSeries(std::string actor, CapturedAt captured_at)
      : book_(std::move(actor)), captured_at_(std::move(captured_at)) {}

  // The tile of this member shows this source and nothing else. Where it is not said, the source
  // that a tile showed most is taken for the right one.
  void expect(const std::string& from, uint16_t source) { expected_[from] = source; }
  // The picture of this member is off from now on, or on again: what is shown meanwhile, and for a
  // second after, need not have a mark.
  void muted(const std::string& from, bool yes, int64_t at_ns);
  void add(const ShownFrame& frame, double uncertainty_s);
  // No frame is shown any more.
  void finish();
  // `lost` rows were never seen: nothing that counts frames is to be believed.
  void lost(uint64_t rows) { lost_ += rows; }
  std::vector<Series> all() const { return judged(book_.all()); }
  std::vector<Series> take() { return judged(book_.take()); }  // since the last time

 private:
  struct Stream {
    std::map<uint16_t, uint64_t> sources;
    std::optional<uint16_t> source;  // of the last of its own frames
    MarkSequence sequence;
    Rhythm rhythm;
    ArrivalRhythm arrivals;
    Still still;
    uint64_t presented = 0;
    int64_t last_ns = 0;      // displayed, of the last frame with a new number
    int64_t received_ns = 0;  // of the last frame of all
    int64_t zeroes_ns = 0;    // when it was last said of every count that there was none
    uint64_t seen = 0, unseen = 0, unread = 0;
    double capture_uncertainty_s = 0;
  };
  void say_zeroes(Stream& stream, const ShownFrame& frame);
  bool foreign(Stream& stream, const ShownFrame& frame) const;
  bool was_muted(const StreamKey& key, int64_t from_ns, int64_t to_ns) const;
  // Whether its number is a new one.
  bool count(Stream& stream, const ShownFrame& frame, uint64_t unseen);
  // Between frames with a new number; `looked`: at all that were shown since the one before.
  void pace(Stream& stream, const ShownFrame& frame, bool looked);
  // All that the script saw, marked or not; `looked`: at all that were shown since the one before.
  void came(Stream& stream, const ShownFrame& frame, bool looked);
  void finish(const StreamKey& key, Stream& stream);
  std::vector<Series> judged(std::vector<Series> all) const;

  SeriesBook book_;
  CapturedAt captured_at_;
  std::map<std::string, uint16_t> expected_;
  struct Mute {
    int64_t from_ns = 0, to_ns = INT64_MAX;
  };
  std::map<std::string, std::vector<Mute>> mutes_;
  std::map<StreamKey, Stream> streams_;
  double uncertainty_s_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace callbot::browsers
