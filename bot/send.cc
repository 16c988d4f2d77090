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
  void connected(const std::string& member, signaling::LegId) override {
    send.console_.event("connected", fmt::format("{} -> {}", name, other(member)),
                        Json::object().set("bot", name).set("member", member));
  }
  void trouble(const std::string& member, const Trouble& trouble) override {
    send.console_.event("trouble",
                        fmt::format("{} -> {}: {}{}", name, other(member), trouble.error.message,
                                    trouble.again ? "; trying again" : ""),
                        Json::object().set("bot", name).set("message", trouble.error.message));
  }
  void track_added(const TrackInfo& track, bool taken) override {
    if (!taken || send.echo_ == nullptr) return;
    const bool back = send.echoes(track);
    send.console_.event(
        back ? "echo" : "trouble",
        fmt::format("{} -> {}: {} in {}{}", name, track.name, name_of(track.kind), track.codec,
                    back ? "" : " is not sent back: --codec " + track.codec),
        Json::object().set("bot", name).set("name", track.name).set("codec", track.codec));
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
  if (!options_.feed.echo.empty()) return begin(make_echo());
  auto plan = plan_feed(options_);
  if (!plan) return stop(plan.error());
  if (plan->reads()) return read(*plan);
  begin(make(*plan, {}));
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
        begin(make(plan, std::move(**read)));
      });
}

Result<> Send::make(const FeedPlan& plan, ReadFeeds feeds) {
  auto made = make_source(loop_, log_, plan, std::move(feeds));
  if (!made) return tl::unexpected(made.error());
  made_ = std::move(*made);
  for (const FeedPart& part : plan.parts)
    if (part.items.empty()) pattern_ = part.pattern;
  return {};
}

Result<> Send::make_echo() {
  const FeedOptions& feed = options_.feed;
  const bool other = !feed.files.empty() || feed.size || feed.fps || feed.bitrate ||
                     (!feed.picture.empty() && feed.picture != "none") ||
                     (!feed.sound.empty() && feed.sound != "none") || options_.count > 1;
  if (other)
    return fail(Code::kUsage,
                "--echo sends what another member sends, as it is: expected none of --file, "
                "--video, --audio (but none), --size, --fps, --bitrate, --count with it");
  std::vector<ClipStream> streams;
  if (options_.video)
    streams.push_back({.kind = MediaKind::kVideo,
                       .codec = options_.codec,
                       .width = options_.width,
                       .height = options_.height,
                       .fps = options_.fps});
  if (options_.audio)
    streams.push_back({.kind = MediaKind::kAudio, .codec = "opus", .channels = 2});
  if (streams.empty())
    return fail(Code::kUsage, "--video none --audio none: expected something to send");
  const std::function<void(TrackId)> ask =
      alive_.guard([this](TrackId track) { bots_.front()->call->request_key_frame(track); });
  auto clip = std::make_unique<pipelines::EchoClip>(
      std::move(streams), [this, ask](TrackId track) { loop_.post([ask, track] { ask(track); }); });
  echo_ = clip.get();
  auto source =
      pipelines::FileSource::create(loop_, log_, std::move(clip), {.msid = "callbot-echo"});
  if (!source) return tl::unexpected(source.error());
  made_.files.push_back(source->get());
  made_.source = std::move(*source);
  return {};
}

// The bot's call.
Result<std::unique_ptr<Call>> Send::make_call(Bot& bot, int number) {
  using State = signaling::Member::State;
  signaling::Self self;
  self.sends = true;
  self.receives = echo_ != nullptr;
  self.audio = self.video = State::kOff;
  for (const auto& stream : made_.source->streams())
    (stream.kind == MediaKind::kAudio ? self.audio : self.video) = State::kOn;
  JoinOptions join = options_.join;
  join.name = bot.name;
  auto config = call_config(join, self);
  if (!config) return tl::unexpected(config.error());
  config->source = made_.source.get();
  config->opens_channel = options_.tell_clock;
  config->marks = [this] { return marks(); };
  // They send the same packets, and each is to lose others.
  if (config->network) config->network->seed += static_cast<uint64_t>(number) - 1;
  if (echo_ != nullptr) {
    config->receive_codecs = {options_.codec, "opus"};
    config->wants = [this](const signaling::Member& member) {
      return member.name == options_.feed.echo;
    };
  }
  auto call = Call::create(loop_, log_.child(join.name), std::move(*config), bot);
  if (call && echo_ != nullptr) (*call)->add_sink(*echo_);
  return call;
}

void Send::begin(const Result<>& made) {
  if (!made) return stop(made.error());
  made_.source->on_end(alive_.guard([this](Result<> how) {
    if (!how) return stop(how.error());
    if (!stopping_) duration_.once(kLastPackets, [this] { stop(std::nullopt); });
  }));

  for (int i = 1; i <= options_.count; ++i) {
    const std::string& name = options_.join.name;
    auto bot =
        std::make_unique<Bot>(*this, options_.count > 1 ? fmt::format("{}-{}", name, i) : name);
    auto call = make_call(*bot, i);
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

bool Send::echoes(const TrackInfo& track) const {
  const auto& streams = made_.source->streams();
  return std::any_of(streams.begin(), streams.end(), [&](const pipelines::SourceStream& stream) {
    return stream.kind == track.kind && stream.codec == track.codec;
  });
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
