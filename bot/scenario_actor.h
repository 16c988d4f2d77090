// bot/scenario_actor.h: one actor of a scenario: a bot (bot/scenario_bot.h), a real browser on our
// page (bot/scenario_page.h), or somebody whom another program plays (bot/scenario_other.h).
//
// Thread:  loop.
// Owner:   bot::Cast, for the whole run; its calls come and go.
// Fails:   through error(): why it did not get in, or why its call ended by itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/loop.h"
#include "bot/channel_messages.h"
#include "bot/scenario_media.h"
#include "bot/scenario_network.h"
#include "bot/scenario_recovery.h"
#include "bot/scenario_samples.h"
#include "bot/scenario_sending.h"
#include "bot/scenario_watch.h"
#include "quality/presence.h"
#include "scenarios/evidence.h"
#include "scenarios/scenario.h"
#include "signaling/signaling.h"

namespace callbot::bot {

// What came over the signaling or a data channel.
struct Told {
  std::string kind;  // of scenarios::EventFact
  std::string from;  // its name in the call; empty: nobody's
  std::string text;
  int64_t at_ns = 0;
  bool used = false;  // an expectation was fulfilled by it
};

// How far a message or a file is on its way, or a screen is shared.
struct PostState {
  bool done = true;
  std::optional<Error> failure = {};  // why it never will be
  std::string missing = {};           // why it is not yet
};

class ScenarioActor {
 public:
  enum class State { kOut, kJoining, kInside, kLeaving };
  struct Stream {
    TrackInfo info;
    uint32_t width = 0, height = 0;  // 0: not known yet
  };
  using MakesMedia = std::function<std::unique_ptr<ScenarioMedia>(const scenarios::Instance&)>;
  struct Hears {
    std::function<void(ScenarioActor&, const Told&)> told;
    ScenarioSamples::Hears sample;
    // Whose name in the call this is; null: a stranger's.
    std::function<ScenarioActor*(const std::string& shown)> other;
    // Who else has its room, there or not.
    std::function<std::vector<ScenarioActor*>()> others;
    // Whose marks have this source; null: nobody's.
    std::function<const ScenarioActor*(uint16_t source)> numbered;
    MakesMedia media;  // null, or gives null: what it receives is not kept
  };

  // `url`: of its room, where a server answers. `number`: of its marks and its pattern.
  // The measuring outlives it.
  ScenarioActor(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
                std::string url, uint16_t number, ScenarioMeasuring& measuring, Hears hears);
  virtual ~ScenarioActor() = default;

  // What takes time before it can join, and would disturb who is in a call, is done.
  virtual bool is_prepared() const { return true; }
  virtual void join() = 0;
  virtual void leave() = 0;
  // Without goodbye: its connections are gone at once.
  virtual void crash() = 0;
  virtual void send(MediaKind kind, bool on) = 0;
  virtual void share_screen(bool on) = 0;
  // How far that is.
  virtual PostState sharing() const { return {}; }
  // What was changed, for people; kUsage: what cannot be.
  virtual Result<std::string> switch_to(const scenarios::Step& step) = 0;
  // A message or a file, to these of its room; what was on its way before is forgotten.
  virtual Result<> post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) = 0;
  // Sends on what is on its way.
  virtual PostState go_on_posting() = 0;
  bool has_posted(const std::string& kind) const { return posted_.count(kind) > 0; }
  // What was read of the files it sends; before it joins.
  virtual void take_feeds(ActorFeeds) {}
  virtual void change_network(const ScenarioNetwork::Change&) {}
  virtual void judge_network() {}
  virtual std::vector<ScenarioNetwork::Proof> take_proofs() { return {}; }
  // For the bots that it is connected to, where it cannot have a line by itself; null: none.
  virtual network::Link* line_for_others() { return nullptr; }
  // Its own line, in a call that has one; null: none.
  virtual const network::Link* link() const { return nullptr; }
  // One of them is connected over it; kUnmeasured: there is no proof of that.
  virtual void used_line(const ScenarioActor& /*by*/, const Result<>& /*verified*/) {}
  // Is its connection to `other` over the line of that one? Nothing: it has none to him now.
  virtual std::optional<Result<>> uses_line_of(const ScenarioActor& /*other*/) const { return {}; }
  // Reads the counters of its tracks, and what was measured of them since the last time.
  virtual void sample(int64_t now_ns) = 0;
  // All that it received is measured.
  virtual bool is_measured() const = 0;

  const scenarios::Instance& who() const { return who_; }
  const std::string& url() const { return url_; }
  State state() const { return state_; }
  const std::optional<Error>& error() const { return error_; }
  bool crashed() const { return crashed_; }
  virtual bool sends() const = 0;
  bool receives() const { return who_.actor->receive != "none"; }
  bool receives(MediaKind kind) const {
    return who_.actor->receive == "all" || who_.actor->receive == callbot::name_of(kind);
  }
  const std::string& id() const { return id_; }  // in the call
  // It knows what it sends now.
  virtual bool has_begun() const { return sends(); }
  virtual bool on(MediaKind kind) const = 0;
  virtual bool covers_camera() const { return false; }  // by its screen; see hear_of_screen
  virtual bool connected_to(const ScenarioActor& other) const = 0;
  virtual const signaling::Member* member(const std::string& shown) const = 0;
  virtual std::vector<Stream> streams_of(const std::string& shown) const = 0;
  std::vector<Told>& told() { return told_; }

  uint16_t number() const { return number_; }
  // It sends back what this one sends, with his marks; null: nobody.
  virtual const ScenarioActor* origin() const { return nullptr; }
  int64_t join_ns() const { return join_ns_; }
  virtual bool decodes() const;
  // Of the call that it is in, or was in last; null: it was in none.
  virtual const quality::PresenceLog* senses() const = 0;
  // How long after it came something that it received was measured, at most; seconds.
  virtual double behind() const { return 0; }
  // Frames of its pattern that came too late to be made.
  virtual uint64_t left_out() const { return 0; }

  scenarios::ActorFacts facts(int64_t now_ns) const;
  virtual const ScenarioMedia* media() const { return nullptr; }  // null: it is not kept
  const std::vector<scenarios::CandidatePair>& pairs() const { return pairs_; }
  virtual std::vector<scenarios::Presence> presence() const = 0;
  virtual std::vector<scenarios::Look> looks(int64_t now_ns) const;
  const std::vector<Series>& series() const { return samples_.series(); }
  // How long its streams took to be as they were after each change of its network or the sender's.
  std::vector<Series> recoveries(int64_t now_ns) const;

  // Another program plays it: nothing can be done for it, and it measures nothing.
  virtual bool is_elsewhere() const { return false; }
  // For one who is elsewhere: another actor sees it in the room since then, or sees it no longer;
  // what it answered when it was asked for its clock at that time.
  virtual void seen(const ScenarioActor&, const signaling::Member&, int64_t /*since_ns*/) {}
  virtual void seen_no_longer(const ScenarioActor&) {}
  virtual void told_clock(const ClockAnswer&, int64_t /*asked_ns*/) {}

  // What others tell of themselves: what is known of them, before their first frame comes; that
  // they are muted, or will be no longer.
  virtual void meet(const ScenarioActor&) {}
  virtual void hear_of_mute(const ScenarioActor&, MediaKind, bool, int64_t) {}
  // It shares a screen in its camera's place, is about to, or does no longer.
  virtual void hear_of_screen(const ScenarioActor&, bool /*shares*/, int64_t /*at_ns*/) {}
  // Its network changes now.
  void hear_of_network(const ScenarioActor& other, int64_t at_ns) {
    recoveries_.changed(other.who_.name, at_ns);
  }
  // A stream of it, or all (empty), ends: nobody waits for it to be as it was.
  void hear_of_end(const ScenarioActor& other, const std::string& stream) {
    recoveries_.stopped(other.who_.name, stream, monotonic_ns());
  }
  // It stopped a stream, or all (empty): nothing more of it is to be expected; or begins again.
  virtual void hear_of_stop(const ScenarioActor&, const std::string& /*stream*/, bool /*stops*/) {}
  virtual KnownSender known() const = 0;

 protected:
  void tell_of_stop(const std::string& stream, bool stops = true);  // see hear_of_stop
  void tell_of_mute(MediaKind kind, bool muted, int64_t at_ns);     // see hear_of_mute
  void tell(const char* kind, const std::string& from, std::string text);
  std::string name_of(const std::string& shown) const;  // in evidence, of its name in the call
  std::vector<scenarios::Presence> presence_of(const quality::PresenceLog& senses) const;
  const ScenarioActor* whose(const std::string& stream_of, uint16_t source) const;
  void gone();  // it is in no call any more
  void network_changes();
  void look_at_recoveries(int64_t now_ns);

  Loop& loop_;
  const scenarios::Scenario& scenario_;
  const scenarios::Instance who_;
  const std::string url_;
  const uint16_t number_;
  ScenarioMeasuring& measuring_;
  const Hears hears_;
  const scenarios::Media* media_;  // null: sends nothing
  Log log_;
  State state_ = State::kOut;
  bool crashed_ = false;
  std::optional<Error> error_;
  std::string id_;  // in the call
  int64_t join_ns_ = 0;
  std::set<std::string> posted_;  // kinds of EventFact
  std::vector<Told> told_;
  std::vector<scenarios::TimeWindow> inside_;  // the last one has no end yet while it is inside
  std::vector<scenarios::CandidatePair> pairs_;
  ScenarioSamples samples_;

 private:
  Recoveries recoveries_;
};

}  // namespace callbot::bot
