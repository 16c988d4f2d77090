#include "scenarios/baseline_runs.h"

#include <fmt/core.h>

#include <algorithm>

namespace callbot::scenarios {
namespace {

bool has(const Values& all, const Values& row) {
  return std::all_of(row.begin(), row.end(), [&](const auto& one) {
    const auto found = all.find(one.first);
    return found != all.end() && found->second == one.second;
  });
}

// What it measured can be believed.
bool is_good(const RunRecord* run) {
  return run->evidence.invalid.empty() && run->evidence.established && !run->evidence.interrupted;
}

}  // namespace

std::vector<const RunRecord*> baseline_of(std::span<const RunRecord> all, const Evidence& now,
                                          const BaselineWish& wish) {
  std::vector<const RunRecord*> same, exact;
  for (const RunRecord& run : all) {
    if (run.evidence.scenario != now.scenario || !has(run.evidence.variables, wish.row)) continue;
    same.push_back(&run);
    if (run.evidence.variables == now.variables) exact.push_back(&run);
  }
  if (!exact.empty()) same = exact;
  if (wish.repeat < same.size() && is_good(same[wish.repeat])) return {same[wish.repeat]};
  return same;
}

std::vector<Case> compare_with(std::span<const RunRecord> baseline, const Evidence& now,
                               const std::vector<Threshold>& thresholds, const BaselineWish& wish) {
  auto runs = baseline_of(baseline, now, wish);
  if (runs.empty()) {
    std::string row;
    for (const auto& [name, value] : wish.row) row += fmt::format(" {}={}", name, value);
    return {no_baseline(fmt::format("the baseline has no run of \"{}\"{}{}", now.scenario,
                                    row.empty() ? "" : " with", row),
                        wish.rules)};
  }
  std::erase_if(runs, [](const RunRecord* run) { return !is_good(run); });
  if (runs.empty())
    return {no_baseline("the baseline's run did not come to its end, or was invalid", wish.rules)};
  std::vector<std::vector<Number>> before;
  before.reserve(runs.size());
  for (const RunRecord* run : runs) before.push_back(numbers_of(run->evidence, thresholds));
  return baseline_cases(compare(before, numbers_of(now, thresholds), wish.rules.tolerance),
                        wish.rules);
}

}  // namespace callbot::scenarios
