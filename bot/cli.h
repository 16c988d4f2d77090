// bot/cli.h: the command line -> Invocation. Only it and bot/cli_recordings see CLI11.
//
// Thread:  loop, at start.
// Owner:   the caller.
// Fails:   kUsage with a message that names the flag and what was expected.
#pragma once

#include <string>
#include <variant>

#include "base/error.h"
#include "bot/options.h"

namespace callbot::bot {

// Text that was asked for: --help or --version.
struct HelpText {
  std::string text;
};

Result<std::variant<Invocation, HelpText>> parse_command_line(int argc, const char* const* argv);

// The program's exit statuses; one list for every verb, printed by --help.
enum ExitStatus {
  kExitGood = 0,        // done, and good (a WARN too)
  kExitNotGood = 1,     // done, but the call or the recording is not good (FAIL)
  kExitUsage = 2,       // wrong use
  kExitConnect = 3,     // could not connect or join
  kExitStorage = 4,     // a folder or file could not be read or written
  kExitUnmeasured = 5,  // nothing to judge, or the judgement is invalid
  kExitInterrupted = 130,
};
ExitStatus exit_status(const Error& error);
// Of a verb that reads a folder: what is denied there is for want of a key, what is unsupported was
// made by a later version; both are as good as nothing to judge, and no wrong use.
ExitStatus exit_status_on_disk(const Error& error);
// Tells it on standard error; its exit status.
ExitStatus tell(const Error& error);
ExitStatus tell_on_disk(const Error& error);

}  // namespace callbot::bot
