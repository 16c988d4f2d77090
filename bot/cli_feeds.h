// bot/cli_feeds.h: the command line of what is sent: the flags of send that choose it, and the verb
// pattern.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>

#include "bot/options.h"

namespace callbot::bot {

void add_feed(CLI::App* send, SendOptions& options);
void add_pattern(CLI::App& app, PatternOptions& options);

}  // namespace callbot::bot
