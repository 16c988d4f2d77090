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
  counters.discarded = known(stats.packets_discarded);
  counters.nack = static_cast<int64_t>(stats.nack_sent);
  counters.pli = static_cast<int64_t>(stats.pli_sent);
  counters.fir = static_cast<int64_t>(stats.fir_sent);
  counters.buffer_delay = stats.held_s;
  counters.buffer_emitted = static_cast<int64_t>(stats.held_frames);
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
  // Connections of the next call are others, whatever they are called.
  last_sent_.clear();
  ways_.clear();
  way_streams_.clear();
}

void ScenarioSamples::tracks(const std::vector<CallTrack>& all, int64_t now_ns) {
  for (const CallTrack& track : all) {
    auto& counted = received_[track.info.id];
    const std::string stream = stream_of(track.info);
    if (!counted || counted->stream != stream) {
      auto fresh = std::make_unique<Counted>(actor_, track.info.name, stream);
      if (counted) fresh->sampler.go_on_from(counted->sampler);
      counted = std::move(fresh);
    }
    counted->sampler.received(counters_of(track.stats), now_ns);
    absorb(counted->set.take());
  }
  std::erase_if(received_, [&](const auto& one) {
    return std::none_of(all.begin(), all.end(),
                        [&](const CallTrack& t) { return t.info.id == one.first; });
  });
}

ScenarioSamples::Counted& ScenarioSamples::counted(
    std::map<std::string, std::unique_ptr<Counted>>& all, const std::string& key,
    const std::string& from, const std::string& stream) {
  auto& one = all[key];
  if (!one) one = std::make_unique<Counted>(actor_, from, stream);
  return *one;
}

void ScenarioSamples::made(const std::string& stream, const EncoderStats& stats, int64_t now_ns) {
  pipelines::LiveStreamStats& sum = all_made_[stream];
  for (const auto& [media, encoders] : stats) {
    auto& last = last_made_[stream][media];
    last.resize(encoders.size());
    pipelines::LiveStreamStats most;  // of the renditions
    for (size_t i = 0; i < encoders.size(); ++i) {
      const pipelines::LiveStreamStats &now = encoders[i], &before = last[i];
      sum.key_frames += now.key_frames - before.key_frames;
      sum.left_out += now.left_out - before.left_out;
      if (now.sent - before.sent <= most.sent) continue;
      most.sent = now.sent - before.sent;
      most.late_ns = now.late_ns - before.late_ns;
      most.huge = now.huge - before.huge;
    }
    sum.sent += most.sent;
    sum.late_ns += most.late_ns;
    sum.huge += most.huge;
    last = encoders;
  }
  quality::SentCounters counters;
  counters.frames = static_cast<int64_t>(sum.sent);
  counters.key_frames = static_cast<int64_t>(sum.key_frames);
  counters.huge_frames = static_cast<int64_t>(sum.huge);
  counters.left_out = static_cast<int64_t>(sum.left_out);
  counters.lateness = static_cast<double>(sum.late_ns) / 1e9;
  Counted& one = counted(made_, stream, "", stream);
  one.sampler.sent(counters, now_ns);
  absorb(one.set.take());
}

void ScenarioSamples::connections(const std::vector<CallConnection>& all,
                                  const std::function<std::string(size_t)>& stream_of,
                                  int64_t now_ns) {
  std::map<std::pair<std::string, size_t>, pipelines::SentStats> now;
  for (const CallConnection& connection : all) {
    if (connection.sent.empty()) continue;  // no report tells a round trip time
    Counted& way = counted(ways_, connection.id, connection.member, "");
    way.sampler.trips({static_cast<int64_t>(connection.round_trips), connection.round_trips_s},
                      now_ns);
    quality::SentCounters path;
    path.available_bitrate = known(connection.available_bitrate);
    way.sampler.sent(path, now_ns);
    absorb(way.set.take());
    for (const pipelines::SentStats& sent : connection.sent) {
      const auto key = std::pair(connection.id, sent.stream);
      add_sent(connection, sent, stream_of(sent.stream), now_ns);
      now[key] = sent;
    }
  }
  last_sent_ = std::move(now);
  const auto is_gone = [&](const std::string& id) {
    return std::none_of(all.begin(), all.end(),
                        [&](const CallConnection& c) { return c.id == id; });
  };
  std::erase_if(ways_, [&](const auto& one) { return is_gone(one.first); });
  std::erase_if(way_streams_, [&](const auto& one) { return is_gone(one.first.first); });
  for (const auto& [stream, sum] : all_sent_) {
    quality::SentCounters counters;
    counters.packets = static_cast<int64_t>(sum.packets);
    counters.bytes = static_cast<int64_t>(sum.bytes);
    counters.nack = static_cast<int64_t>(sum.nack);
    counters.pli = static_cast<int64_t>(sum.pli);
    counters.fir = static_cast<int64_t>(sum.fir);
    Counted& one = counted(sent_, stream, "", stream);
    one.sampler.sent(counters, now_ns);
    absorb(one.set.take());
  }
}

// To one of them; what is sent to all of them together goes to the sums.
void ScenarioSamples::add_sent(const CallConnection& connection, const pipelines::SentStats& sent,
                               const std::string& stream, int64_t now_ns) {
  const auto key = std::pair(connection.id, sent.stream);
  const auto found = last_sent_.find(key);
  const pipelines::SentStats before =
      found == last_sent_.end() ? pipelines::SentStats() : found->second;
  pipelines::SentStats& sum = all_sent_[stream];
  sum.packets += sent.packets - before.packets;
  sum.bytes += sent.bytes - before.bytes;
  sum.nack += sent.nack - before.nack;
  sum.pli += sent.pli - before.pli;
  sum.fir += sent.fir - before.fir;
  if (sent.packets == 0 && sent.target_bitrate < 0) return;
  auto& one = way_streams_[key];
  if (!one) one = std::make_unique<Counted>(actor_, connection.member, stream);
  if (sent.packets > 0)  // nobody lacks what nobody sent
    one->sampler.losses(
        {static_cast<int64_t>(sent.reported), static_cast<double>(sent.reported_lost)}, now_ns);
  if (sent.target_bitrate >= 0) {
    quality::SentCounters adapted;
    adapted.target_bitrate = sent.target_bitrate;
    if (connection.available_bitrate >= 0) {
      adapted.limited = connection.limited_s;
      adapted.switches = static_cast<int64_t>(connection.switches);
    }
    one->sampler.sent(adapted, now_ns);
  }
  absorb(one->set.take());
}

}  // namespace callbot::bot
