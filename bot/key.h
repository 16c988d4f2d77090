// bot/key.h: the verbs key and unseal.
//
// Thread:  main's; they block until done, there is no loop.
// Owner:   main.
// Fails:   through the exit status, after saying why on standard error.
#pragma once

#include "bot/cli.h"
#include "bot/options.h"

namespace callbot::bot {

ExitStatus run_key(const KeyOptions& options);
ExitStatus run_unseal(const UnsealOptions& options);

}  // namespace callbot::bot
