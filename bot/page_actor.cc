#include "bot/page_actor.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>

#include "base/clock.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr int kProbes = 8;            // of the page's clock, when it joined
constexpr size_t kMostSentTimes = 8;  // of one mark, in a file that is played again and again
constexpr size_t kMostSent = 20'000;  // marks, before old ones are forgotten
constexpr std::chrono::nanoseconds kSentKept = 60s;  // nobody shows a frame that late
constexpr auto kLookWithin = 10s;

// In the page, before its own scripts. `s` is what the page says of itself.
constexpr const char* kScript = R"js(
globalThis.callbotActor = (() => {
  const state = () => globalThis.callbot?.state();
  async function until(test, ms) {
    for (const end = performance.now() + ms; performance.now() < end;) {
      const s = state();
      if (s && test(s)) return s;
      if (!s && document.readyState === 'complete') throw new Error('this is not the page of callbot');
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    throw new Error(`not within ${ms} ms; the page: ${JSON.stringify(state())}`);
  }
  const click = (id) => document.getElementById(id).click();
  const turn = async (id, of, wanted, ms) => {
    if (of(state()) === wanted) return;
    click(id);
    await until((s) => of(s) === wanted, ms);
  };
  return {
    until,
    joined: (ms) => until((s) => s.phase === 'live' || s.lastEnd, ms),
    mute: (yes, ms) => turn('mic', (s) => s.self.audio === 'off', yes, ms),
    camera: (on, ms) => turn('camera', (s) => s.self.video === 'on', on, ms),
    screen: (on, ms) => turn('screen', (s) => s.self.videoSource === 'screen', on, ms),
    async chat(text, ms) {
      const before = state().chat.length;
      click('tab-chat');
      document.getElementById('chat-text').value = text;
      document.getElementById('chat-form').requestSubmit();
      await until((s) => s.chat.length > before, ms);
    },
    async leave(ms) {
      click('leave');
      await until((s) => s.phase === 'lobby', ms);
    },
  };
})();
)js";

// A JavaScript string.
std::string quoted(const std::string& text) {
  const std::string list = Json::array().add(text).dump();
  return list.substr(1, list.size() - 2);
}

std::string escaped(const std::string& text) {
  return Text(g_uri_escape_string(text.c_str(), nullptr, FALSE)).get();
}

Result<> without_value(const Result<Json>& result) {
  return result ? Result<>() : tl::unexpected(result.error());
}

}  // namespace

PageActor::PageActor(Loop& loop, Log log, PageActorConfig config, PageActorEvents events)
    : loop_(loop),
      log_(std::move(log)),
      config_(std::move(config)),
      events_(std::move(events)),
      marks_(config_.name, events_.captured_at),
      stats_(config_.name) {}

PageActor::~PageActor() = default;

std::string PageActor::url() const {
  std::string url = fmt::format("{}/?room={}&name={}&autojoin=1", config_.page,
                                escaped(config_.room), escaped(config_.name));
  const auto add = [&](bool when, const std::string& more) {
    if (when) url += "&" + more;
  };
  add(!config_.token.empty(), "token=" + escaped(config_.token));
  add(!config_.codec.empty(), "codec=" + config_.codec);
  add(config_.width > 0, fmt::format("size={}x{}", config_.width, config_.height));
  add(!config_.audio, "audio=0");
  add(!config_.video, "video=0");
  return url;
}

void PageActor::start(Done joined) {
  joined_ = std::move(joined);
  config_.browser.scripts.push_back(kScript);
  browsers::BrowserEvents events;
  events.console = events_.console;
  events.gone = [this](const Error& error) {
    looks_ = false;
    look_.stop();
    const auto told = events_.gone;
    if (told) told(error);
  };
  events.told = [this](const std::string& text) {
    const auto told = Json::parse(text);
    if (!told || !events_.sends) return;
    if (const auto frame = browsers::parse_sent(*told, origin_, clock_)) events_.sends(*frame);
  };
  browser_ = browsers::Browser::start(
      loop_, log_, config_.browser, std::move(events), [this](Result<> started) {
        if (!started) return std::exchange(joined_, nullptr)(std::move(started));
        if (events_.opens) events_.opens();
        browser_->open(url(), config_.join_within, [this](Result<> how) { opened(how); });
      });
}

void PageActor::opened(Result<> how) {
  if (!how) return std::exchange(joined_, nullptr)(std::move(how));
  run("joined", config_.join_within, [this](Result<Json> state) { joined(std::move(state)); });
}

void PageActor::joined(Result<Json> state) {
  const auto done = std::exchange(joined_, nullptr);
  if (!state) return done(tl::unexpected(std::move(state.error()).in("join " + config_.page)));
  const Json end = state->at("lastEnd");
  if (state->at("phase").text() != "live" && end.is_object()) {
    const bool unreachable = end.at("code").text() == "unreachable";
    return done(fail(unreachable ? Code::kConnect : Code::kDenied,
                     "join: " + end.at("message").text().value_or("refused")));
  }
  times_ = state->at("times");
  probe(kProbes, [this, done](Result<> how) {
    looks_ = how.has_value();
    schedule();
    done(std::move(how));
  });
}

// Runs callbotActor.NAME(..., ms); `script` is "mute(true" without its end, or a bare name.
void PageActor::run(const std::string& script, std::chrono::milliseconds deadline, Value done) {
  const bool bare = script.find('(') == std::string::npos;
  const std::string call =
      fmt::format("callbotActor.{}{}{})", script, bare ? "(" : ", ", deadline.count());
  browser_->evaluate(call, deadline + kLookWithin, [done = std::move(done)](Result<Json> value) {
    const bool late = !value && value.error().message.find("not within") != std::string::npos;
    if (late) value = fail(Code::kTimeout, value.error().message);
    done(std::move(value));
  });
}

void PageActor::act(const std::string& script, Done done) {
  run(script, config_.step_within, [script, done = std::move(done)](Result<Json> value) {
    if (!value)
      value = tl::unexpected(std::move(value.error()).in(script.substr(0, script.find('('))));
    done(without_value(value));
  });
}

void PageActor::mute(bool yes, Done done) { act(fmt::format("mute({}", yes), std::move(done)); }
void PageActor::camera(bool on, Done done) { act(fmt::format("camera({}", on), std::move(done)); }
void PageActor::screen(bool on, Done done) { act(fmt::format("screen({}", on), std::move(done)); }
void PageActor::chat(const std::string& text, Done done) {
  act("chat(" + quoted(text), std::move(done));
}
void PageActor::leave(Done done) { act("leave", std::move(done)); }

void PageActor::wait(const std::string& condition, std::chrono::milliseconds deadline, Done done) {
  run("until((s) => " + condition, deadline,
      [condition, done = std::move(done)](Result<Json> value) {
        if (!value) value = tl::unexpected(std::move(value.error()).in(condition));
        done(without_value(value));
      });
}

void PageActor::send_file(const fs::path& file, Done done) {
  state([this, file, done = std::move(done)](Result<Json> before) {
    if (!before) return done(tl::unexpected(before.error()));
    const size_t files = before->at("files").size();
    browser_->set_file(
        "document.getElementById('file')", file, config_.step_within,
        [this, files, done](Result<> chosen) {
          if (!chosen) return done(std::move(chosen));
          wait(fmt::format("s.files.slice({}).some((f) => f.own && f.state === 'done')", files),
               config_.join_within, done);
        });
  });
}

void PageActor::reload(Done done) {
  state([this, done = std::move(done)](Result<Json> before) {
    if (!before) return done(tl::unexpected(before.error()));
    const std::string id = before->at("id").text().value_or("");
    reloading_ = true;
    const Done again = [this, done](Result<> how) {
      reloading_ = false;
      done(std::move(how));
    };
    // What the document has seen goes with it.
    look([this, id, again](Result<>) {
      browser_->reload(config_.join_within, [this, id, again](Result<> how) {
        if (!how) return again(std::move(how));
        wait("s.phase === 'live' && s.id !== " + quoted(id), config_.join_within,
             [this, again](Result<> live) {
               if (!live) return again(std::move(live));
               probe(kProbes, again);
             });
      });
    });
  });
}

void PageActor::rejoin(Done done) {
  joined_ = std::move(done);
  look([this](Result<>) {
    browser_->open(url(), config_.join_within, [this](Result<> how) { opened(std::move(how)); });
  });
}

void PageActor::crash() {
  if (browser_->pid() > 0) kill(browser_->pid(), SIGKILL);
}

void PageActor::state(Value done) {
  browser_->evaluate("globalThis.callbot?.state()", config_.step_within, std::move(done));
}
void PageActor::stats(Value done) {
  browser_->evaluate("globalThis.callbot?.stats()", config_.step_within, std::move(done));
}
void PageActor::glance(std::function<void(Result<Glance>)> done) {
  browser_->evaluate(
      "(async () => ({ state: globalThis.callbot?.state() ?? {}, "
      "received: await callbotObserver.received() }))()",
      kLookWithin, [this, done = std::move(done)](Result<Json> all) {
        if (!all) return done(tl::unexpected(all.error()));
        if (reloading_ || all->at("received").at("origin").number() != origin_)
          return done(fail(Code::kConnect, "the page is being loaded again"));
        auto received = ears_.listen(all->at("received"), clock_);
        if (!received) return done(tl::unexpected(received.error()));
        done(Glance{all->at("state"), std::move(*received)});
      });
}
void PageActor::screenshot(std::function<void(Result<std::string>)> done) {
  browser_->screenshot(config_.step_within, std::move(done));
}

// --- looking

// Round trips that do nothing else: the quickest bound the page's clock.
void PageActor::probe(int more, Done done) {
  const int64_t asked_ns = monotonic_ns();
  browser_->evaluate("({ origin: performance.timeOrigin, now: performance.now() })", kLookWithin,
                     [this, more, asked_ns, done = std::move(done)](Result<Json> answer) {
                       if (!answer) return done(without_value(answer));
                       set_clock(*answer, asked_ns);
                       if (more <= 1) return done({});
                       probe(more - 1, done);
                     });
}

void PageActor::set_clock(const Json& taken, int64_t asked_ns) {
  const double origin = taken.at("origin").number().value_or(0);
  if (origin != origin_) clock_ = RemoteClock(kPageClock);
  origin_ = origin;
  if (const auto now = taken.at("now").number()) clock_.probe(asked_ns, *now, monotonic_ns());
}

void PageActor::schedule() {
  if (looks_ && !closing_) look_.once(config_.look_every, [this] { look({}); });
}

void PageActor::look(Done done) {
  look_.stop();
  looking_.push_back(done ? std::move(done) : [](const Result<>&) {});
  if (looking_.size() > 1) return;  // one is under way
  const int64_t asked_ns = monotonic_ns();
  browser_->evaluate(
      "(async () => ({ stats: await callbotObserver.stats(), "
      "...callbotObserver.take() }))()",
      kLookWithin, [this, asked_ns](Result<Json> all) { took(asked_ns, std::move(all)); });
}

void PageActor::took(int64_t asked_ns, Result<Json> all) {
  Result<> how = without_value(all);
  if (all) {
    set_clock(*all, asked_ns);
    how = stats_.add(all->at("stats"), clock_);
    const auto marks = browsers::parse_marks(*all, clock_);
    if (!marks) how = tl::unexpected(marks.error());
    if (marks) {
      for (const auto& frame : marks->shown) marks_.add(frame, clock_.uncertainty_s());
      marks_.lost(marks->lost);
      keep_sent(marks->sent);
      const auto looked = events_.looked;
      if (looked) looked(*marks);
    }
  }
  if (!how) log_.info("cannot look at the page: {}", how.error().message);
  schedule();
  for (const Done& done : std::exchange(looking_, {})) done(how);
}

void PageActor::keep_sent(const std::vector<browsers::LocalFrame>& frames) {
  for (const auto& frame : frames) {
    if (!frame.mark) continue;
    auto& times = sent_[{frame.mark->source, frame.mark->counter}];
    times.push_back(frame.at_ns);
    if (times.size() > kMostSentTimes) times.erase(times.begin());
  }
  if (sent_.size() < kMostSent || frames.empty()) return;
  const int64_t oldest = frames.back().at_ns - kSentKept.count();
  std::erase_if(sent_, [&](const auto& one) { return one.second.back() < oldest; });
}

std::optional<Sample> PageActor::let_in() const {
  const auto asked = times_.at("joining").number(), live = times_.at("live").number();
  const auto at_ns = live ? clock_.monotonic_ns_of(*live) : std::nullopt;
  if (!asked || !at_ns) return std::nullopt;
  return Sample{*at_ns, (*live - *asked) / 1000};
}

std::vector<Series> PageActor::series() const {
  std::vector<Series> all = marks_.all();
  for (Series& series : stats_.all()) all.push_back(std::move(series));
  return all;
}

std::vector<Series> PageActor::take() {
  std::vector<Series> all = marks_.take();
  for (Series& series : stats_.take()) all.push_back(std::move(series));
  return all;
}

std::optional<int64_t> PageActor::sent_at(const VideoMark& mark, int64_t seen_ns) const {
  const auto found = sent_.find({mark.source, mark.counter});
  if (found == sent_.end()) return std::nullopt;
  const auto& times = found->second;
  const auto after = std::upper_bound(times.begin(), times.end(), seen_ns);
  if (after == times.begin()) return std::nullopt;
  return *std::prev(after);
}

void PageActor::close(std::function<void()> done) {
  if (!browser_) return loop_.post(alive_.guard(std::move(done)));
  closing_ = true;
  look([this, done = std::move(done)](Result<>) {
    marks_.finish();
    browser_->close(done);
  });
}

}  // namespace callbot::bot
