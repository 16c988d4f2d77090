// bot/cli_recordings.h: the command line of `callbot recordings ...`.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bot/recordings_options.h"

namespace callbot::bot {

void add_recordings(CLI::App& app, RecordingsOptions& options);
// `recordings tag NAME -draft` takes the tag draft away and is no flag: such words are marked for
// add_recordings.
std::vector<std::string> mark_removed_tags(int argc, const char* const* argv);

}  // namespace callbot::bot
