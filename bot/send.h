// bot/send.h: the verb send: joins as one or more members that send the marked test pattern, files
// and prompts, or back what somebody else sends.
//
// Thread:  loop.
// Owner:   main, the demo, or a test.
// Fails:   through `done`, once, with the first error of any member; the others leave then.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/worker.h"
#include "bot/call.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/feed_source.h"
#include "bot/options.h"
#include "pipelines/echo_clip.h"

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
  // Of the one source that all members send; zeros where it is no pattern.
  pipelines::TestPatternStats stats() const;
  pipelines::FileSourceStats file_stats() const;  // of the first of them

 private:
  struct Bot;
  void read(const FeedPlan& plan);
  Result<> make(const FeedPlan& plan, ReadFeeds feeds);
  Result<> make_echo();
  Result<std::unique_ptr<Call>> make_call(Bot& bot, int number);
  void begin(const Result<>& made);
  bool echoes(const TrackInfo& track) const;
  void stop(std::optional<Error> why);
  void bot_joined(const Bot& bot);
  void bot_done(Result<> how);
  void report();
  std::vector<MarksPlan> marks() const;

  Loop& loop_;
  Console& console_;
  Log log_{"send"};
  SendOptions options_;
  std::function<void(Done)> done_;
  MadeSource made_;
  pipelines::EchoClip* echo_ = nullptr;   // made_ sends it; null: it sends something else
  pipelines::TestPatternConfig pattern_;  // where there is one in it
  std::vector<std::unique_ptr<Bot>> bots_;
  size_t open_ = 0;  // bots that are not done
  bool stopping_ = false;
  std::optional<Error> error_;
  Timer duration_;
  bool reading_ = false;
  feeds::InputFile::Stop give_up_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Worker> worker_;
  Alive alive_;
};

}  // namespace callbot::bot
