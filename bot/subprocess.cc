#include "bot/subprocess.h"

#include <memory>

namespace callbot::bot {

void when_ended(GSubprocess* process, std::function<void()> then) {
  using Then = std::function<void()>;
  g_subprocess_wait_async(
      process, nullptr,
      [](GObject*, GAsyncResult*, gpointer data) {
        (*std::unique_ptr<Then>(static_cast<Then*>(data)))();
      },
      std::make_unique<Then>(std::move(then)).release());
}

}  // namespace callbot::bot
