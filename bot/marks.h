// bot/marks.h: the verb marks: what marks there are in media files, and whether a plan holds.
//
// Thread:  main's; blocks until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error: 1 the plan does not hold,
//          5 there is nothing to judge.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_marks(Console& console, const MarksOptions& options);

}  // namespace callbot::bot
