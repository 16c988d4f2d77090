// pipelines/peer_impl.h: the one implementation of Peer, and how its parts meet.
//
//   negotiation  SdpGuard <-> MediaLines <-> RtcBin     peer_negotiation.cc
//   security     Transport -> fingerprint -> secure()   peer.cc
//   media        Receiver, Sender, Uplink, DataChannels peer.cc
//
// Thread:  loop.
// Owner:   whoever called Peer::create().
// Fails:   see peer.h.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/data_channels.h"
#include "pipelines/local_sdp.h"
#include "pipelines/media_lines.h"
#include "pipelines/peer.h"
#include "pipelines/receiver.h"
#include "pipelines/rtc_bin.h"
#include "pipelines/rtcp_counts.h"
#include "pipelines/sdp_guard.h"
#include "pipelines/sender.h"
#include "pipelines/transport.h"
#include "pipelines/uplink.h"

namespace callbot::pipelines {

class PeerImpl final : public Peer,
                       private RtcBin::Events,
                       private Transport::Events,
                       private DataChannels::Events {
 public:
  PeerImpl(Loop& loop, Log log, PeerConfig config, PeerEvents& events);
  ~PeerImpl() override;
  Result<> build();

  void negotiate() override;
  void remote_description(bool offer, const std::string& sdp) override;
  void remote_candidate(uint32_t mline, const std::string& mid, const std::string& text) override;
  void set_track_owner(const std::string& mid, TrackOwner owner) override;
  void add_sink(TrackId track, Sink& sink) override { receiver_.add_sink(track, sink); }
  void remove_sink(TrackId track, Sink& sink) override { receiver_.remove_sink(track, sink); }
  void request_key_frame(TrackId track) override { receiver_.request_key_frame(track); }
  void set_sending(MediaKind kind, bool on) override;
  Result<ChannelId> open_channel(const std::string& label) override;
  Result<> send_message(ChannelId channel, bool text, std::string_view bytes) override;
  PeerStats stats() const override;

 private:
  struct Description {
    bool offer;
    std::string sdp;
  };
  struct RemoteCandidate {
    uint32_t mline;
    std::string mid, text;
  };

  // --- negotiation
  void next_step();
  void make_offer();
  void take_offer(const std::string& sdp);
  void take_answer(const std::string& sdp);
  bool accept(const Result<std::string>& guarded);
  void set_local(bool offer, const std::string& inner);
  void local_set(bool offer, const std::string& inner);
  void publish();
  void negotiated();
  void flush_candidates();
  void add_candidate(const RemoteCandidate& candidate);
  void gathering_done();
  bool ok(const Result<>& step, const char* doing);

  // --- security
  void check_certificate();
  void secure();
  void first_described();
  void start_connecting();
  void say(Loop::Task event);
  void fail_with(Error error);

  // --- media
  void update_senders();
  void change_rendition(size_t rendition, double available);

  // RtcBin::Events
  void candidate(const std::string& text) override;
  void gathered() override { gathering_done(); }
  void connection_changed(GstWebRTCPeerConnectionState state) override;
  void src_pad_added(const GRef<GstPad>& pad) override;
  void broken(const Error& error) override;
  // Transport::Events
  void dtls_connected(const std::string& certificate) override;
  void dtls_closed() override;
  void vanished() override;
  // DataChannels::Events
  void channel_opened(ChannelId channel, const std::string& label) override;
  void channel_message(ChannelId channel, bool text, std::string bytes) override;
  void channel_closed(ChannelId channel) override;

  Loop& loop_;
  Log log_;
  const PeerConfig config_;
  PeerEvents& events_;
  const std::shared_ptr<RtcpCounts> rtcp_ = std::make_shared<RtcpCounts>();
  ConnectTimes times_;

  SdpGuard guard_;
  Transport transport_;
  Receiver receiver_;
  DataChannels channels_;
  Uplink uplink_;
  std::unique_ptr<RtcBin> rtc_;
  std::unique_ptr<MediaLines> lines_;

  // Negotiation: one step at a time; what comes meanwhile waits.
  bool busy_ = false;
  bool awaiting_answer_ = false;
  bool offer_wanted_ = false;
  bool described_ = false;  // a remote description was taken
  std::deque<Description> waiting_;
  std::deque<RemoteCandidate> early_candidates_;
  std::vector<std::string> local_candidates_;
  std::optional<Description> unpublished_;
  bool published_ = false;
  bool gathered_ = false;
  BundleTag tag_;                // of what was published
  size_t given_candidates_ = 0;  // of local_candidates_, trickled
  bool end_given_ = false;
  bool session_set_up_ = false;
  Timer gather_deadline_;

  // Security
  std::optional<std::string> certificate_;
  bool secure_ = false;
  bool failed_ = false;
  GstWebRTCPeerConnectionState connection_ = GST_WEBRTC_PEER_CONNECTION_STATE_NEW;
  Timer connect_deadline_;

  bool sends_audio_ = true, sends_video_ = true;
  bool asked_for_offer_ = false;
  Alive alive_;
};

}  // namespace callbot::pipelines
