// bot/selftest.h: the verb selftest: faults made on purpose, and what the meters say of them.
//
// Thread:  main's; blocks until done.
// Owner:   main.
// Fails:   through the exit status: 1 something reported is further off than it may be.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_selftest(Console& console, const SelftestOptions& options);

}  // namespace callbot::bot
