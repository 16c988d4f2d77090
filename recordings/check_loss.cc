// Packets that never came: of a picture by their share, of sound by what a decoder has to make up.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

constexpr double kWindow = 60;
constexpr double kNearConceals = 0.5;  // heard as one

void map_losses(const Lane& lane, Severity severity, Findings& out) {
  for (const HarmSpan& loss : lane.harm.losses) {
    out.harm(lane, {.kind = "loss",
                    .severity = severity,
                    .from = loss.from,
                    .to = loss.to,
                    .value = static_cast<double>(loss.packets)});
  }
}

void check_picture_loss(const Lane& lane, const VerifyConfig& config, Findings& out) {
  uint64_t came = 0;
  for (const LanePiece& piece : lane.pieces) came += piece.stream.rtp_packets;
  const auto lost = static_cast<double>(lane.harm.packets_lost);
  const double share = lost / std::max(lost + static_cast<double>(came), 1.0);
  const auto severity = share > config.loss_fail   ? Severity::kFail
                        : share > config.loss_warn ? Severity::kWarn
                                                   : Severity::kPass;
  map_losses(lane, severity, out);
  if (severity == Severity::kPass) return;
  const bool fails = severity == Severity::kFail;
  out.add(lane, {.code = "loss",
                 .severity = severity,
                 .start = lane.harm.losses.front().from,
                 .end = lane.harm.losses.back().to,
                 .value = share,
                 .threshold = fails ? config.loss_fail : config.loss_warn,
                 .text = fmt::format("{} lost, about {:.1f} %",
                                     counted(lane.harm.packets_lost, "packet was", "packets were"),
                                     share * 100)});
}

// What lies between two packets of sound as a rule: a packet's length.
double usual_step(const std::vector<double>& times) {
  std::vector<double> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

struct Concealed {
  double from = 0, to = 0, seconds = 0;
};

// Packets are missing by their sequence numbers: a pause of the sender (DTX) has none missing. What
// is long enough for a gap is reported as that.
std::vector<Concealed> concealed_of(const Lane& lane, const VerifyConfig& config) {
  const double step = usual_step(lane.packet_times());
  std::vector<Concealed> out;
  for (const HarmSpan& missing : lane.harm.missing) {
    const double seconds = missing.length() - step;
    if (seconds <= step / 2 || missing.length() >= config.gap_warn) continue;
    if (at_time(lane.expected, missing.from) == nullptr) continue;
    out.push_back({missing.from + step, missing.to, seconds});
  }
  return out;
}

Concealed worst_window(const std::vector<Concealed>& parts) {
  Concealed worst;
  double sum = 0;
  for (size_t first = 0, i = 0; i < parts.size(); ++i) {
    sum += parts[i].seconds;
    while (parts[i].to - parts[first].from > kWindow) sum -= parts[first++].seconds;
    if (sum > worst.seconds) worst = {parts[first].from, parts[i].to, sum};
  }
  return worst;
}

void check_concealed(const Lane& lane, const VerifyConfig& config, Findings& out) {
  const auto parts = concealed_of(lane, config);
  if (parts.empty()) return;
  const Concealed worst = worst_window(parts);
  const double share = worst.seconds / std::min(kWindow, std::max(total(lane.expected), 1.0));
  const auto severity = share > config.concealed_fail   ? Severity::kFail
                        : share > config.concealed_warn ? Severity::kWarn
                                                        : Severity::kPass;
  std::vector<DamageSpan> spans;
  for (const Concealed& c : parts) {
    if (spans.empty() || c.from - spans.back().to > kNearConceals)
      spans.push_back({.kind = "concealed", .from = c.from, .to = c.to});
    spans.back().to = c.to;
    spans.back().value += c.seconds;
    if (c.from >= worst.from && c.to <= worst.to) spans.back().severity = severity;
  }
  for (DamageSpan& span : spans) out.harm(lane, std::move(span));
  if (severity == Severity::kPass) return;
  const bool fails = severity == Severity::kFail;
  out.add(lane, {.code = "concealed",
                 .severity = severity,
                 .start = worst.from,
                 .end = worst.to,
                 .value = share,
                 .threshold = fails ? config.concealed_fail : config.concealed_warn,
                 .text = fmt::format("{:.2f} s of sound are missing and made up by the decoder, "
                                     "{:.1f} % of the worst minute",
                                     worst.seconds, share * 100)});
}

}  // namespace

void check_loss(const Lane& lane, const VerifyConfig& config, Findings& out) {
  if (lane.media == MediaKind::kVideo) return check_picture_loss(lane, config, out);
  map_losses(lane, Severity::kPass, out);
  check_concealed(lane, config, out);
}

}  // namespace callbot::recordings
