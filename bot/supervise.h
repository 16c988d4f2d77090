// bot/supervise.h: `callbot record --restart`: a small parent that keeps the recorder running.
//
// The recorder is a process of its own, because what a peer sends can end the process that takes it
// in. When it was killed, or lost the server for good after it had joined, it is started again and
// goes on in the same recording. SIGINT, SIGTERM and SIGHUP are passed on. After several quick
// deaths in a row the parent gives up. Whatever ended it: a recording that lies open then is
// finished as callbot repair does, judged, and given to --on-finish; the status is the last
// recorder's.
//
// What the worker needs to know of its parent stands in its environment, so that its command line
// is the user's own. So does what we are to tell whoever started us.
//
// Thread:  main's, before any other is started; blocks until the recorder has ended.
// Owner:   main.
// Fails:   through the exit status; 128 + n for a recorder that signal n ended last.
#pragma once

#include <string_view>

#include "bot/options.h"

namespace callbot::bot {

// In the environment of a supervisor: a descriptor to which it tells what becomes of the recording,
// a line each; and another recording of this call: what was asked of it (ctl) holds on.
constexpr const char* kTellTo = "CALLBOT_TELL_FD";
constexpr const char* kAskedIn = "CALLBOT_ASKED_IN";
// The lines: the folder that is recorded into; and that the room was left for good, with the
// `reason` of the manifest (FORMAT.md), or "died". The recording is finished and judged after that.
constexpr std::string_view kToldFolder = "folder ";
constexpr std::string_view kToldLeft = "left ";

// `argv` as main got it, `options` as it was parsed.
int supervise(int argc, char** argv, const RecordOptions& options, bool json);

// In a worker of such a parent: what it says, which goes before the command line. Taken out of the
// environment, so that nobody whom we start takes himself for one.
void obey_supervisor(RecordOptions& options);

}  // namespace callbot::bot
