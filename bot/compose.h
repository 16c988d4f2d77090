// bot/compose.h: the verb compose.
//
// Thread:  main's; blocks until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error. Ctrl-C leaves nothing.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_compose(Console& console, const ComposeOptions& options);

}  // namespace callbot::bot
