// bot/demo.h: the verb demo: a room server, two bots that send the marked pattern, and a recorder,
// all in this process; then the recording's verdict.
//
// Thread:  loop.
// Owner:   main, or a test.
// Fails:   through `done`, once, with what failed first.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/loop.h"
#include "bot/console.h"
#include "bot/options.h"
#include "bot/record.h"
#include "bot/send.h"
#include "bot/serve.h"

namespace callbot::bot {

class Demo {
 public:
  Demo(Loop& loop, Console& console, DemoOptions options, std::function<void(Record::Done)> done);
  ~Demo();

  void start();
  void interrupt();
  void terminate();

 private:
  void start_recorder();
  void tick();
  void bot_done(const Send::Done& done);
  void recorded(Record::Done done);

  Loop& loop_;
  Console& console_;
  DemoOptions options_;
  std::function<void(Record::Done)> done_;
  std::unique_ptr<Serve> serve_;
  std::vector<std::unique_ptr<Send>> bots_;
  std::unique_ptr<Record> record_;
  std::optional<Record::Done> recorded_;
  int64_t recording_since_ns_ = 0;
  Timer tick_;
  Alive alive_;
};

}  // namespace callbot::bot
