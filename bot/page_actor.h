// bot/page_actor.h: a real browser on our own page (bot/web) as a member of a room, steered and
// measured: what people do there, what the page shows and sends frame by frame, its getStats.
//
// Thread:  loop.
// Owner:   a scenario's actor, or a test. Destroying it kills the browser (up to a second).
// Fails:   every verb through its Result (see browsers/browser.h): kDenied and kConnect as the room
//          answered, kTimeout with what the page says of itself, kBadInput where the page threw. A
//          browser or page that dies is told once through PageActorEvents::gone.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/remote_clock.h"
#include "browsers/browser.h"
#include "browsers/page_ears.h"
#include "browsers/page_marks.h"
#include "browsers/page_stats.h"

namespace callbot::bot {

struct PageActorConfig {
  browsers::BrowserConfig browser;
  std::string page;  // where the room server is: "http://127.0.0.1:8080"
  std::string room, name, token;
  std::string codec;          // that the page prefers to send; empty: the browser's choice
  int width = 0, height = 0;  // that the camera is asked for; 0: the page's choice
  bool audio = true, video = true;
  std::chrono::milliseconds join_within{60000};  // from the start of the browser
  std::chrono::milliseconds step_within{15000};  // for the effect of a verb
  std::chrono::milliseconds look_every{1000};    // at marks and statistics
};

// A browser's page that hears of frames: when a marked frame was captured by its sender.
struct PageActorEvents {
  std::function<void(const browsers::ConsoleMessage&)> console;
  std::function<void(const Error&)> gone;
  std::function<void()> opens;                             // the browser runs, and goes to the page
  std::function<void(const browsers::PageMarks&)> looked;  // what was new
  // A frame with a mark is being sent, as soon as the page says so; its stream is not said.
  std::function<void(const browsers::LocalFrame&)> sends;
  browsers::CapturedAt captured_at;  // of frames of others; empty: there are no delays
};

class PageActor {
 public:
  using Done = browsers::Browser::Done;
  using Value = browsers::Browser::Value;

  PageActor(Loop& loop, Log log, PageActorConfig config, PageActorEvents events);
  ~PageActor();

  // Starts the browser and joins; `joined` once.
  void start(Done joined);

  // --- what people do on the page; done when the page shows the effect
  void mute(bool yes, Done done);
  void camera(bool on, Done done);
  void screen(bool on, Done done);
  void chat(const std::string& text, Done done);
  void send_file(const fs::path& file, Done done);  // handed over to everybody
  void reload(Done done);                           // joined again
  void leave(Done done);                            // in the lobby
  void rejoin(Done done);                           // after it left
  // --- and what happens to them
  void freeze(bool yes) { browser_->freeze(yes); }  // the whole browser stands still
  void crash();                                     // without goodbye; `gone` will tell

  // callbot.state() and callbot.stats() of the page (bot/web/main.js).
  void state(Value done);
  void stats(Value done);
  // Until the page's state fulfils a JavaScript condition on `s`.
  void wait(const std::string& condition, std::chrono::milliseconds deadline, Done done);
  void screenshot(std::function<void(Result<std::string>)> done);
  // What it says of itself and what it receives, for who looks often.
  struct Glance {
    Json state;  // callbot.state()
    std::vector<browsers::ReceivedStream> received;
  };
  void glance(std::function<void(Result<Glance>)> done);
  // Takes what the page has seen since the last time, now instead of on the next turn.
  void look(Done done);

  // When the room let it in, and how many seconds after the page had asked it; none: not yet.
  std::optional<Sample> let_in() const;
  // What the browser measured, actor = its name; complete up to the last look.
  std::vector<Series> series() const;
  std::vector<Series> take();  // what came since the last time, and it is forgotten here
  // A tile of this member shows this source and nothing else.
  void expect(const std::string& member, uint16_t source) { marks_.expect(member, source); }
  // This member's picture is off from now on, or on again.
  void muted(const std::string& member, bool yes, int64_t at_ns) {
    marks_.muted(member, yes, at_ns);
  }
  // When this page sent the frame with this mark, by its own reading of its local track, monotonic
  // time; the newest before `seen_ns`. CapturedAt for whoever receives it.
  std::optional<int64_t> sent_at(const VideoMark& mark, int64_t seen_ns) const;
  const std::vector<browsers::UsedPair>& pairs() const { return stats_.pairs(); }
  // Of all times above, plus or minus so many seconds.
  double uncertainty_s() const { return clock_.uncertainty_s(); }

  // Looks a last time, leaves, ends the browser.
  void close(std::function<void()> done);

 private:
  std::string url() const;
  void opened(Result<> how);
  void joined(Result<Json> state);
  void run(const std::string& script, std::chrono::milliseconds deadline, Value done);
  void act(const std::string& script, Done done);
  void probe(int more, Done done);
  void took(int64_t asked_ns, Result<Json> all);
  void keep_sent(const std::vector<browsers::LocalFrame>& frames);
  void set_clock(const Json& taken, int64_t asked_ns);
  void schedule();

  Loop& loop_;
  Log log_;
  PageActorConfig config_;
  PageActorEvents events_;
  Done joined_;
  bool reloading_ = false;  // until it is live again: its state is not that of its call
  Json times_;              // of the page's phases, when it had joined
  double origin_ = 0;       // performance.timeOrigin: which document the clock is of
  RemoteClock clock_{kPageClock};
  browsers::MarkSeries marks_;
  browsers::StatsSeries stats_;
  browsers::PageEars ears_;
  std::map<std::pair<uint16_t, uint32_t>, std::vector<int64_t>> sent_;  // source, counter -> when
  Timer look_;
  std::vector<Done> looking_;  // who waits for the look that is under way
  bool looks_ = false, closing_ = false;
  std::unique_ptr<browsers::Browser> browser_;
  Alive alive_;
};

}  // namespace callbot::bot
