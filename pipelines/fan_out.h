// pipelines/fan_out.h: hands each RTP packet of one stream to every tap.
//
// A list of taps is never changed, only replaced: push() walks the list it found, attach() and
// detach() make the next one. Each tap has a lock of its own, held for that one call, so that a
// detach waits for at most one call of the tap it removes, and a push for nobody else's tap.
//
// Thread:  push() on one streaming thread; the rest on the loop, or from inside a tap.
// Owner:   the source whose stream it is.
// Fails:   never; detaching a tap that is not there does nothing.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "pipelines/source.h"

namespace callbot::pipelines {

class FanOut {
 public:
  FanOut();

  TapId attach(Tap tap);
  // When it returns the tap is not called any more, and what it captured is destroyed (in a detach
  // from inside the tap itself: as soon as that call returns).
  void detach(TapId id);
  void push(const GRef<GstBuffer>& packet);
  size_t taps() const;

 private:
  struct Entry;
  using List = std::vector<std::shared_ptr<Entry>>;
  std::shared_ptr<const List> list() const;

  mutable std::mutex mutex_;  // for list_ itself, never held while a tap is called
  std::shared_ptr<const List> list_;
};

}  // namespace callbot::pipelines
