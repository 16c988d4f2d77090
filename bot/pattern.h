// bot/pattern.h: the verb pattern: the marked test pattern as files, for the fake camera and
// microphone of a browser, or for any other player.
//
// Picture n and the samples from n / fps on belong together, as in `send`. The same options give
// the same bytes. Files are there whole or not at all. Their length is whole seconds, which are
// chirps: a player that begins again at the end begins with chirp 0, and with picture 0.
//
// Thread:  main's; blocks until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error. Ctrl-C leaves nothing.
#pragma once

#include <functional>

#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_pattern(Console& console, const PatternOptions& options);
// 0..1; false: stop.
Result<> write_pattern(const PatternOptions& options, const std::function<bool(double)>& progress);

}  // namespace callbot::bot
