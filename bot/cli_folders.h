// bot/cli_folders.h: the command line of the verbs over a recording that is there, and of keys.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>

#include "bot/options.h"

namespace callbot::bot {

void add_verify(CLI::App& app, VerifyOptions& options);
void add_report(CLI::App& app, ReportOptions& options);
void add_show(CLI::App& app, ShowOptions& options);
void add_repair(CLI::App& app, RepairOptions& options);
void add_export(CLI::App& app, ExportOptions& options);
void add_compose(CLI::App& app, ComposeOptions& options);
void add_marks(CLI::App& app, MarksOptions& options);
void add_key(CLI::App& app, KeyOptions& options);
void add_unseal(CLI::App& app, UnsealOptions& options);

}  // namespace callbot::bot
