// bot/ctl.h: the verb ctl: tells a recorder that runs what to do, through its control socket.
//
// Thread:  main's; it blocks until the recorder has answered, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "base/json.h"
#include "bot/cli.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_ctl(const CtlOptions& options);

// One command as it goes over the socket.
Json ctl_request(const CtlOptions& options, const std::string& pattern = "");
// The answer to "status" for people.
std::string status_text(const Json& status);

}  // namespace callbot::bot
