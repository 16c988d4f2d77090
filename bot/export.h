// bot/export.h: the verb export.
//
// Thread:  main's; blocks until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error. Ctrl-C leaves the files
//          that were finished, and nothing of the one that was not.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_export(Console& console, const ExportOptions& options);

}  // namespace callbot::bot
