// bot/scenario_check.h: `callbot test --check` and `--schema`: what can be said of a scenario
// without running it.
//
// Thread:  main's; no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "bot/cli.h"
#include "bot/options.h"
#include "scenarios/variables.h"

namespace callbot::bot {

ExitStatus run_scenario_check(const TestOptions& options);
// Each --var stands in one of the files at least; kUsage: it does not.
Result<> vars_are_used(const TestOptions& options);
// What the rows of --vars say; one that says nothing without a file.
Result<std::vector<scenarios::Values>> variable_rows(const fs::path& csv);

}  // namespace callbot::bot
