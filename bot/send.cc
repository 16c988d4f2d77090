#include "bot/send.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/alive.h"
#include "bot/join.h"
#include "bot/network_report.h"

namespace callbot::bot {

namespace {

// What was sent last is on its way, or is asked for again.
constexpr std::chrono::milliseconds kLastPackets{500};

}  // namespace

struct Send::Bot final : CallEvents {
  Bot(Send& send, std::string name) : send(send), name(std::move(name)) {}

  void joined(const std::string&) override {
    in = true;
    send.bot_joined(*this);
  }
  void connected(const std::string& member) override {
    send.console_.event("connected", fmt::format("{} -> {}", name, other(member)),
                        Json::object().set("bot", name).set("member", member));
  }
  void trouble(const std::string& member, const Trouble& trouble) override {
    send.console_.event("trouble",
                        fmt::format("{} -> {}: {}{}", name, other(member), trouble.error.message,
                                    trouble.again ? "; trying again" : ""),
                        Json::object().set("bot", name).set("message", trouble.error.message));
  }
  void rendition_changed(const std::string& member, size_t rendition, double available) override {
    send.console_.event("rendition",
                        fmt::format("{} -> {}: {}, {:.0f} kbit/s", name, other(member),
                                    rendition == 0 ? "full size" : "smaller", available / 1000),
                        Json::object()
                            .set("bot", name)
                            .set("member", member)
                            .set("rendition", static_cast<int64_t>(rendition))
                            .set("available_bps", static_cast<int64_t>(available)));
  }
  void interrupted(const std::string& why) override {
    send.console_.event("interrupted", name + ": server lost, media goes on: " + why,
                        Json::object().set("bot", name).set("reason", why));
  }
  void resumed() override { send.console_.event("resumed", name, Json::object().set("bot", name)); }
  void done(Result<> how) override { send.bot_done(std::move(how)); }

  std::string other(const std::string& member) const {
    const auto* m = call->member(member);
    return m != nullptr ? m->name : member.empty() ? "server" : member;
  }

  Send& send;
  std::string name;
  bool in = false;
  std::unique_ptr<Call> call;
};

Send::Send(Loop& loop, Console& console, SendOptions options, std::function<void(Done)> done)
    : loop_(loop), console_(console), options_(std::move(options)), done_(std::move(done)) {}

Send::~Send() {
  *give_up_ = true;
  worker_.reset();
  bots_.clear();
}

void Send::start() {
  auto plan = plan_feed(options_);
  if (!plan) return stop(plan.error());
  if (plan->reads()) return read(*plan);
  begin(*plan, {});
}

// Off the loop: it may take as long as encoding a film does.
void Send::read(const FeedPlan& plan) {
  reading_ = true;
  worker_ = std::make_unique<Worker>(loop_, 1);
  const std::function<void(const std::string&, double)> tell =
      alive_.guard([this](const std::string& what, double share) {
        if (!stopping_) console_.progress(what, share);
      });
  const auto progress = [this, tell, stop = give_up_, shown = -1, last = std::string()](
                            const std::string& what, double share) mutable {
    const int percent = static_cast<int>(share * 100);
    if (percent != std::exchange(shown, percent) || what != std::exchange(last, what))
      loop_.post([tell, what, share] { tell(what, share); });
    return !*stop;
  };
  worker_->run<std::shared_ptr<ReadFeeds>>(
      [plan, stop = give_up_, progress]() -> Result<std::shared_ptr<ReadFeeds>> {
        auto read = read_feeds(plan, stop, progress);
        if (!read) return tl::unexpected(read.error());
        return std::make_shared<ReadFeeds>(std::move(*read));
      },
      [this, plan](Result<std::shared_ptr<ReadFeeds>> read) {
        reading_ = false;
        console_.end_progress();
        if (!read) return stop(read.error());
        if (stopping_) return report();
        for (const std::string& note : (*read)->notes)
          console_.event("encoded", note, Json::object().set("reason", note));
        begin(plan, std::move(**read));
      });
}

void Send::begin(const FeedPlan& plan, ReadFeeds feeds) {
  auto made = make_source(loop_, log_, plan, std::move(feeds));
  if (!made) return stop(made.error());
  made_ = std::move(*made);
  for (const FeedPart& part : plan.parts)
    if (part.items.empty()) pattern_ = part.pattern;
  made_.source->on_end(alive_.guard([this](Result<> how) {
    if (!how) return stop(how.error());
    if (!stopping_) duration_.once(kLastPackets, [this] { stop(std::nullopt); });
  }));

  using State = signaling::Member::State;
  signaling::Self self;
  self.sends = true;
  self.audio = self.video = State::kOff;
  for (const auto& stream : made_.source->streams())
    (stream.kind == MediaKind::kAudio ? self.audio : self.video) = State::kOn;
  for (int i = 1; i <= options_.count; ++i) {
    JoinOptions join = options_.join;
    if (options_.count > 1) join.name = fmt::format("{}-{}", join.name, i);
    auto config = call_config(join, self);
    if (!config) return stop(config.error());
    config->source = made_.source.get();
    config->opens_channel = options_.tell_clock;
    config->marks = [this] { return marks(); };
    // They send the same packets, and each is to lose others.
    if (config->network) config->network->seed += static_cast<uint64_t>(i) - 1;
    auto bot = std::make_unique<Bot>(*this, join.name);
    auto call = Call::create(loop_, log_.child(join.name), std::move(*config), *bot);
    if (!call) return stop(call.error());
    bot->call = std::move(*call);
    bots_.push_back(std::move(bot));
  }
  if (auto started = made_.source->start(); !started) return stop(started.error());
  open_ = bots_.size();
  for (auto& bot : bots_) bot->call->start();
}

std::vector<MarksPlan> Send::marks() const {
  const int64_t begin_ns = made_.pattern == nullptr ? 0 : made_.pattern->begin_ns();
  if (begin_ns == 0) return {};
  return {
      {pattern_.source, static_cast<double>(begin_ns) / 1e6, static_cast<double>(pattern_.fps)}};
}

pipelines::TestPatternStats Send::stats() const {
  return made_.pattern != nullptr ? made_.pattern->stats() : pipelines::TestPatternStats();
}

pipelines::FileSourceStats Send::file_stats() const {
  return made_.files.empty() ? pipelines::FileSourceStats() : made_.files.front()->stats();
}

void Send::bot_joined(const Bot& bot) {
  console_.event("joined", bot.name, Json::object().set("bot", bot.name));
  if (joined() == bots_.size() && options_.duration && !stopping_)
    duration_.once(*options_.duration, [this] { stop(std::nullopt); });
}

void Send::bot_done(Result<> how) {
  --open_;
  stop(how ? std::nullopt : std::optional(how.error()));
}

size_t Send::joined() const {
  return static_cast<size_t>(
      std::count_if(bots_.begin(), bots_.end(), [](const auto& b) { return b->in; }));
}

size_t Send::connected_legs() const {
  size_t n = 0;
  for (const auto& bot : bots_) n += bot->call->connected_legs();
  return n;
}

void Send::interrupt() {
  const bool early = reading_ || joined() < bots_.size() || options_.duration;
  stop(early ? std::optional(Error{Code::kInterrupted, "interrupted"}) : std::nullopt);
}

void Send::stop(std::optional<Error> why) {
  if (!error_) error_ = std::move(why);
  if (!stopping_) {
    stopping_ = true;
    *give_up_ = true;
    duration_.stop();
    for (auto& bot : bots_)
      if (bot->in) say_network(console_, bot->name, *bot->call);
    if (open_ > 0)
      for (auto& bot : bots_) bot->call->stop();
  }
  if (open_ == 0 && !reading_) report();
}

void Send::report() {
  loop_.post(alive_.guard([this] {
    if (!done_) return;
    const auto done = std::exchange(done_, nullptr);
    done({error_ ? exit_status(*error_) : kExitGood, error_});
  }));
}

}  // namespace callbot::bot
