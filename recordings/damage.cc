#include "recordings/damage.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>

#include "base/files.h"

namespace callbot::recordings {
namespace {

using Merge = DamageKind::Merge;

constexpr DamageKind kKinds[] = {
    {"gap", "s", "nothing was received", Merge::kSum},
    {"loss", "packets", "packets were lost", Merge::kSum},
    {"key-frame-wait", "s", "waiting for a key frame", Merge::kSum},
    {"stall", "s", "the sender stalled", Merge::kSum},
    {"undecodable", "frames", "cannot be decoded", Merge::kSum},
    {"freeze", "s", "the picture stands still", Merge::kSum},
    {"black", "s", "the picture is black", Merge::kSum},
    {"low-layer", "share of the largest picture", "a small picture", Merge::kLeast},
    {"silence", "s", "silent", Merge::kSum},
    {"clipping", "share of the samples", "the sound clips", Merge::kMost},
    {"concealed", "s", "the decoder makes sound up", Merge::kSum},
};

double merged_value(const DamageKind* kind, double a, double b) {
  if (kind == nullptr || kind->merge == Merge::kSum) return a + b;
  return kind->merge == Merge::kMost ? std::max(a, b) : std::min(a, b);
}

// In order of time; spans nearer than `within` become one.
std::vector<DamageSpan> put_together(const std::vector<DamageSpan>& spans, double within) {
  std::vector<DamageSpan> out;
  for (const DamageSpan& s : spans) {
    if (out.empty() || s.from - out.back().to >= within) {
      out.push_back(s);
      continue;
    }
    DamageSpan& last = out.back();
    last.value = merged_value(damage_kind(s.kind), last.value, s.value);
    last.to = std::max(last.to, s.to);
    last.severity = std::max(last.severity, s.severity);
    last.count += s.count;
  }
  return out;
}

size_t place_of(const std::string& kind) {
  const DamageKind* row = damage_kind(kind);
  return row == nullptr ? std::size(kKinds) : static_cast<size_t>(row - kKinds);
}

std::string amount(const DamageSpan& sum) {
  const DamageKind* kind = damage_kind(sum.kind);
  const std::string unit = kind == nullptr ? "" : kind->unit;
  if (unit == "s") return fmt::format("{} {:.2f} s", sum.kind, sum.value);
  if (unit.rfind("share", 0) == 0) return fmt::format("{} {:.0f} %", sum.kind, sum.value * 100);
  return fmt::format("{} {:.0f} {}", sum.kind, sum.value, unit);
}

}  // namespace

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::kPass:
      return "PASS";
    case Severity::kWarn:
      return "WARN";
    case Severity::kFail:
      break;
  }
  return "FAIL";
}

std::span<const DamageKind> damage_kinds() { return kKinds; }

const DamageKind* damage_kind(std::string_view name) {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const DamageKind& k) { return name == k.name; });
  return row == std::end(kKinds) ? nullptr : row;
}

std::vector<DamageSpan> bounded(std::vector<DamageSpan> spans, size_t most) {
  std::vector<std::string> order;  // of the lanes
  std::map<std::pair<size_t, size_t>, std::vector<DamageSpan>> groups;
  for (DamageSpan& s : spans) {
    const auto lane = s.participant + "\n" + s.media;
    auto at = std::find(order.begin(), order.end(), lane);
    if (at == order.end()) at = order.insert(order.end(), lane);
    groups[{static_cast<size_t>(at - order.begin()), place_of(s.kind)}].push_back(std::move(s));
  }
  std::vector<DamageSpan> out;
  for (auto& [key, group] : groups) {
    std::stable_sort(group.begin(), group.end(),
                     [](const DamageSpan& a, const DamageSpan& b) { return a.from < b.from; });
    for (double within = 0.5; group.size() > most; within *= 2) group = put_together(group, within);
    std::move(group.begin(), group.end(), std::back_inserter(out));
  }
  return out;
}

std::vector<std::string> damage_lines(const std::vector<DamageSpan>& spans) {
  std::vector<std::string> lines;
  std::string lane;
  for (size_t i = 0; i < spans.size();) {
    size_t end = i;
    while (end < spans.size() && spans[end].participant == spans[i].participant &&
           spans[end].media == spans[i].media && spans[end].kind == spans[i].kind)
      ++end;
    const auto sum = put_together({spans.begin() + static_cast<ptrdiff_t>(i),
                                   spans.begin() + static_cast<ptrdiff_t>(end)},
                                  std::numeric_limits<double>::infinity())
                         .front();
    const auto whose = printable(sum.name.empty() ? sum.participant : sum.name, 64);
    const auto here = sum.participant + "\n" + sum.media;
    if (lines.empty() || here != lane)
      lines.push_back(fmt::format("{} {}: ", whose, sum.media));
    else
      lines.back() += ", ";
    lane = here;
    lines.back() += amount(sum);
    if (sum.count > 1) lines.back() += fmt::format(" in {} spans", sum.count);
    i = end;
  }
  return lines;
}

}  // namespace callbot::recordings
