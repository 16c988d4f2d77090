#include "bot/send.h"

#include <fmt/core.h>

#include <algorithm>

#include "bot/join.h"
#include "bot/network_report.h"

namespace callbot::bot {

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
  void trouble(const std::string& member, const Error& error, bool again) override {
    send.console_.event("trouble",
                        fmt::format("{} -> {}: {}{}", name, other(member), error.message,
                                    again ? "; trying again" : ""),
                        Json::object().set("bot", name).set("message", error.message));
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

Send::~Send() { bots_.clear(); }

void Send::start() {
  pipelines::TestPatternConfig pattern;
  pattern.name = options_.join.name;
  pattern.seed = options_.seed;
  pattern.source = static_cast<uint16_t>(options_.seed);
  pattern.video = options_.video;
  pattern.audio = options_.audio;
  pattern.width = options_.width;
  pattern.height = options_.height;
  pattern.fps = options_.fps;
  pattern.bitrate = options_.bitrate;
  pattern.codec = options_.codec;
  auto source = pipelines::TestPattern::create(loop_, log_, pattern);
  if (!source) return stop(source.error());
  source_ = std::move(*source);
  source_->on_end(alive_.guard(
      [this](Result<> how) { stop(how ? std::nullopt : std::optional(how.error())); }));

  using State = signaling::Member::State;
  signaling::Self self;
  self.sends = true;
  self.audio = options_.audio ? State::kOn : State::kOff;
  self.video = options_.video ? State::kOn : State::kOff;
  for (int i = 1; i <= options_.count; ++i) {
    JoinOptions join = options_.join;
    if (options_.count > 1) join.name = fmt::format("{}-{}", join.name, i);
    auto config = call_config(join, self);
    if (!config) return stop(config.error());
    config->source = source_.get();
    // They send the same packets, and each is to lose others.
    if (config->network) config->network->seed += static_cast<uint64_t>(i) - 1;
    auto bot = std::make_unique<Bot>(*this, join.name);
    auto call = Call::create(loop_, log_.child(join.name), std::move(*config), *bot);
    if (!call) return stop(call.error());
    bot->call = std::move(*call);
    bots_.push_back(std::move(bot));
  }
  if (auto started = source_->start(); !started) return stop(started.error());
  open_ = bots_.size();
  for (auto& bot : bots_) bot->call->start();
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
  const bool early = joined() < bots_.size() || options_.duration;
  stop(early ? std::optional(Error{Code::kInterrupted, "interrupted"}) : std::nullopt);
}

void Send::stop(std::optional<Error> why) {
  if (!error_) error_ = std::move(why);
  if (!stopping_) {
    stopping_ = true;
    duration_.stop();
    for (auto& bot : bots_)
      if (bot->in) say_network(console_, bot->name, *bot->call);
    if (open_ > 0)
      for (auto& bot : bots_) bot->call->stop();
  }
  if (open_ == 0) report();
}

void Send::report() {
  loop_.post(alive_.guard([this] {
    if (!done_) return;
    const auto done = std::exchange(done_, nullptr);
    done({error_ ? exit_status(*error_) : kExitGood, error_});
  }));
}

}  // namespace callbot::bot
