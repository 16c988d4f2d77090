// pipelines/live_renditions.h: the lesser renditions of one video stream: each is made when
// somebody wants it for the first time, and rests while nobody does.
//
// Thread:  loop; request_key_frame, sent and stats any.
// Owner:   the source of the stream; it must stop() them as it does its LiveStreams.
// Fails:   get(): nullptr where one cannot be made.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "pipelines/live_stream.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

// The first as given, then half its size at a third of the rate, a quarter at a tenth; as far as
// there is something to see, and the size can be drawn.
std::vector<Rendition> usual_renditions(const Rendition& best, int least_width, int least_height);

class LiveRenditions {
 public:
  using Make = std::function<Result<std::unique_ptr<LiveStream>>(size_t rendition)>;

  // So many with the best, which is the source's own stream.
  void set(size_t count, Make make);

  // From 1 on.
  LiveStream* get(size_t rendition);
  // Of those that were made.
  void each(const std::function<void(size_t rendition, LiveStream& stream)>& what);
  void detach(TapId tap);
  void set_on(bool on);
  void stop();

  void request_key_frame(size_t rendition);
  // `best`, and those frames that only lesser ones have sent; by number.
  std::vector<SentFrame> sent(std::vector<SentFrame> best) const;
  std::vector<LiveStreamStats> stats() const;  // from 1 on

 private:
  Make make_;
  bool on_ = true;
  mutable std::mutex mutex_;                       // for the pointers: only the loop changes them
  std::vector<std::unique_ptr<LiveStream>> made_;  // null: not yet
};

}  // namespace callbot::pipelines
