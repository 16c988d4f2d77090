// bot/scenario_feeds.h: reads, and encodes where it has to, all files that the actors of a scenario
// send, before the first of them joins.
//
// Thread:  loop; the work is done on a thread of its own.
// Owner:   bot::ScenarioRun. Destroying it waits until a file gives up (milliseconds).
// Fails:   through `done`: the first actor and its file.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/alive.h"
#include "base/worker.h"
#include "bot/console.h"
#include "bot/scenario_sending.h"

namespace callbot::bot {

class ScenarioFeeds {
 public:
  // `read`: by the actors' names.
  using Done = std::function<void(Result<std::map<std::string, ActorFeeds>> read)>;

  ScenarioFeeds(Loop& loop, Console& console, const scenarios::Scenario& scenario);
  ~ScenarioFeeds();

  bool anything_to_read() const { return !wanted_.empty(); }
  void read(Done done);

 private:
  Loop& loop_;
  Console& console_;
  std::map<std::string, ActorFeeds> wanted_;
  feeds::InputFile::Stop stop_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Worker> worker_;
  Alive alive_;
};

}  // namespace callbot::bot
