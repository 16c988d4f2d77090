// bot/scenario_samples.h: what one actor of a scenario measures without decoding anything: counters
// of its tracks each second, how long it took to get in. What is not here stays unmeasured.
//
// Thread:  loop.
// Owner:   bot::ScenarioActor.
// Fails:   never.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/metric.h"
#include "bot/call.h"

namespace callbot::bot {

// "camera" and "microphone" where the signaling does not say.
std::string stream_of(const TrackInfo& track);

class ScenarioSamples {
 public:
  using Hears = std::function<void(const Series&, const Sample&)>;  // of every sample

  ScenarioSamples(std::string actor, Hears hears)
      : actor_(std::move(actor)), hears_(std::move(hears)) {}

  // From now on it is measured, though nothing may come of it.
  void measure(const char* metric, const std::string& from = "", const std::string& stream = "");
  void add(const char* metric, const std::string& from, const std::string& stream, Sample sample);
  // A track's first packet was seen; then the tracks as they are now, about once a second.
  void track_began(TrackId track, int64_t at_ns) { last_[track] = {{}, at_ns}; }
  void track_ended(TrackId track) { last_.erase(track); }
  void tracks(const std::vector<CallTrack>& all, int64_t now_ns);

  const std::vector<Series>& series() const { return series_; }

 private:
  struct Last {
    pipelines::TrackStats stats;
    int64_t at_ns = 0;
  };
  Series& of(const char* metric, const std::string& from, const std::string& stream);
  void deltas(const CallTrack& track, const Last& last, int64_t now_ns);

  const std::string actor_;
  Hears hears_;
  std::vector<Series> series_;
  std::map<TrackId, Last> last_;
};

}  // namespace callbot::bot
