// pipelines/peer.h: one peer connection: one webrtcbin with everything that makes it safe.
//
// Negotiates (offerer or answerer) with guarded SDP, trickles or waits for its candidates,
// checks the DTLS fingerprint before anything received is used or anything is sent, turns received
// tracks into frames for sinks, sends what sources give, carries data channels, watches whether
// the other end is still there, and never lets a remote description crash the process.
//
// Thread:  loop; Events come on the loop.
// Owner:   bot::Call. Destroying a Peer tears its pipeline down off the loop and waits for nobody;
//          no event comes after that.
// Fails:   through PeerEvents::failed, at most once; after it the Peer only waits to be destroyed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/loop.h"
#include "pipelines/header_log.h"
#include "pipelines/sink.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

struct IceServer {
  std::string url;  // stun:, turn:, turns: (RFC 7064, 7065)
  std::string username;
  std::string credential;
};

struct IceConfig {
  std::vector<IceServer> servers;
  // Interface names or addresses to gather on. Empty: all but loopback, and loopback as well where
  // there is nothing else or where `loopback` asks for it.
  std::vector<std::string> interfaces;
  bool loopback = false;
  bool relay_only = false;
  uint16_t min_port = 0;  // 0: the system's choice
  uint16_t max_port = 0;
};

struct PeerConfig {
  std::string name;  // for logs
  bool offers = false;
  bool trickles = true;
  bool receives = true;  // false: what we are offered to receive is answered inactive
  IceConfig ice;
  // Codecs we accept or offer for what we receive, best first; names from codecs.h.
  // Empty: every codec of the table that is installed.
  std::vector<std::string> receive_codecs;
  std::shared_ptr<HeaderLog> headers;  // notes what comes in; may be null
  bool receive_audio = true;  // false: answered as not received; the line may carry the bundle
  bool receive_video = true;  // false: video lines are rejected, unless we send in them
  // So many video lines are offered at least, ours among them: others may have a screen beside
  // their camera.
  int least_video_lines = 1;
  // What webrtcbin's jitterbuffers hold for NACK to mend. Nobody listens live: be generous.
  std::chrono::milliseconds latency{600};
  std::chrono::milliseconds gather_deadline{2000};
  std::chrono::milliseconds connect_deadline{20000};
  std::chrono::milliseconds vanish_deadline{5000};  // no packet at all for so long: gone
  // Largest data channel message taken (RFC 8841 max-message-size); a larger one closes the
  // channel, not the call.
  uint64_t most_message_bytes = 256u << 10;
  // Sent from the start; one m-line a stream. Not owned; may be null.
  Source* source = nullptr;
  // Video goes out in the best of the source's renditions that the path takes, by the other end's
  // transport-wide feedback. false: always in the best.
  bool adapts = true;
};

// Whom a received m-line belongs to; looked up by mid when a track appears.
struct TrackOwner {
  std::string participant;
  std::string name;
  std::string source;
};

// Counters of one received track since it began. -1: not known (yet).
struct TrackStats {
  TrackId track = 0;
  uint64_t packets = 0, bytes = 0;  // RTP packets received and their payload bytes
  int64_t packets_lost = -1;        // RFC 3550 6.4.1 cumulative, after repair
  int64_t packets_repaired = -1;    // by retransmission
  uint64_t frames = 0, key_frames = 0;
  uint64_t frames_gated = 0;        // dropped while waiting for a key frame
  double key_frame_wait_s = 0;      // how long altogether
  uint32_t width = 0, height = 0;   // of the last key frame; 0: none yet, or audio
  double jitter_s = -1;             // RFC 3550 6.4.1
  int64_t first_packet_ns = 0;      // monotonic_ns(); 0: not known
  int64_t last_packet_ns = 0;       // monotonic_ns() of the newest packet
  uint64_t key_frame_requests = 0;  // that were made
  int64_t packets_discarded = -1;   // came too late for the jitterbuffer
  // RTCP packets that went out about it (pipelines/rtcp_counts.h).
  uint64_t nack_sent = 0, pli_sent = 0, fir_sent = 0;
  // How long frames were in the jitterbuffer altogether, from their first packet in to the frame
  // out, and how many they were.
  double held_s = 0;
  uint64_t held_frames = 0;
};

// Counters of one stream that is sent, since the connection began.
struct SentStats {
  size_t stream = 0;                // of PeerConfig::source
  uint64_t packets = 0, bytes = 0;  // RTP packets with their headers; none that are sent again
  // RTCP packets that came about it.
  uint64_t nack = 0, pli = 0, fir = 0;
  int target_bitrate = -1;  // of the rendition that is sent, bit/s; -1: there is but one way
  // Packets that the other end's reports are about, and how many of them did not come there, before
  // repair (RFC 3550, A.3).
  uint64_t reported = 0, reported_lost = 0;
};

// monotonic_ns(); 0: not yet.
struct ConnectTimes {
  int64_t described_ns = 0;  // the first description, of either end
  int64_t ice_ns = 0;        // ICE connected
  int64_t dtls_ns = 0;       // DTLS connected, and the fingerprint is the right one
};

struct PeerStats {
  std::vector<TrackStats> tracks;
  uint64_t packets_sent = 0, bytes_sent = 0;
  std::vector<SentStats> sent;
  // Of our sender reports (RFC 3550, 6.4.1), since the connection began.
  uint64_t round_trips = 0;
  double round_trips_s = 0;  // altogether
  ConnectTimes times;
  // What the path takes of our video, as the other end's feedback says, bit/s; -1: not known (yet).
  double available_outgoing_bitrate = -1;
  size_t rendition = 0;           // of the source's video that is sent; 0: the best
  double quality_limited_s = 0;   // altogether in a lesser one, because of the path
  uint64_t quality_switches = 0;  // to another one, because of the path
  uint64_t probes_sent = 0;       // tries whether it takes more
  uint64_t packets_resent = 0;    // because the other end lost them (NACK)
  std::string connection_state;   // W3C RTCPeerConnectionState
  std::string selected_pair;      // "host 127.0.0.1:4000 -> host 127.0.0.1:5000", empty: none
};

using ChannelId = uint32_t;

class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  // Ours, ready to be sent. Where the leg does not trickle it carries all candidates.
  virtual void local_description(bool offer, const std::string& sdp) = 0;
  // Ours, only if the leg trickles; an empty text is the end of candidates.
  virtual void local_candidate(uint32_t mline, const std::string& mid, const std::string& text) = 0;
  // ICE and DTLS are up and the fingerprint matches: media flows. Again after a renegotiation: no.
  virtual void connected() = 0;
  // A track's first packet was seen; its frames go to the sinks added in this call.
  virtual void track_added(const TrackInfo& track) = 0;
  virtual void track_removed(TrackId track) = 0;
  // Picture lost, waiting for a key frame; then waited for `wait`.
  virtual void key_frame_wait(TrackId track) = 0;
  virtual void key_frame_found(TrackId track, std::chrono::nanoseconds wait) = 0;
  virtual void size_changed(TrackId track, uint32_t width, uint32_t height) = 0;
  virtual void channel_opened(ChannelId channel, const std::string& label) = 0;
  virtual void channel_message(ChannelId channel, bool text, std::string bytes) = 0;
  virtual void channel_closed(ChannelId channel) = 0;
  // Our video goes out in another of its renditions; `available`: bit/s that the path takes.
  virtual void rendition_changed(size_t /*rendition*/, double /*available*/) {}
  // What our end cannot change in place and the other must offer afresh.
  virtual void needs_negotiation() = 0;
  // kTimeout: never connected, or vanished; kDenied: fingerprint mismatch; kBadInput: an SDP that
  // the guard refused; kConnect: ICE or DTLS failed.
  virtual void failed(const Error& error) = 0;
};

class Peer {
 public:
  static Result<std::unique_ptr<Peer>> create(Loop& loop, Log log, PeerConfig config,
                                              PeerEvents& events);
  virtual ~Peer() = default;

  // Offerer: makes an offer (again, after something changed). Answerer: nothing to do.
  virtual void negotiate() = 0;
  // The other's.
  virtual void remote_description(bool offer, const std::string& sdp) = 0;
  virtual void remote_candidate(uint32_t mline, const std::string& mid,
                                const std::string& text) = 0;
  // Whose tracks these are; an empty mid stands for every mid that is not named. Another
  // participant on a mid ends its track and begins one of its own; nobody (an empty one) just ends
  // it.
  virtual void set_track_owner(const std::string& mid, TrackOwner owner) = 0;

  // Sinks of a received track; more than one may sit on the same track. Not owned. Calls
  // Sink::add_track and, when no frame can come any more, Sink::remove_track; so does destruction.
  virtual void add_sink(TrackId track, Sink& sink) = 0;
  virtual void remove_sink(TrackId track, Sink& sink) = 0;
  // Asks the sender for a key frame (RTCP PLI), throttled to one a second.
  virtual void request_key_frame(TrackId track) = 0;

  // Muted sources stop at once; the other end's watchdog is kept content by RTCP.
  virtual void set_sending(MediaKind kind, bool on) = 0;

  virtual Result<ChannelId> open_channel(const std::string& label) = 0;  // before negotiate()
  virtual Result<> send_message(ChannelId channel, bool text, std::string_view bytes) = 0;

  virtual PeerStats stats() const = 0;
};

}  // namespace callbot::pipelines
