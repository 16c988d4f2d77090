// tests/support/sample_calls.h: short recordings with marks, each with one thing that exports and
// players have to cope with. Every second has a chirp and a picture that says so.
//
// Thread:  one.
// Owner:   plain values.
// Fails:   as Feed.
#pragma once

#include <string>
#include <vector>

#include "tests/support/feed.h"

namespace callbot::test {

struct SampleCall {
  const char* name;
  const char* video;  // codec; "" for none
  const char* audio;
  double seconds;
  void (*fill)(Feed& feed, const SampleCall& call);
};

// One of each codec; "muted", "muted-pcmu", "muted-g722" (30 s), "lossy" (5 %), "resized-vp8",
// "resized-h264", "changed-codec", "screen-beside", "late-camera", "sound-only".
const std::vector<SampleCall>& sample_calls();
const SampleCall& sample_call(const std::string& name);
// Records it; alice is in it.
void record_sample(Feed& feed, const SampleCall& call);

}  // namespace callbot::test
