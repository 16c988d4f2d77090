// bot/send.h: the verb send: joins as one or more members that send the marked test pattern.
//
// Thread:  loop.
// Owner:   main, the demo, or a test.
// Fails:   through `done`, once, with the first error of any member; the others leave then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "bot/call.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"
#include "pipelines/test_pattern.h"

namespace callbot::bot {

class Send final {
 public:
  struct Done {
    ExitStatus status = kExitGood;
    std::optional<Error> error;
  };

  Send(Loop& loop, Console& console, SendOptions options, std::function<void(Done)> done);
  ~Send();

  void start();
  void interrupt();  // leaves; any number of times
  void terminate() { interrupt(); }
  size_t joined() const;
  size_t connected_legs() const;
  // Of the one source that all members send.
  pipelines::TestPatternStats stats() const { return source_->stats(); }

 private:
  struct Bot;
  void stop(std::optional<Error> why);
  void bot_joined(const Bot& bot);
  void bot_done(Result<> how);
  void report();

  Loop& loop_;
  Console& console_;
  Log log_{"send"};
  SendOptions options_;
  std::function<void(Done)> done_;
  std::unique_ptr<pipelines::TestPattern> source_;
  std::vector<std::unique_ptr<Bot>> bots_;
  size_t open_ = 0;  // bots that are not done
  bool stopping_ = false;
  std::optional<Error> error_;
  Timer duration_;
  Alive alive_;
};

}  // namespace callbot::bot
