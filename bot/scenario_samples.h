// bot/scenario_samples.h: what one actor of a scenario measured so far: counters of its tracks each
// second, how long it took to get in, and what others measured for it.
//
// Thread:  loop.
// Owner:   bot::ScenarioActor; the run has one of its own.
// Fails:   never.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/folding.h"
#include "base/metric.h"
#include "bot/call.h"
#include "pipelines/live_stream.h"
#include "quality/stats_sampler.h"

namespace callbot::bot {

// Of what is encoded, by its media: each rendition's, the best first.
using EncoderStats = std::map<std::string, std::vector<pipelines::LiveStreamStats>>;

class ScenarioSamples {
 public:
  using Hears = std::function<void(const Series&, const Sample&)>;  // of every sample

  // `folding`: how old samples are kept; it outlives this. Null: all of them are kept.
  ScenarioSamples(std::string actor, Hears hears, const FoldPlan* folding = nullptr)
      : actor_(std::move(actor)), hears_(std::move(hears)), folding_(folding) {}

  // From now on it is measured, though nothing may come of it.
  void measure(const char* metric, const std::string& from = "", const std::string& stream = "");
  void add(const char* metric, const std::string& from, const std::string& stream, Sample sample);
  // What somebody measured since the last time. A metric of one stream is one series, whoever
  // measured it; its state is what was said last, but for nothing.
  void absorb(const std::vector<Series>& measured);
  // Who measured so far measures no more, and a call is over: what was not to be believed of it
  // stays so.
  void settle();
  // The received tracks as they are now, about once a second.
  void tracks(const std::vector<CallTrack>& all, int64_t now_ns);
  // What is made to be sent as `stream`. A frame is one, however many renditions it has.
  void made(const std::string& stream, const EncoderStats& stats, int64_t now_ns);
  // The peer connections as they are now, about once a second; members by their names in evidence.
  // `stream_of`: what a stream of the source is called.
  void connections(const std::vector<CallConnection>& all,
                   const std::function<std::string(size_t)>& stream_of, int64_t now_ns);

  const std::vector<Series>& series() const { return series_; }

 private:
  struct Counted {
    Counted(const std::string& actor, const std::string& from, const std::string& its_stream)
        : stream(its_stream), set(actor, from, its_stream), sampler(set) {}
    const std::string stream;
    quality::SeriesSet set;
    quality::StatsSampler sampler;
  };
  Series& of(const std::string& metric, const std::string& from, const std::string& stream);
  size_t index_of(const std::string& metric, const std::string& from, const std::string& stream);

  const std::string actor_;
  Hears hears_;
  const FoldPlan* folding_;
  std::vector<Series> series_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t> index_;
  std::set<size_t> settled_;
  std::map<TrackId, std::unique_ptr<Counted>> received_;
  Counted& counted(std::map<std::string, std::unique_ptr<Counted>>& all, const std::string& key,
                   const std::string& from, const std::string& stream);
  void add_sent(const CallConnection& connection, const pipelines::SentStats& sent,
                const std::string& stream, int64_t now_ns);
  std::map<std::string, std::unique_ptr<Counted>> made_, sent_;  // by stream
  // Of each connection, and of each stream in it.
  std::map<std::string, std::unique_ptr<Counted>> ways_;
  std::map<std::pair<std::string, size_t>, std::unique_ptr<Counted>> way_streams_;
  // Encoders as they were last, and what all of a stream made together.
  std::map<std::string, EncoderStats> last_made_;
  std::map<std::string, pipelines::LiveStreamStats> all_made_;
  // Of each connection and stream as it was last, and of all of a stream together.
  std::map<std::pair<std::string, size_t>, pipelines::SentStats> last_sent_;
  std::map<std::string, pipelines::SentStats> all_sent_;
};

}  // namespace callbot::bot
