// bot/cli_calls.h: the command line of the verbs that are in a call: record, send, serve, ctl.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bot/options.h"

namespace callbot::bot {

void add_record(CLI::App& app, RecordOptions& options);
void add_send(CLI::App& app, SendOptions& options);
void add_serve(CLI::App& app, ServeOptions& options);
void add_ctl(CLI::App& app, CtlOptions& options);
void add_check(CLI::App& app, CheckCallOptions& options);

// A word behind --until-empty that is no time is another's. In CLI11's order: last first.
std::vector<std::string> arguments(const std::vector<std::string>& words);
// What is wrong with "ctl DIR word" where there is no such word; empty: that is not it.
// `rest`: the words that nobody took.
std::string wrong_ctl_command(const CLI::App& ctl, const std::vector<std::string>& rest);

}  // namespace callbot::bot
