#include "bot/scenario_samples.h"

#include <algorithm>

#include "bot/scenario_watch.h"

namespace callbot::bot {
namespace {

// -1 is unknown.
template <class T>
std::optional<T> known(T value) {
  return value < 0 ? std::nullopt : std::optional<T>(value);
}

quality::ReceivedCounters counters_of(const pipelines::TrackStats& stats) {
  quality::ReceivedCounters counters;
  counters.packets = static_cast<int64_t>(stats.packets);
  counters.bytes = static_cast<int64_t>(stats.bytes);
  counters.lost = known(stats.packets_lost);
  counters.repaired = known(stats.packets_repaired);
  counters.pli = static_cast<int64_t>(stats.key_frame_requests);
  counters.jitter = known(stats.jitter_s);
  return counters;
}

// Samples come nearly in order: some belong to a playout that is a little later.
void insert(std::vector<Sample>& samples, const Sample& sample) {
  auto at = samples.end();
  while (at != samples.begin() && (at - 1)->at_ns > sample.at_ns) --at;
  samples.insert(at, sample);
}

}  // namespace

Series& ScenarioSamples::of(const std::string& metric, const std::string& from,
                            const std::string& stream) {
  return series_[index_of(metric, from, stream)];
}

size_t ScenarioSamples::index_of(const std::string& metric, const std::string& from,
                                 const std::string& stream) {
  const auto [found, is_new] = index_.try_emplace({metric, from, stream}, series_.size());
  if (!is_new) return found->second;
  Series series;
  series.metric = metric;
  series.actor = actor_;
  series.from = from;
  series.stream = stream;
  series_.push_back(std::move(series));
  return found->second;
}

void ScenarioSamples::measure(const char* metric, const std::string& from,
                              const std::string& stream) {
  of(metric, from, stream).state = Measured::kOk;
}

void ScenarioSamples::add(const char* metric, const std::string& from, const std::string& stream,
                          Sample sample) {
  Series& series = of(metric, from, stream);
  series.state = Measured::kOk;
  series.samples.push_back(sample);
  if (hears_) hears_(series, sample);
  if (folding_ != nullptr) fold(series, *folding_);
}

void ScenarioSamples::absorb(const std::vector<Series>& measured) {
  for (const Series& now : measured) {
    const size_t index = index_of(now.metric, now.from, now.stream);
    Series& series = series_[index];
    const bool says = now.state != Measured::kUnmeasured || series.state == Measured::kUnmeasured;
    if (says && settled_.count(index) == 0) {
      series.state = now.state;
      series.why = now.why;
    }
    series.uncertainty = std::max(series.uncertainty, now.uncertainty);
    // The newest is of all that was before it.
    if (now.metric == "av.drift" && !now.samples.empty()) series.samples.clear();
    for (const Sample& sample : now.samples) {
      insert(series.samples, sample);
      if (hears_) hears_(series, sample);
    }
    if (folding_ != nullptr) fold(series, *folding_);
  }
}

void ScenarioSamples::settle() {
  for (size_t i = 0; i < series_.size(); ++i) {
    if (series_[i].state == Measured::kInvalid) settled_.insert(i);
  }
}

void ScenarioSamples::tracks(const std::vector<CallTrack>& all, int64_t now_ns) {
  for (const CallTrack& track : all) {
    auto& counted = received_[track.info.id];
    if (!counted)
      counted = std::make_unique<Counted>(actor_, track.info.name, stream_of(track.info));
    counted->sampler.received(counters_of(track.stats), now_ns);
    absorb(counted->set.take());
  }
  std::erase_if(received_, [&](const auto& one) {
    return std::none_of(all.begin(), all.end(),
                        [&](const CallTrack& t) { return t.info.id == one.first; });
  });
}

void ScenarioSamples::sent(const std::string& stream, const pipelines::LiveStreamStats& stats,
                           int64_t now_ns) {
  auto& counted = sent_[stream];
  if (!counted) counted = std::make_unique<Counted>(actor_, "", stream);
  quality::SentCounters counters;
  counters.packets = static_cast<int64_t>(stats.packets);
  if (stream == "camera") counters.frames = static_cast<int64_t>(stats.encoded);
  counted->sampler.sent(counters, now_ns);
  absorb(counted->set.take());
}

}  // namespace callbot::bot
