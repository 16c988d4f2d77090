#include "bot/scenario_feeds.h"

#include <utility>

namespace callbot::bot {

ScenarioFeeds::ScenarioFeeds(Loop& loop, Console& console, const scenarios::Scenario& scenario)
    : loop_(loop), console_(console) {
  uint16_t number = 0;
  for (const scenarios::Instance& who : scenarios::instances(scenario)) {
    auto feeds = feeds_of(scenario, who, ++number);
    if (feeds && feeds->reads()) wanted_.emplace(who.name, std::move(*feeds));
  }
}

ScenarioFeeds::~ScenarioFeeds() {
  *stop_ = true;
  worker_.reset();
}

void ScenarioFeeds::read(Done done) {
  using All = std::shared_ptr<std::map<std::string, ActorFeeds>>;
  worker_ = std::make_unique<Worker>(loop_, 1);
  const std::function<void(const std::string&, double)> tell = alive_.guard(
      [this](const std::string& what, double share) { console_.progress(what, share); });
  const auto progress = [loop = &loop_, tell, stop = stop_, shown = std::string()](
                            const std::string& what, double share) mutable {
    const std::string now = what + std::to_string(static_cast<int>(share * 100));
    if (std::exchange(shown, now) != now) loop->post([tell, what, share] { tell(what, share); });
    return !*stop;
  };
  const auto all = std::make_shared<std::map<std::string, ActorFeeds>>(std::move(wanted_));
  worker_->run<All>(
      [all, stop = stop_, progress]() -> Result<All> {
        for (auto& [name, feeds] : *all) {
          std::vector<ActorFeeds::Feed*> to_read;
          for (auto& feed : feeds.media) to_read.push_back(&feed);
          if (feeds.screen) to_read.push_back(&*feeds.screen);
          for (ActorFeeds::Feed* feed : to_read) {
            auto read = read_feeds(feed->plan, stop, progress);
            if (!read) return tl::unexpected(std::move(read.error()).in(name));
            feed->read = std::move(*read);
          }
        }
        return all;
      },
      [this, done = std::move(done)](Result<All> read) {
        console_.end_progress();
        if (read)
          done(std::move(**read));
        else
          done(tl::unexpected(read.error()));
      });
}

}  // namespace callbot::bot
