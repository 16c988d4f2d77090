// browsers/page_sound.h: what observer.js heard -> samples in our time.
//
// A page gives the sound of each member as it leaves the browser's jitterbuffer, and that of its
// own microphone as it is sent; one channel, thinned to 16 kHz or a little more.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   parse_heard: kBadInput.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/remote_clock.h"

namespace callbot::browsers {

// A stretch of it, a second or so.
struct HeardSound {
  std::string track, member;  // the track's id, and whose it is as the page has it
  bool local = false;         // it is what the page sends
  double rate = 0;            // samples a second
  double piece_s = 0;         // it was given in pieces of so many seconds
  int64_t first = 0;          // the first one's number, since the page listens to this track
  int64_t begin_ns = 0;       // when number 0 was heard (of a local one: recorded), monotonic_ns(),
                              // as of this stretch
  std::vector<float> samples;  // mono, [-1, 1]
};

// `heard` of what callbotObserver.take() gave; none: nothing.
Result<std::vector<HeardSound>> parse_heard(const Json& taken, const RemoteClock& clock);

// The same sound at 48 kHz: lines between its samples. Sample n of what comes out is at n / 48000 s
// of what went in.
class Thickened {
 public:
  explicit Thickened(double rate) : step_(rate / 48000) {}
  std::vector<float> push(std::span<const float> samples);

 private:
  const double step_;  // of what goes in, for each that comes out
  int64_t in_ = 0, out_ = 0;
  float last_ = 0;
};

}  // namespace callbot::browsers
