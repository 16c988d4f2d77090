#include "bot/on_finish.h"

#include <gio/gio.h>

#include "base/gref.h"
#include "base/log.h"
#include "bot/subprocess.h"

namespace callbot::bot {
namespace {

// Null: it cannot be started.
GRef<GSubprocess> start(const std::string& program, const std::filesystem::path& folder,
                        const std::string& verdict) {
  const char* argv[] = {program.c_str(), folder.c_str(), verdict.c_str(), nullptr};
  GError* error = nullptr;
  auto process = GRef<GSubprocess>::adopt(g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, &error));
  if (!process) Log("on-finish").error("{}", ErrorPtr(error)->message);
  return process;
}

}  // namespace

void run_on_finish_and_wait(const std::string& program, const std::filesystem::path& folder,
                            const std::string& verdict) {
  if (program.empty()) return;
  if (const auto process = start(program, folder, verdict))
    g_subprocess_wait(process.get(), nullptr, nullptr);
}

void run_on_finish(const std::string& program, const std::filesystem::path& folder,
                   const std::string& verdict, std::function<void()> then) {
  if (!then) then = [] {};
  const auto process = program.empty() ? nullptr : start(program, folder, verdict);
  if (!process) return then();
  when_ended(process.get(), std::move(then));
}

}  // namespace callbot::bot
