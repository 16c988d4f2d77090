// bot/supervise.h: `callbot record --restart`: a small parent that keeps the recorder running.
//
// The recorder is a process of its own, because what a peer sends can end the process that takes it
// in. When it was killed, or lost the server for good after it had joined, it is started again and
// goes on in the same recording (--resume). SIGINT, SIGTERM and SIGHUP are passed on. After several
// quick deaths in a row the parent gives up, finishes the recording as callbot repair does, and
// ends with the status of the last recorder.
//
// Thread:  main's, before any other is started; blocks until the recorder has ended.
// Owner:   main.
// Fails:   through the exit status; 128 + n for a recorder that signal n ended last.
#pragma once

namespace callbot::bot {

// `argv` as main got it.
int supervise(int argc, char** argv, bool json);

}  // namespace callbot::bot
