// bot/recordings_verb.h: the verb recordings: list, find, show, tag, keep, expire.
//
// Thread:  main's; blocks until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/recordings_options.h"

namespace callbot::bot {

ExitStatus run_recordings(Console& console, const RecordingsOptions& options);

}  // namespace callbot::bot
