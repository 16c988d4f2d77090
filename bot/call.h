// bot/call.h: one call: a signaling, its legs, a source and sinks, as a lifecycle.
//
// Joins, keeps a peer on every leg, puts the sinks on every received track whose owner may be
// recorded, takes chat and files from data channels, says what its clock is, and leaves.
//
// Thread:  loop.
// Owner:   the verb that runs the call (record, send, demo). Sinks and source outlive it.
// Fails:   through CallEvents::done, exactly once, as the last call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/log.h"
#include "base/loop.h"
#include "bot/call_leg.h"
#include "bot/channel_messages.h"
#include "network/link.h"
#include "pipelines/peer.h"
#include "signaling/signaling.h"

namespace callbot::bot {

struct CallConfig {
  signaling::JoinConfig join;
  pipelines::IceConfig ice;
  std::vector<std::string> receive_codecs;  // empty: all
  bool receive_audio = true, receive_video = true;
  std::shared_ptr<pipelines::HeaderLog> headers;  // notes what comes in; may be null
  int least_video_lines = 1;                      // that are offered, as PeerConfig says
  pipelines::Source* source = nullptr;
  // Members that we offer to get a data channel, for send_message().
  bool opens_channel = false;
  // What is told of the marks in what we send, to who asks over a data channel; empty: nothing.
  std::function<std::vector<MarksPlan>()> marks = {};
  // All media goes over a link with these conditions, a clean one too; one that is there can be
  // changed while the call runs. None: there is no link, and STUN and TURN servers are used.
  std::optional<network::Network> network = {};
  // Without that: the line of the member of this name, who cannot have it by himself; null: none.
  // Asked when a connection to him begins; Links may go before it does.
  std::function<network::Link*(const std::string& name)> line_of = {};
  // Who was there before: name and participant, as Recording::participants() says.
  std::vector<std::pair<std::string, std::string>> known = {};
  // Is this member to be recorded, as far as we choose? Empty: everybody. Ask again with
  // choose_again().
  std::function<bool(const signaling::Member&)> wants = {};
};

enum class Phase { kNew, kJoining, kLive, kLeaving, kDone };  // the order is the lifecycle
const char* name_of(Phase phase);

// What went wrong between us and a member.
struct Trouble {
  Error error;
  bool lost = false;       // a connection that was up is no more
  bool again = false;      // a fresh one is on its way
  signaling::LegId leg{};  // of which; a server may have several
};

class CallEvents {
 public:
  virtual ~CallEvents() = default;
  virtual void joined(const std::string& self) { (void)self; }
  virtual void member_joined(const signaling::Member& member) { (void)member; }
  virtual void member_changed(const signaling::Member& before, const signaling::Member& after) {
    (void)before, (void)after;
  }
  virtual void member_left(const signaling::Member& member) { (void)member; }
  virtual void connected(const std::string& member, signaling::LegId leg) {
    (void)member, (void)leg;
  }
  virtual void trouble(const std::string& member, const Trouble& trouble) {
    (void)member, (void)trouble;
  }
  // `taken`: its frames go to the sinks; false where its owner asked not to be recorded, or is not
  // wanted.
  virtual void track_added(const TrackInfo& track, bool taken) { (void)track, (void)taken; }
  virtual void track_removed(const TrackInfo& track) { (void)track; }
  virtual void key_frame_wait(const TrackInfo& track) { (void)track; }
  virtual void key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) {
    (void)track, (void)wait;
  }
  virtual void size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
    (void)track, (void)width, (void)height;
  }
  // What this member is sent of our video, 0: all of it; `available`: bit/s that its path takes.
  virtual void rendition_changed(const std::string& member, size_t rendition, double available) {
    (void)member, (void)rendition, (void)available;
  }
  virtual void chat(const signaling::Member& from, const std::string& text) {
    (void)from, (void)text;
  }
  // One file at a time from each member: its beginning, bytes, and its end (null: it broke off).
  virtual void file_begin(const signaling::Member& from, const FileBegin& file) {
    (void)from, (void)file;
  }
  virtual void file_chunk(const signaling::Member& from, const std::string& bytes) {
    (void)from, (void)bytes;
  }
  virtual void file_end(const signaling::Member& from, const FileEnd* end) {
    (void)from, (void)end;
  }
  // To a clock_question() that was sent to this member.
  virtual void clock(const signaling::Member& from, const ClockAnswer& answer) {
    (void)from, (void)answer;
  }
  virtual void interrupted(const std::string& why) { (void)why; }
  virtual void resumed() {}
  virtual void done(Result<> how) = 0;
};

struct CallTrack {
  TrackInfo info;
  pipelines::TrackStats stats;
};
// A peer connection, and what it sends.
struct CallConnection {
  std::string member;  // the other end; "" where one leg carries all
  signaling::LegId leg{};
  // PeerStats::selected_pair; empty: it is not connected.
  std::string selected_pair;
  std::string id;  // of its own, also where another one came before it
  std::vector<pipelines::SentStats> sent;
  uint64_t round_trips = 0;
  double round_trips_s = 0;
  pipelines::ConnectTimes times;
  double available_bitrate = -1;  // as PeerStats says, as the following
  double limited_s = 0;
  uint64_t switches = 0;
};
struct CallStats {
  std::vector<CallTrack> tracks;
  std::vector<CallConnection> connections;
};

class Call final : private signaling::Events, private LegOwner {
 public:
  static Result<std::unique_ptr<Call>> create(Loop& loop, Log log, CallConfig config,
                                              CallEvents& events);
  ~Call() override;

  void start();
  // Leaves; any number of times, at any time.
  void stop();

  Phase phase() const { return phase_; }
  const std::vector<signaling::Member>& members() const { return members_; }
  const signaling::Member* member(const std::string& id) const;
  // Who a member is over leaving and coming back: the id of the first member of that name, unless
  // both were there at once. What sinks see as TrackInfo::participant.
  const std::string& participant_of(const std::string& member) const override;
  CallStats stats() const;
  std::vector<CallTrack> tracks() const { return stats().tracks; }  // what is received now
  // Put on every received track from now on whose owner may be recorded. Outlives the call.
  void add_sink(pipelines::Sink& sink) { sinks_.push_back(&sink); }
  void request_key_frame(TrackId track);
  // CallConfig::wants may say something else now.
  void choose_again();
  size_t connected_legs() const { return connected_.size(); }
  // A connection is up over which what one of us sends reaches the other, in this direction.
  bool carries(const std::string& member, signaling::Direction direction) const;
  // What CallConfig::network asked for, to change it and to see what it did; null: nothing. Its
  // schedule begins when the call is joined.
  network::Link* link() const { return link_.get(); }
  // Did all legs that were ever connected go over the link? kUnmeasured: the first of which it is
  // not proved, or there was none.
  Result<> network_verified() const;
  // The same of the connection to one member, over whomever's line it goes.
  Result<> network_verified(const std::string& member) const;
  void announce(const signaling::Self& self);
  void set_sending(MediaKind kind, bool on);
  // To this member, over the data channel. kConnect: it is not open, or takes no more just now.
  Result<> send_message(const std::string& member, bool text, std::string_view bytes);

 private:
  Call(Loop& loop, Log log, CallConfig config, CallEvents& events);
  bool advance(Phase next);
  void finish(Result<> how);
  void drop_legs();
  bool is_connected(signaling::LegId leg) const;
  void recognise(const signaling::Member& member);
  bool may_record(const std::string& participant) const;
  void put_sinks(CallLeg& leg, const TrackInfo& track);
  void take_sinks(CallLeg& leg, const TrackInfo& track);
  void apply_consent(const std::string& member);

  // signaling::Events
  void joined(const std::string& self) override;
  void members_changed(const std::vector<signaling::Member>& members) override;
  void leg_opened(const signaling::Leg& leg) override;
  void received(signaling::LegId leg, signaling::Message message) override;
  void requested(signaling::LegId leg, signaling::Request request) override;
  void leg_closed(signaling::LegId leg, const std::string& why) override;
  void message(const signaling::ChatMessage& message) override;
  void interrupted(const std::string& why) override;
  void resumed() override;
  void closed(Result<> how) override;
  // LegOwner
  Line leg_line(const std::string& name) override;
  bool leg_opens_channel() override { return config_.opens_channel; }
  void leg_send(signaling::LegId leg, signaling::Message message) override;
  void leg_request(signaling::LegId leg, signaling::Request request) override;
  void leg_connected(CallLeg& leg) override;
  void leg_trouble(CallLeg& leg, const Error& error, bool again) override;
  void leg_track_added(CallLeg& leg, const TrackInfo& track) override;
  void leg_track_removed(const TrackInfo& track) override;
  void leg_key_frame_wait(const TrackInfo& track) override;
  void leg_key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) override;
  void leg_size_changed(const TrackInfo& track, uint32_t width, uint32_t height) override;
  void leg_rendition_changed(CallLeg& leg, size_t rendition, double available) override;
  void leg_channel_message(CallLeg& leg, bool text, std::string bytes) override;
  void leg_channel_closed(CallLeg& leg) override;

  Loop& loop_;
  Log log_;
  CallConfig config_;
  CallEvents& events_;
  Phase phase_ = Phase::kNew;
  std::vector<signaling::Member> members_;
  std::vector<pipelines::Sink*> sinks_;
  std::map<signaling::LegId, ChannelReader> channels_;
  std::map<std::string, std::string> participants_;  // member id -> participant
  std::map<std::string, std::string> gone_;          // name -> participant, of members that left
  std::vector<signaling::LegId> connected_;
  std::vector<TrackId> taken_;  // tracks that the sinks sit on
  std::unique_ptr<signaling::Signaling> signaling_;
  std::unique_ptr<network::Link> link_;
  std::optional<Result<>> verified_;  // of all legs, as each was when it was connected
  std::map<signaling::LegId, std::unique_ptr<CallLeg>> legs_;
  Timer leave_deadline_;
  Alive alive_;
};

}  // namespace callbot::bot
