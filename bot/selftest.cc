#include "bot/selftest.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/print.h"
#include "bot/interrupt.h"
#include "bot/selftest_lines.h"
#include "quality/selftest.h"
#include "recordings/av.h"

namespace callbot::bot {
namespace {

using quality::SelftestRow;

std::string number(double value, std::string_view unit) {
  if (unit == "s") {
    const std::string ms = fmt::format("{:.1f} ms", value * 1000);
    return ms == "-0.0 ms" ? "0.0 ms" : ms;
  }
  if (unit == "bit/s") return fmt::format("{:.0f} bit/s", value);
  return fmt::format("{:.3g} {}", std::abs(value) < 1e-4 ? 0 : value, unit);
}

// "5", "40.2 ms"; counts have no unit.
std::string value_text(const SelftestRow& row, double value) {
  const Metric& metric = *find_metric(row.metric);
  if (row.stat == "count" || metric.kind == MetricKind::kCount) return fmt::format("{:g}", value);
  if (std::string_view(metric.unit) == "1") return fmt::format("{:.3g}", value);
  return number(value, metric.unit);
}

std::string reported_text(const SelftestRow& row) {
  return row.state == Measured::kOk ? value_text(row, row.reported) : name_of(row.state);
}
std::string true_text(const SelftestRow& row) {
  return row.true_state == Measured::kOk ? value_text(row, row.truth) : name_of(row.true_state);
}

void print_text(const std::vector<SelftestRow>& rows) {
  std::string fault;
  for (const SelftestRow& row : rows) {
    if (row.fault != fault) print("\n{}\n", row.fault);
    fault = row.fault;
    const bool exact = row.tolerance == 0;
    print("  {:4} {:20} {:5} true {:>12}  reported {:>12}{}\n", row.holds() ? "ok" : "OFF",
          row.metric, row.stat, true_text(row), reported_text(row),
          exact ? "" : "  within " + value_text(row, row.tolerance));
  }
  const auto off = std::count_if(rows.begin(), rows.end(), [](auto& r) { return !r.holds(); });
  print("\n{} of {} as they were made", rows.size() - static_cast<size_t>(off), rows.size());
  if (off > 0) print("; {} OFF", off);
  std::string names;
  for (const std::string& name : quality::not_tried(rows)) names += " " + name;
  print("\nnot tried here:{}\n", names);
}

void print_json(const std::vector<SelftestRow>& rows) {
  Json list = Json::array(), missing = Json::array();
  for (const SelftestRow& row : rows) {
    const bool numbers = row.true_state == Measured::kOk && row.state == Measured::kOk;
    list.add(Json::object()
                 .set("fault", row.fault)
                 .set("metric", row.metric)
                 .set("stat", row.stat)
                 .set("unit", find_metric(row.metric)->unit)
                 .set("state", name_of(row.state))
                 .set("samples", row.samples)
                 .set_if(numbers, "true", row.truth)
                 .set_if(numbers, "reported", row.reported)
                 .set_if(numbers, "tolerance", row.tolerance)
                 .set("holds", row.holds()));
  }
  for (const std::string& name : quality::not_tried(rows)) missing.add(name);
  print("{}\n", Json::object().set("rows", list).set("not_tried", missing).dump(true));
}

}  // namespace

ExitStatus run_selftest(Console& console, const SelftestOptions& options) {
  recordings::take_av_log();
  const Interrupt interrupt;
  const bool bar = console.terminal() && !options.json;
  const auto progress = [&](const char* what) {
    return [&, what](double share) {
      if (bar) console.progress(what, share);
      return !Interrupt::asked();
    };
  };
  auto rows = quality::selftest(progress("measuring"));
  std::optional<Error> no_call;
  if (rows && options.call) {
    const auto more = selftest_lines(progress("in a call"));
    if (more)
      rows->insert(rows->end(), more->begin(), more->end());
    else
      no_call = more.error();
  }
  if (bar) console.end_progress();
  if (!rows) return tell(rows.error());
  options.json ? print_json(*rows) : print_text(*rows);
  if (no_call) return tell(*no_call);
  const bool good = std::all_of(rows->begin(), rows->end(), [](auto& r) { return r.holds(); });
  return good ? kExitGood : kExitNotGood;
}

}  // namespace callbot::bot
