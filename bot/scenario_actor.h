// bot/scenario_actor.h: one actor of a scenario: what it sends, its call, and what it is told
// there.
//
// Thread:  loop.
// Owner:   bot::Cast, for the whole run; its calls come and go.
// Fails:   through error(): why it did not get in, or why its call ended by itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/alive.h"
#include "bot/call.h"
#include "bot/scenario_media.h"
#include "bot/scenario_network.h"
#include "bot/scenario_post.h"
#include "bot/scenario_recovery.h"
#include "bot/scenario_samples.h"
#include "bot/scenario_sending.h"
#include "bot/scenario_watch.h"
#include "scenarios/evidence.h"
#include "scenarios/scenario.h"

namespace callbot::bot {

// What came over the signaling or a data channel.
struct Told {
  std::string kind;  // of scenarios::EventFact
  std::string from;  // its name in the call; empty: nobody's
  std::string text;
  int64_t at_ns = 0;
  bool used = false;  // an expectation was fulfilled by it
};

class ScenarioActor final : private CallEvents {
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
    std::function<const ScenarioActor*(const std::string& shown)> other;
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
  ~ScenarioActor() override;

  void join();
  void leave();
  // Without goodbye: its connections are gone at once.
  void crash();
  void send(MediaKind kind, bool on);
  void share_screen(bool on);
  // What was changed, for people; kUsage: what cannot be.
  Result<std::string> switch_to(const scenarios::Step& step);
  // A message or a file, to these of its room; what was on its way before is forgotten.
  Result<> post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to);
  // Sends on what is on its way; null: nothing was.
  const ScenarioPost* go_on_posting();
  bool has_posted(const std::string& kind) const { return posted_.count(kind) > 0; }
  // What was read of the files it sends; before it joins.
  void take_feeds(ActorFeeds feeds) { feeds_ = std::move(feeds); }
  // `step` wants it proved that this is in force.
  void change_network(const network::Conditions& conditions, std::optional<size_t> step);
  void judge_network() { network_.judge(call_.get()); }
  std::vector<ScenarioNetwork::Proof> take_proofs() { return network_.take_proofs(); }
  // Reads the counters of its tracks, and what was measured of them since the last time.
  void sample(int64_t now_ns);
  // All that it received is measured.
  bool is_measured() const;

  const scenarios::Instance& who() const { return who_; }
  const std::string& url() const { return url_; }
  State state() const { return state_; }
  const std::optional<Error>& error() const { return error_; }
  bool crashed() const { return crashed_; }
  bool sends() const { return feeds_ || source_; }
  bool receives() const { return who_.actor->receive != "none"; }
  bool receives(MediaKind kind) const {
    return who_.actor->receive == "all" || who_.actor->receive == callbot::name_of(kind);
  }
  bool on(MediaKind kind) const;
  bool connected_to(const ScenarioActor& other) const;
  const signaling::Member* member(const std::string& shown) const;
  std::vector<Stream> streams_of(const std::string& shown) const;
  std::vector<Told>& told() { return told_; }

  uint16_t number() const { return number_; }
  int64_t join_ns() const { return join_ns_; }
  bool decodes() const;
  // Of the call that it is in, or was in last; null: it was in none.
  const quality::Watch* watch() const {
    return watches_.empty() ? nullptr : &watches_.back()->watch();
  }
  // How long after it came something that it received was measured, at most; seconds.
  double behind() const;
  // Frames of its pattern that came too late to be made.
  uint64_t left_out() const;

  scenarios::ActorFacts facts(int64_t now_ns) const;
  const ScenarioMedia* media() const { return kept_.get(); }  // null: it is not kept
  const std::vector<scenarios::CandidatePair>& pairs() const { return pairs_; }
  std::vector<scenarios::Presence> presence() const;
  std::vector<scenarios::Look> looks(int64_t now_ns) const;
  const std::vector<Series>& series() const { return samples_.series(); }
  // How long its streams took to be as they were after each change of its network.
  std::vector<Series> recoveries(int64_t now_ns) const;

 private:
  void look_at_recoveries(int64_t now_ns);
  Result<> make_source();
  Result<std::unique_ptr<Call>> make_call();
  void make_watch();
  void meet(const ScenarioActor& other);
  void hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted, int64_t at_ns);
  KnownSender known() const;
  void tell(const char* kind, const std::string& from, std::string text);
  void gone();
  void look_at_pair(const std::string& member);
  void look_at_join(const std::string& member);
  std::string shown_of(const std::string& member) const;
  std::string name_of(const std::string& shown) const;

  void joined(const std::string& self) override;
  void member_joined(const signaling::Member& member) override;
  void member_changed(const signaling::Member& before, const signaling::Member& after) override;
  void member_left(const signaling::Member& member) override;
  void connected(const std::string& member) override;
  void trouble(const std::string& member, const Error& error, bool again) override;
  void track_added(const TrackInfo& track, bool taken) override;
  void track_removed(const TrackInfo& track) override;
  void size_changed(const TrackInfo& track, uint32_t width, uint32_t height) override;
  void rendition_changed(const std::string& member, size_t rendition, double available) override;
  void chat(const signaling::Member& from, const std::string& text) override;
  void file_begin(const signaling::Member& from, const FileBegin& file) override;
  void file_chunk(const signaling::Member& from, const std::string& bytes) override;
  void file_end(const signaling::Member& from, const FileEnd* end) override;
  void interrupted(const std::string& why) override;
  void done(Result<> how) override;

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
  signaling::Self self_;
  std::string id_;  // in the call
  int64_t join_ns_ = 0;
  std::set<std::string> connected_;              // member ids; "" where one leg carries all
  std::set<std::string> lost_;                   // to whom a fresh connection is on its way
  std::map<std::string, std::string> selected_;  // member id -> its candidate pair as it was last
  std::vector<scenarios::CandidatePair> pairs_;
  std::map<TrackId, Stream> streams_;
  std::vector<Told> told_;
  std::vector<scenarios::TimeWindow> inside_;  // the last one has no end yet while it is inside
  ScenarioSamples samples_;
  ScenarioNetwork network_;
  std::vector<int64_t> network_changes_;
  std::map<std::pair<std::string, std::string>, Recovery> recoveries_;  // by sender and stream
  std::optional<ActorFeeds> feeds_;                                     // until its source is made
  const int screen_fps_;  // of its marked screen; 0: it has none
  std::unique_ptr<ScenarioSending> source_;
  std::unique_ptr<ScenarioPost> post_;
  std::set<std::string> posted_;  // kinds of EventFact
  IncomingFiles incoming_;
  std::unique_ptr<ScenarioMedia> kept_;
  std::vector<std::unique_ptr<ScenarioWatch>> watches_;  // of each call; the last one's is its own
  std::unique_ptr<Call> call_;
  Alive alive_;
};

}  // namespace callbot::bot
