// pipelines/sink.h: THE SEAM for what we do with what we receive.
//
// Thread:  add_track, remove_track and drain on the loop; frame on a streaming thread.
// Owner:   bot::Call. A sink outlives the peers that feed it.
// Fails:   through drain's Result; frame() never fails and never blocks: what a sink cannot take
//          it drops and counts.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/frame.h"

namespace callbot::pipelines {

class Sink {
 public:
  using Done = std::function<void(Result<>)>;

  virtual ~Sink() = default;
  // Before the first frame of the track.
  virtual void add_track(const TrackInfo& track) = 0;
  virtual void frame(TrackId track, const Frame& frame) = 0;
  // After the last frame of the track.
  virtual void remove_track(TrackId track) = 0;
  // Everything taken so far is where it belongs; calls done once, on the loop.
  virtual void drain(Done done) = 0;
};

}  // namespace callbot::pipelines
