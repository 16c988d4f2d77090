// bot/scenario_page.h: an actor of a scenario that is a real browser on the page of a room server,
// its camera and microphone fed with the marked pattern as files.
//
//   files written ─▶ browser started, page joined ─▶ glances, 5 a second: who is there, what comes
//                                                └▶ looks, each second: marks, getStats ─▶ series
//
// Thread:  loop; the files are written on a worker.
// Owner:   bot::Cast, for the whole run; its browsers come and go. Destroying it kills them.
// Fails:   as ScenarioActor.
#pragma once

#include "base/worker.h"
#include "bot/page_actor.h"
#include "bot/page_ear.h"
#include "bot/page_listener.h"
#include "bot/scenario_actor.h"

namespace callbot::bot {

class ScenarioPage final : public ScenarioActor {
 public:
  ScenarioPage(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
               std::string url, uint16_t number, ScenarioMeasuring& measuring, Hears hears);
  ~ScenarioPage() override;

  bool is_prepared() const override { return files_.has_value(); }
  void join() override;
  void leave() override;
  void crash() override;
  void send(MediaKind kind, bool on) override;
  void share_screen(bool on) override;
  PostState sharing() const override;
  Result<std::string> switch_to(const scenarios::Step&) override { return std::string(); }
  Result<> post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) override;
  PostState go_on_posting() override { return post_; }
  void change_network(const ScenarioNetwork::Change& change) override;
  void judge_network() override { network_.judge(line()); }
  std::vector<ScenarioNetwork::Proof> take_proofs() override { return network_.take_proofs(); }
  network::Link* line_for_others() override { return link_.get(); }
  const network::Link* link() const override { return link_.get(); }
  void used_line(const ScenarioActor& by, const Result<>& verified) override;
  void sample(int64_t now_ns) override;
  bool is_measured() const override { return leaving_.empty(); }
  bool sends() const override { return has(MediaKind::kAudio) || has(MediaKind::kVideo); }
  // A browser decodes what it shows, whatever is asked for.
  bool decodes() const override { return who_.actor->verify != scenarios::Verify::kNone; }
  bool on(MediaKind kind) const override { return kind == MediaKind::kAudio ? audio_ : video_; }
  bool connected_to(const ScenarioActor& other) const override;
  bool covers_camera() const override { return screen_; }
  const signaling::Member* member(const std::string& shown) const override;
  std::vector<Stream> streams_of(const std::string& shown) const override;
  const quality::PresenceLog* senses() const override { return &presence_; }
  const ScenarioMedia* media() const override { return kept_.get(); }
  std::vector<scenarios::Presence> presence() const override { return presence_of(presence_); }
  void meet(const ScenarioActor& other) override;
  void hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted, int64_t at_ns) override;
  void hear_of_stop(const ScenarioActor& other, const std::string& stream, bool stops) override;
  void hear_of_screen(const ScenarioActor& other, bool shares, int64_t at_ns) override {
    if (page_) page_->muted(other.who().shown, shares || !other.on(MediaKind::kVideo), at_ns);
  }
  KnownSender known() const override;
  // While it has a browser; null otherwise. For tests, as ScenarioRun::cast().
  PageActor* page() { return page_.get(); }

 private:
  struct Seen {  // a member, as the page had it last
    signaling::Member member;
    bool connected = false;
    int64_t generation = 0;
  };
  bool has(MediaKind kind) const;  // something to send, on or off
  bool is_marked(MediaKind kind) const;
  void write_files();
  ScenarioNetwork::Line line() const;
  Result<> network_verified() const;
  PageActorConfig page_config() const;
  PageActorEvents page_events();
  void open();
  void entered();
  void ended(const Error& error);
  void let_go();
  void absorb(PageActor& page);
  void glance();
  void take_picture();
  void took(const PageActor::Glance& glance);
  void took_members(const Json& members, bool news);
  void took_member(const Seen* before, const Seen& now, bool news);
  void took_messages(const Json& state, bool news);
  void took_streams(const std::vector<browsers::ReceivedStream>& received);
  void looked(const browsers::PageMarks& marks);
  void spoke(const browsers::HeardSound& sound);
  void look_at_join(const browsers::ShownFrame& frame);
  void tell_of_screen(bool shares);
  void note_pairs(const std::vector<browsers::UsedPair>& pairs);
  TrackInfo track_of(const browsers::StreamKey& key, MediaKind kind);
  void first_of(const TrackInfo& track, int64_t at_ns);

  // A browser's packets cannot be led anywhere: its line is where the bots send to it and hear of
  // it.
  ScenarioNetwork network_;
  std::unique_ptr<network::Link> link_;       // since its last join
  std::map<std::string, Result<>> verified_;  // by the name in the call of who used it since then
  fs::path folder_;                           // of files of our own; empty: there are none
  std::optional<Result<>> files_;             // none: they are being written
  bool audio_ = false, video_ = false;
  bool screen_ = false;  // shared in the camera's place
  int stay_ = 0;         // the number of its join: what belongs to another one is not heard
  bool glancing_ = false, glanced_ = false;
  PostState post_, sharing_;
  size_t chats_ = 0;
  std::set<size_t> files_done_;
  std::map<std::string, Seen> members_;  // by id
  std::vector<browsers::ReceivedStream> received_;
  std::map<browsers::StreamKey, TrackId> tracks_;
  std::set<TrackId> decoded_;  // those of which the first frame came, since it joined
  std::set<std::pair<browsers::StreamKey, int64_t>> shown_;  // the same, and since when it was due
  std::map<std::string, std::string> selected_;  // by member: its candidate pair as it was last
  quality::PresenceLog presence_;
  PageListener listener_;
  PageEar microphone_;
  Timer glances_, pictures_;
  std::unique_ptr<ScenarioMedia> kept_;
  std::unique_ptr<PageActor> page_;
  std::vector<std::unique_ptr<PageActor>> leaving_;
  std::unique_ptr<Worker> writer_;
  Alive alive_;
};

}  // namespace callbot::bot
