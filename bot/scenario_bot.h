// bot/scenario_bot.h: an actor of a scenario that is a bot: what it sends, its call, and what it is
// told there.
//
// Thread:  loop.
// Owner:   bot::Cast, for the whole run; its calls come and go.
// Fails:   through error(): why it did not get in, or why its call ended by itself.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bot/call.h"
#include "bot/scenario_actor.h"
#include "bot/scenario_media.h"
#include "bot/scenario_network.h"
#include "bot/scenario_post.h"
#include "bot/scenario_sending.h"
#include "bot/scenario_watch.h"

namespace callbot::bot {

class ScenarioBot final : public ScenarioActor, private CallEvents {
 public:
  ScenarioBot(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
              std::string url, uint16_t number, ScenarioMeasuring& measuring, Hears hears);
  ~ScenarioBot() override;

  void join() override;
  void leave() override;
  void crash() override;
  void send(MediaKind kind, bool on) override;
  void share_screen(bool on) override;
  Result<std::string> switch_to(const scenarios::Step& step) override;
  Result<> post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) override;
  PostState go_on_posting() override;
  void take_feeds(ActorFeeds feeds) override { feeds_ = std::move(feeds); }
  void change_network(const ScenarioNetwork::Change& change) override;
  void judge_network() override { network_.judge(line()); }
  std::optional<Result<>> uses_line_of(const ScenarioActor& other) const override;
  const network::Link* link() const override { return call_ ? call_->link() : nullptr; }
  std::vector<ScenarioNetwork::Proof> take_proofs() override { return network_.take_proofs(); }
  void sample(int64_t now_ns) override;
  bool is_measured() const override;

  bool sends() const override { return feeds_ || source_; }
  bool has_begun() const override { return source_ != nullptr; }
  bool on(MediaKind kind) const override;
  bool connected_to(const ScenarioActor& other) const override;
  const signaling::Member* member(const std::string& shown) const override;
  std::vector<Stream> streams_of(const std::string& shown) const override;
  const quality::PresenceLog* senses() const override {
    return watches_.empty() ? nullptr : &watches_.back()->watch().senses();
  }
  double behind() const override;
  uint64_t left_out() const override;
  const ScenarioMedia* media() const override { return kept_.get(); }
  std::vector<scenarios::Presence> presence() const override;
  std::vector<scenarios::Look> looks(int64_t now_ns) const override;

  void meet(const ScenarioActor& other) override;
  void hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted, int64_t at_ns) override;
  void hear_of_stop(const ScenarioActor& other, const std::string& stream, bool stops) override;
  void hear_of_screen(const ScenarioActor& other, bool shares, int64_t at_ns) override;
  KnownSender known() const override;

 private:
  Result<> make_source();
  Result<std::unique_ptr<Call>> make_call();
  void goes();
  ScenarioNetwork::Line line() const;
  void make_watch();
  std::vector<ScenarioActor*> elsewhere() const;             // of its room
  ScenarioActor* elsewhere(const std::string& shown) const;  // null: nobody
  void ask_for_clocks();
  void out();
  void look_at_pair(const CallConnection& connection);
  void look_at_join(const CallConnection& connection);
  std::string shown_of(const std::string& member) const;
  void change_picture(const signaling::Member& member);

  void joined(const std::string& self) override;
  void member_joined(const signaling::Member& member) override;
  void member_changed(const signaling::Member& before, const signaling::Member& after) override;
  void member_left(const signaling::Member& member) override;
  void connected(const std::string& member, signaling::LegId leg) override;
  void trouble(const std::string& member, const Trouble& trouble) override;
  void track_added(const TrackInfo& track, bool taken) override;
  void track_removed(const TrackInfo& track) override;
  void size_changed(const TrackInfo& track, uint32_t width, uint32_t height) override;
  void rendition_changed(const std::string& member, size_t rendition, double available) override;
  void chat(const signaling::Member& from, const std::string& text) override;
  void file_begin(const signaling::Member& from, const FileBegin& file) override;
  void file_chunk(const signaling::Member& from, const std::string& bytes) override;
  void file_end(const signaling::Member& from, const FileEnd* end) override;
  void clock(const signaling::Member& from, const ClockAnswer& answer) override;
  void interrupted(const std::string& why) override;
  void done(Result<> how) override;

  signaling::Self self_;
  std::set<signaling::LegId> lost_;                   // of which a fresh connection is on its way
  std::map<signaling::LegId, std::string> selected_;  // its candidate pair as it was last
  std::set<std::string> looked_at_;                   // connections: how they came up is measured
  std::map<TrackId, Stream> streams_;
  ScenarioNetwork network_;
  std::optional<ActorFeeds> feeds_;  // until its source is made
  const int screen_fps_;             // of its marked screen; 0: it has none
  std::unique_ptr<ScenarioSending> source_;
  std::unique_ptr<ScenarioPost> post_;
  IncomingFiles incoming_;
  std::unique_ptr<ScenarioMedia> kept_;
  std::vector<std::unique_ptr<ScenarioWatch>> watches_;  // of each call; the last one's is its own
  std::unique_ptr<Call> call_;
  bool arriving_ = false;  // it is being told who is there already
  Timer ask_;              // those elsewhere for their clocks
  int64_t questions_ = 0;
  std::map<int64_t, int64_t> asked_;  // question -> when; the last ones
  Alive alive_;
};

}  // namespace callbot::bot
