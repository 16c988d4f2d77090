#include "bot/scenario_check.h"

#include <fmt/core.h>

#include "base/print.h"
#include "base/text.h"
#include "bot/scenario_mistakes.h"
#include "scenarios/decode.h"
#include "scenarios/run_json.h"
#include "scenarios/schema.h"

namespace callbot::bot {
namespace {

constexpr uint64_t kMostCsv = 16u << 20;
constexpr uint64_t kMostScenario = 16u << 20;

// A mistake of one row is most often one of all rows.
Result<> check(const std::string& file, const TestOptions& options,
               const std::vector<scenarios::Values>& rows) {
  for (const scenarios::Values& row : rows) {
    const auto scenario = scenarios::load_scenario(
        file, {options.vars, row, scenarios::from_environment}, mistakes_of);
    if (!scenario) return tl::unexpected(scenario.error());
    if (&row != &rows.front()) continue;
    print("{}: {}: {}, {}, {}\n", file, scenario->name,
          counted(scenarios::instances(*scenario).size(), "actor"),
          counted(scenario->steps.size(), "step"),
          counted(scenario->thresholds.size() + scenario->timeline.size(), "demand"));
  }
  return {};
}

ExitStatus say(const Error& error) {
  print_error("{}{}\n", error.code == Code::kUsage ? "" : "callbot: ", error.message);
  return exit_status(error);
}

}  // namespace

Result<> vars_are_used(const TestOptions& options) {
  std::string all;
  for (const std::string& file : options.files) {
    const auto text = read_file(file, kMostScenario);
    if (!text) return {};  // whoever loads it says why
    all += *text;
  }
  for (const auto& [name, value] : options.vars)
    if (all.find("${" + name + "}") == std::string::npos &&
        all.find("${" + name + ":-") == std::string::npos)
      return fail(Code::kUsage,
                  fmt::format("--var {}: there is no ${{{}}} in {}", name, name,
                              options.files.size() == 1 ? options.files[0] : "any of the files"));
  return {};
}

Result<std::vector<scenarios::Values>> variable_rows(const fs::path& csv) {
  if (csv.empty()) return std::vector<scenarios::Values>(1);
  const auto text = read_file(csv, kMostCsv);
  if (!text) return tl::unexpected(text.error());
  return scenarios::parse_csv(*text).map_error(
      [&](Error error) { return std::move(error).in(csv.string()); });
}

ExitStatus run_scenario_check(const TestOptions& options) {
  if (!options.schema.empty()) {
    const bool run = options.schema == "run";
    print("{}\n", (run ? scenarios::run_schema() : scenarios::scenario_schema()).dump(true));
    return kExitGood;
  }
  if (auto used = vars_are_used(options); !used) return say(used.error());
  const auto rows = variable_rows(options.csv);
  if (!rows) return say(rows.error());
  ExitStatus status = kExitGood;
  for (const std::string& file : options.files) {
    if (auto fine = check(file, options, *rows); !fine) status = say(fine.error());
  }
  return status;
}

}  // namespace callbot::bot
