// bot/on_finish.h: --on-finish: the program that is run with a recording's folder and verdict.
//
// Thread:  loop.
// Owner:   the caller of what it is told; the process is nobody's once it runs.
// Fails:   a program that cannot be started is said in the log, and counts as done.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace callbot::bot {

// PROGRAM FOLDER VERDICT; an empty program is none. `then` comes once it has ended, on the loop.
void run_on_finish(const std::string& program, const std::filesystem::path& folder,
                   const std::string& verdict, std::function<void()> then = {});
// The same where there is no loop: blocks until the program has ended.
void run_on_finish_and_wait(const std::string& program, const std::filesystem::path& folder,
                            const std::string& verdict);

}  // namespace callbot::bot
