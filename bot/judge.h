// bot/judge.h: the verbs verify, report, show and repair.
//
// Thread:  main's; they block until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_verify(Console& console, const VerifyOptions& options);
ExitStatus run_report(Console& console, const ReportOptions& options);
ExitStatus run_show(const ShowOptions& options);
ExitStatus run_repair(Console& console, const RepairOptions& options);

}  // namespace callbot::bot
