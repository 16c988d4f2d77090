#include "scenarios/unreported.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace callbot::scenarios {
namespace {

constexpr std::string_view kByReports[] = {"send.loss", "rtp.rtt"};
constexpr double kMostHole = 0.6, kMostOfShort = 0.8, kShort = 8;  // shares, s
constexpr int64_t kLongestSample_ns = 2'000'000'000;  // what is sent is looked at each second

using Spans = std::vector<TimeWindow>;

Spans inside(const std::string& actor, const TimeWindow& window, const Evidence& evidence) {
  const ActorFacts* facts = evidence.actor(actor);
  if (facts == nullptr) return {window};
  Spans spans = facts->inside;
  if (!spans.empty() && spans.back().to_ns == 0) spans.back().to_ns = evidence.ended_ns;
  return spans;
}

// None: nobody says. Empty: nothing, or it is not known any more.
std::optional<Spans> sent(const Series& s, const Evidence& evidence) {
  Spans spans;
  bool known = false;
  for (const Series& rate : evidence.series) {
    if (rate.metric != "send.bitrate" || rate.actor != s.actor || rate.from != s.from) continue;
    if (rate.state != Measured::kOk) continue;
    if (!s.stream.empty() && rate.stream != s.stream) continue;
    if (!rate.folded.empty()) return Spans();
    known = true;
    int64_t before_ns = 0;
    for (const Sample& sample : rate.samples) {
      const int64_t from_ns = std::max(before_ns, sample.at_ns - kLongestSample_ns);
      before_ns = sample.at_ns;
      if (sample.value > 0) spans.push_back({from_ns, sample.at_ns});
    }
  }
  return known ? std::optional(merged(std::move(spans))) : std::nullopt;
}

}  // namespace

std::string unreported(const Series& s, const TimeWindow& window, const Evidence& evidence) {
  if (std::find(std::begin(kByReports), std::end(kByReports), s.metric) == std::end(kByReports))
    return "";
  if (s.samples.empty() || !s.folded.empty()) return "";
  Spans due = common(inside(s.actor, window, evidence), inside(s.from, window, evidence));
  if (const auto sending = sent(s, evidence)) due = common(due, *sending);
  const TimeWindow asked{std::max(window.from_ns, s.samples.front().at_ns), window.to_ns};
  TimeWindow longest{asked.from_ns, asked.from_ns};
  int64_t last_ns = asked.from_ns;
  const auto reach = [&](int64_t at_ns) {
    const TimeWindow hole{last_ns, std::min(at_ns, asked.to_ns)};
    if (seconds_within(due, hole) > seconds_within(due, longest)) longest = hole;
    last_ns = std::max(last_ns, hole.to_ns);
  };
  for (const Sample& sample : s.samples) reach(sample.at_ns);
  reach(asked.to_ns);
  const double whole = seconds_within(due, asked);
  const double most = std::max(kMostHole * whole, std::min(kShort, kMostOfShort * whole));
  if (seconds_within(due, longest) <= most) return "";
  return fmt::format("no report of the other end told of it from {:.1f} s to {:.1f} s",
                     evidence.seconds(longest.from_ns), evidence.seconds(longest.to_ns));
}

}  // namespace callbot::scenarios
