#include "bot/on_finish.h"

#include <gio/gio.h>

#include <memory>

#include "base/gref.h"
#include "base/log.h"

namespace callbot::bot {

void run_on_finish(const std::string& program, const std::filesystem::path& folder,
                   const std::string& verdict, std::function<void()> then) {
  struct Waiting {
    std::function<void()> then;
  };
  auto waiting = std::make_unique<Waiting>(Waiting{then ? std::move(then) : [] {}});
  if (program.empty()) return waiting->then();
  const char* argv[] = {program.c_str(), folder.c_str(), verdict.c_str(), nullptr};
  GError* error = nullptr;
  auto process = GRef<GSubprocess>::adopt(g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, &error));
  if (!process) {
    Log("on-finish").error("{}", ErrorPtr(error)->message);
    return waiting->then();
  }
  g_subprocess_wait_async(
      process.get(), nullptr,
      [](GObject*, GAsyncResult*, gpointer data) {
        std::unique_ptr<Waiting>(static_cast<Waiting*>(data))->then();
      },
      waiting.release());
}

}  // namespace callbot::bot
