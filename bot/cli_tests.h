// bot/cli_tests.h: the flags of `callbot test`.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   flags throw CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>

#include "bot/options.h"

namespace callbot::bot {

void add_test(CLI::App& app, TestOptions& o);

}  // namespace callbot::bot
