// bot/scenario_check.h: `callbot test --check` and `--schema`: what can be said of a scenario
// without running it.
//
// Thread:  main's; no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "bot/cli.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_scenario_check(const TestOptions& options);

}  // namespace callbot::bot
