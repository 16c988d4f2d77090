// browsers/page_ears.h: what a page receives now, as observer.js gives it in short, and whether its
// sound is to be heard. A level is the power between two looks (W3C webrtc-stats,
// totalAudioEnergy).
//
// Thread:  loop; a value.
// Owner:   the caller, one a page.
// Fails:   listen(): kBadInput.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/remote_clock.h"
#include "browsers/series_book.h"

namespace callbot::browsers {

struct ReceivedStream {
  StreamKey key;  // whose it is, as the page has it
  bool video = false;
  std::string codec;          // "vp8", "opus"
  int width = 0, height = 0;  // of video; 0: nothing was decoded yet
  bool decoded = false;       // a picture was; of sound the same as heard
  bool heard = false;         // louder than -60 dBFS from from_ns to to_ns, monotonic_ns()
  int64_t from_ns = 0, to_ns = 0;
};

class PageEars {
 public:
  // What callbotObserver.received() gave; the first time nothing is heard.
  Result<std::vector<ReceivedStream>> listen(const Json& received, const RemoteClock& clock);

 private:
  struct Sum {
    double energy = 0, duration = 0;
  };
  double origin_ = 0;  // of which document the sums are
  int64_t listened_ns_ = 0;
  std::map<StreamKey, Sum> sums_;
};

}  // namespace callbot::browsers
