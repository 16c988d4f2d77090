// bot/subprocess.h: what GSubprocess tells, on the loop.
//
// Thread:  loop.
// Owner:   the caller of the process; the wait keeps it alive until it has ended.
// Fails:   never.
#pragma once

#include <gio/gio.h>

#include <functional>

namespace callbot::bot {

// Once, when it has ended; at once where it already has.
void when_ended(GSubprocess* process, std::function<void()> then);

}  // namespace callbot::bot
