#include "quality/stats_sampler.h"

#include <algorithm>
#include <utility>

namespace callbot::quality {
namespace {

template <class T>
std::optional<T> delta(const std::optional<T>& before, const std::optional<T>& now) {
  if (!before || !now) return std::nullopt;
  return *now - *before;
}
// Of a counter that only grows.
template <class T>
std::optional<T> growth(const std::optional<T>& before, const std::optional<T>& now) {
  auto by = delta(before, now);
  return by && *by < 0 ? now : by;
}

void add(SeriesSet& out, const char* metric, int64_t at_ns, const auto& value) {
  if (value) out.sample(metric, at_ns, static_cast<double>(*value));
}

// A rate over the time that really passed: so many, `each` of it.
void add_rate(SeriesSet& out, const char* metric, int64_t at_ns, std::optional<int64_t> many,
              double each, int64_t since_ns) {
  if (many && at_ns > since_ns)
    out.sample(metric, at_ns,
               static_cast<double>(*many) * each * 1e9 / static_cast<double>(at_ns - since_ns));
}

// Of what the other end's reports told since the last look; where none came nothing is known anew.
void add_mean(SeriesSet& out, const char* metric, int64_t at_ns, const ReportCounters& before,
              const ReportCounters& now) {
  const bool anew = now.count < before.count;
  const int64_t count = now.count - (anew ? 0 : before.count);
  const double sum = now.sum - (anew ? 0 : before.sum);
  if (count > 0)
    out.sample(metric, at_ns, sum / static_cast<double>(count));
  else
    out.expect({metric}, "no receiver report has come back yet");
}

}  // namespace

StatsSampler::StatsSampler(SeriesSet& out) : out_(out) {}

void StatsSampler::received(const ReceivedCounters& now, int64_t at_ns) {
  add(out_, "rtp.jitter", at_ns, now.jitter);
  // What was counted before the first look came since then, too.
  const ReceivedCounters zero{
      .packets = 0, .lost = 0, .repaired = 0, .discarded = 0, .nack = 0, .pli = 0, .fir = 0};
  const bool anew = !last_received_ || (now.packets && last_received_->packets &&
                                        *now.packets < *last_received_->packets);
  const ReceivedCounters& before = anew ? zero : *last_received_;
  const auto packets = growth(before.packets, now.packets);
  const auto lost = delta(before.lost, now.lost);
  add(out_, "rtp.packets", at_ns, packets);
  add(out_, "rtp.lost", at_ns, lost);
  add(out_, "rtp.repaired", at_ns, growth(before.repaired, now.repaired));
  add(out_, "rtp.discarded", at_ns, growth(before.discarded, now.discarded));
  add(out_, "rtp.nack", at_ns, growth(before.nack, now.nack));
  add(out_, "rtp.pli", at_ns, growth(before.pli, now.pli));
  add(out_, "rtp.fir", at_ns, growth(before.fir, now.fir));
  if (packets && lost && *packets + *lost > 0)
    out_.sample(
        "rtp.loss", at_ns,
        static_cast<double>(std::max<int64_t>(*lost, 0)) / static_cast<double>(*packets + *lost));
  if (!anew) {
    add_rate(out_, "rtp.bitrate", at_ns, growth(before.bytes, now.bytes), 8, received_ns_);
    const auto delay = growth(before.buffer_delay, now.buffer_delay);
    const auto emitted = growth(before.buffer_emitted, now.buffer_emitted);
    if (delay && emitted && *emitted > 0)
      out_.sample("jitterbuffer.delay", at_ns, *delay / static_cast<double>(*emitted));
  }
  last_received_ = now;
  received_ns_ = at_ns;
}

void StatsSampler::sent(const SentCounters& now, int64_t at_ns) {
  add(out_, "send.target_bitrate", at_ns, now.target_bitrate);
  add(out_, "send.available_bitrate", at_ns, now.available_bitrate);
  const SentCounters zero{.packets = 0,
                          .frames = 0,
                          .key_frames = 0,
                          .huge_frames = 0,
                          .left_out = 0,
                          .nack = 0,
                          .pli = 0,
                          .fir = 0,
                          .switches = 0,
                          .lateness = 0.0,
                          .limited = 0.0};
  const SentCounters& before = last_sent_ ? *last_sent_ : zero;
  const auto frames = growth(before.frames, now.frames);
  add(out_, "send.packets", at_ns, growth(before.packets, now.packets));
  add(out_, "send.frames", at_ns, frames);
  add(out_, "send.key_frames", at_ns, growth(before.key_frames, now.key_frames));
  add(out_, "send.huge_frames", at_ns, growth(before.huge_frames, now.huge_frames));
  add(out_, "send.left_out", at_ns, growth(before.left_out, now.left_out));
  add(out_, "send.nack", at_ns, growth(before.nack, now.nack));
  add(out_, "send.pli", at_ns, growth(before.pli, now.pli));
  add(out_, "send.fir", at_ns, growth(before.fir, now.fir));
  add(out_, "send.switches", at_ns, growth(before.switches, now.switches));
  const auto lateness = delta(before.lateness, now.lateness);
  if (lateness && frames && *frames > 0)
    out_.sample("send.lateness", at_ns, *lateness / static_cast<double>(*frames));
  const auto limited = growth(before.limited, now.limited);
  if (limited) out_.measure({"send.limited"});
  if (limited && *limited > 0)
    out_.sample("send.limited", at_ns - static_cast<int64_t>(*limited * 1e9), *limited);
  if (last_sent_) {
    add_rate(out_, "send.bitrate", at_ns, growth(before.bytes, now.bytes), 8, sent_ns_);
    add_rate(out_, "send.fps", at_ns, frames, 1, sent_ns_);
  }
  // Known with the first feedback: what came between the look before and that one counts.
  SentCounters known = now;
  if (!known.limited) known.limited = before.limited;
  if (!known.switches) known.switches = before.switches;
  last_sent_ = known;
  sent_ns_ = at_ns;
}

void StatsSampler::losses(const ReportCounters& now, int64_t at_ns) {
  add_mean(out_, "send.loss", at_ns, std::exchange(last_losses_, now), now);
}

void StatsSampler::trips(const ReportCounters& now, int64_t at_ns) {
  add_mean(out_, "rtp.rtt", at_ns, std::exchange(last_trips_, now), now);
}

}  // namespace callbot::quality
