// bot/call_leg.h: one leg of a call: keeps a working Peer on it for as long as the leg is open.
//
// Whoever offers starts a fresh peer connection (a new generation) when ICE failed or the other
// end vanished, with back-off; the answerer asks for one. What was being recorded stays open.
//
// Thread:  loop.
// Owner:   bot::Call.
// Fails:   through LegOwner::leg_trouble; a fingerprint mismatch or an SDP that the guard refuses
//          ends the peer for good, anything else is tried again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/log.h"
#include "base/loop.h"
#include "network/relay.h"
#include "pipelines/peer.h"
#include "signaling/signaling.h"

namespace callbot::bot {

class CallLeg;

class LegOwner {
 public:
  virtual ~LegOwner() = default;
  // What frames of this member's tracks are called: TrackInfo::participant.
  virtual const std::string& participant_of(const std::string& member) const = 0;
  // The line that this member's leg goes over, if it is impaired: ours, which all legs share, or
  // his. Asked when a leg begins.
  struct Line {
    network::Link* link = nullptr;
    network::Relay::Whose whose = network::Relay::Whose::kOurPeers;
  };
  virtual Line leg_line(const std::string& /*name*/) { return {}; }
  // Legs to members that we offer on have a data channel for chat and files (signaling/ROOMS.md).
  virtual bool leg_opens_channel() { return false; }
  virtual void leg_send(signaling::LegId leg, signaling::Message message) = 0;
  virtual void leg_request(signaling::LegId leg, signaling::Request request) = 0;
  virtual void leg_connected(CallLeg& leg) = 0;
  // `again`: a fresh peer connection is on its way.
  virtual void leg_trouble(CallLeg& leg, const Error& error, bool again) = 0;
  virtual void leg_track_added(CallLeg& leg, const TrackInfo& track) = 0;
  virtual void leg_track_removed(const TrackInfo& track) = 0;
  virtual void leg_key_frame_wait(const TrackInfo& track) = 0;
  virtual void leg_key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) = 0;
  virtual void leg_size_changed(const TrackInfo& track, uint32_t width, uint32_t height) = 0;
  virtual void leg_rendition_changed(CallLeg& /*leg*/, size_t /*rendition*/, double /*available*/) {
  }
  virtual void leg_channel_message(CallLeg& leg, bool text, std::string bytes) = 0;
  virtual void leg_channel_closed(CallLeg& leg) = 0;
};

class CallLeg final : private pipelines::PeerEvents {
 public:
  // `config` holds what all peers of the call share; direction, trickle and servers come from
  // `leg`.
  CallLeg(Loop& loop, const Log& log, signaling::Leg leg, pipelines::PeerConfig config,
          LegOwner& owner);
  ~CallLeg() override;

  void start();
  void received(signaling::Message message);
  void requested(signaling::Request request);

  const signaling::Leg& leg() const { return leg_; }
  pipelines::Peer* peer() { return peer_.get(); }  // null between two of them
  uint32_t generation() const { return generation_; }
  // Does the media of this leg really go over the link? kUnmeasured: there is no proof that it
  // does.
  Result<> network_verified() const;
  const std::vector<TrackInfo>& tracks() const { return tracks_; }
  // Over the data channel, whoever opened it. kConnect: it is not open, or takes no more just now.
  Result<> send_message(bool text, std::string_view bytes);

 private:
  void fresh();
  bool make_peer();
  void drop_peer();
  void retry(const Error& error);
  void take(const signaling::Description& description);
  void take(const signaling::Candidate& candidate);
  void begun_afresh();
  void forget_who_left(const std::map<std::string, signaling::StreamOwner>& streams);
  void give(const signaling::Candidate& candidate);
  const TrackInfo* track(TrackId id) const;

  void local_description(bool offer, const std::string& sdp) override;
  void local_candidate(uint32_t mline, const std::string& mid, const std::string& text) override;
  void connected() override;
  void track_added(const TrackInfo& track) override;
  void track_removed(TrackId track) override;
  void key_frame_wait(TrackId track) override;
  void key_frame_found(TrackId track, std::chrono::nanoseconds wait) override;
  void size_changed(TrackId track, uint32_t width, uint32_t height) override;
  void rendition_changed(size_t rendition, double available) override;
  void channel_opened(pipelines::ChannelId channel, const std::string& label) override;
  void channel_message(pipelines::ChannelId channel, bool text, std::string bytes) override;
  void channel_closed(pipelines::ChannelId channel) override;
  void needs_negotiation() override;
  void failed(const Error& error) override;

  Loop& loop_;
  Log log_;
  signaling::Leg leg_;
  pipelines::PeerConfig config_;
  LegOwner& owner_;
  uint32_t generation_ = 0;  // of the current peer
  int attempt_ = 0;          // fresh peers since the last one that connected
  std::vector<TrackInfo> tracks_;
  std::map<std::string, signaling::StreamOwner> streams_;
  std::vector<signaling::Candidate> early_;  // came before their description
  std::optional<pipelines::ChannelId> channel_;
  std::unique_ptr<network::Relay> relay_;  // of the current peer, where there is a link
  std::unique_ptr<pipelines::Peer> peer_;
  Timer retry_;
  Alive alive_;
};

}  // namespace callbot::bot
