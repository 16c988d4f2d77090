#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "pipelines/codecs.h"
#include "pipelines/fingerprint.h"
#include "pipelines/ice.h"
#include "pipelines/peer_impl.h"

namespace callbot::pipelines {
namespace {

SdpGuardConfig guard_config(const PeerConfig& config) {
  const bool sends_video =
      config.source != nullptr &&
      std::any_of(config.source->streams().begin(), config.source->streams().end(),
                  [](const SourceStream& stream) { return stream.kind == MediaKind::kVideo; });
  SdpGuardConfig guard;
  guard.codecs = accepted_codecs(config).value_or(std::vector<std::string>());
  // Without a wish of ours the offerer's order counts: a browser sends what stands first.
  guard.codecs_by_us = config.source != nullptr || !config.receive_codecs.empty();
  if (config.source != nullptr)
    for (const SourceStream& stream : config.source->streams())
      if (const Codec* codec = codec_by_name(stream.codec)) guard.sent.push_back(codec->rtp_name);
  guard.receive_audio = config.receive_audio;
  guard.take_video = config.receive_video || sends_video;
  guard.receives = config.receives;
  guard.most_message_bytes = config.most_message_bytes;
  return guard;
}

const char* name_of(GstWebRTCPeerConnectionState state) {
  static constexpr const char* kNames[] = {"new",          "connecting", "connected",
                                           "disconnected", "failed",     "closed"};
  return state >= 0 && state < 6 ? kNames[state] : "unknown";
}

}  // namespace

Result<std::unique_ptr<Peer>> Peer::create(Loop& loop, Log log, PeerConfig config,
                                           PeerEvents& events) {
  if (const auto codecs = accepted_codecs(config); !codecs) return tl::unexpected(codecs.error());
  auto peer = std::make_unique<PeerImpl>(loop, std::move(log), std::move(config), events);
  return peer->build().map([&]() -> std::unique_ptr<Peer> { return std::move(peer); });
}

PeerImpl::PeerImpl(Loop& loop, Log log, PeerConfig config, PeerEvents& events)
    : loop_(loop),
      log_(std::move(log)),
      config_(std::move(config)),
      events_(events),
      guard_(guard_config(config_)),
      transport_(loop, *this),
      receiver_(loop, log_, guard_, events, config_.headers),
      channels_(loop, config_.most_message_bytes, *this),
      uplink_(loop, [this](size_t rendition, double available) {
        change_rendition(rendition, available);
      }) {}

Result<> PeerImpl::build() {
  auto look_at_element = [transport = transport_.tap(), uplink = uplink_.tap()](GstElement* one) {
    transport(one);
    uplink(one);
  };
  auto rtc = RtcBin::create(
      loop_, log_, config_.latency,
      {.jitterbuffer = receiver_.tap(),
       .element = look_at_element,
       .rtcp = [rtcp = rtcp_](GstPad* pad, bool sent) { count_rtcp(pad, rtcp, sent); },
       .channel = channels_.tap()},
      *this);
  if (!rtc) return tl::unexpected(rtc.error());
  rtc_ = std::move(*rtc);
  if (const auto ice = configure_ice(rtc_->rtc(), config_.ice, log_); !ice) return ice;
  if (std::any_of(config_.ice.servers.begin(), config_.ice.servers.end(),
                  [](const IceServer& server) { return server.url.starts_with("turn"); }))
    rtc_->uses_relays();
  return rtc_->start();
}

// No more packets into it, then no more out of it, then the pipeline itself, which ends elsewhere.
PeerImpl::~PeerImpl() {
  alive_.reset();
  lines_.reset();
}

// --- security

void PeerImpl::start_connecting() {
  connect_deadline_.once(config_.connect_deadline, [this] {
    fail_with({Code::kTimeout,
               fmt::format("not connected after {} s (ICE and DTLS are {})",
                           config_.connect_deadline.count() / 1000.0, name_of(connection_))});
  });
}

void PeerImpl::first_described() {
  if (times_.described_ns == 0) times_.described_ns = monotonic_ns();
}

void PeerImpl::dtls_connected(const std::string& certificate) {
  certificate_ = certificate;
  check_certificate();
}

// The handshake and the description may come in either order, and a later description may promise
// something else.
void PeerImpl::check_certificate() {
  if (failed_ || !certificate_ || !described_) return;
  const auto matches = certificate_matches(*certificate_, guard_.fingerprints());
  if (!matches)
    fail_with(matches.error());
  else if (!secure_)
    secure();
}

// From here on what comes in is used and what we have is sent.
void PeerImpl::secure() {
  secure_ = true;
  times_.dtls_ns = monotonic_ns();
  connect_deadline_.stop();
  transport_.watch(config_.vanish_deadline);
  log_.debug("connected, {}", transport_.selected_pair());
  loop_.post(alive_.guard([this] {
    if (failed_) return;
    transport_.allow();
    update_senders();
    bool here = false;
    auto still_here = alive_.guard([&here] { here = true; });
    events_.connected();  // may end it all
    still_here();
    if (!here) return;
    channels_.allow();
    receiver_.open();
  }));
}

void PeerImpl::connection_changed(GstWebRTCPeerConnectionState state) {
  connection_ = state;
  if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED)
    fail_with({Code::kConnect, "ICE or DTLS failed"});
}

void PeerImpl::dtls_closed() {
  if (secure_) fail_with({Code::kConnect, "the other end closed the connection"});
}

void PeerImpl::vanished() {
  fail_with({Code::kTimeout, fmt::format("nothing came from the other end for {} s",
                                         config_.vanish_deadline.count() / 1000.0)});
}

void PeerImpl::broken(const Error& error) { fail_with(error); }

// Never from inside a call of the owner's, who may end us in any event.
void PeerImpl::say(Loop::Task event) {
  loop_.post(alive_.guard([this, event = std::move(event)] {
    if (!failed_) event();
  }));
}

// The last thing that is said.
void PeerImpl::fail_with(Error error) {
  if (failed_) return;
  failed_ = true;
  connect_deadline_.stop();
  gather_deadline_.stop();
  if (lines_) lines_->silence();
  uplink_.set_streams({});
  loop_.post(alive_.guard([this, error = std::move(error)] { events_.failed(error); }));
}

// --- media

void PeerImpl::src_pad_added(const GRef<GstPad>& pad) { receiver_.take_pad(rtc_->pipeline(), pad); }

void PeerImpl::update_senders() {
  if (!lines_ || !secure_ || failed_) return;
  lines_->update(guard_.mlines(), [this](MediaKind kind) {
    return kind == MediaKind::kAudio ? sends_audio_ : sends_video_;
  });
  if (config_.adapts) uplink_.set_streams(lines_->adaptable());
}

void PeerImpl::change_rendition(size_t rendition, double available) {
  if (!lines_ || failed_) return;
  log_.info("video in rendition {}: the path takes {:.0f} kbit/s", rendition, available / 1000);
  lines_->set_rendition(rendition);
  say([this, rendition, available] { events_.rendition_changed(rendition, available); });
}

void PeerImpl::set_sending(MediaKind kind, bool on) {
  (kind == MediaKind::kAudio ? sends_audio_ : sends_video_) = on;
  update_senders();
}

void PeerImpl::set_track_owner(const std::string& mid, TrackOwner owner) {
  receiver_.set_owner(mid, std::move(owner));
}

// --- data channels

Result<ChannelId> PeerImpl::open_channel(const std::string& label) {
  if (failed_) return fail(Code::kConnect, "the peer connection has failed");
  return channels_.open(rtc_->rtc(), label);
}

Result<> PeerImpl::send_message(ChannelId channel, bool text, std::string_view bytes) {
  if (failed_ || !secure_) return fail(Code::kConnect, "not connected");
  return channels_.send(channel, text, bytes);
}

void PeerImpl::channel_opened(ChannelId channel, const std::string& label) {
  if (!failed_) events_.channel_opened(channel, label);
}

void PeerImpl::channel_message(ChannelId channel, bool text, std::string bytes) {
  if (!failed_) events_.channel_message(channel, text, std::move(bytes));
}

void PeerImpl::channel_closed(ChannelId channel) {
  if (!failed_) events_.channel_closed(channel);
}

// --- stats

PeerStats PeerImpl::stats() const {
  PeerStats stats;
  stats.tracks = receiver_.stats(*rtcp_);
  if (lines_) {
    stats.sent = lines_->sent(*rtcp_, uplink_.stats().rendition);
    stats.packets_sent = lines_->packets_sent();
    stats.bytes_sent = lines_->bytes_sent();
  }
  const UplinkStats uplink = uplink_.stats();
  stats.available_outgoing_bitrate = uplink.available;
  stats.rendition = uplink.rendition;
  stats.quality_limited_s = uplink.limited_s;
  stats.quality_switches = uplink.switches;
  stats.probes_sent = uplink.probes;
  stats.packets_resent = uplink.resent;
  stats.connection_state = name_of(connection_);
  stats.selected_pair = transport_.selected_pair();
  const RoundTrips trips = rtcp_->round_trips();
  stats.round_trips = trips.count;
  stats.round_trips_s = trips.sum_s;
  stats.times = times_;
  stats.times.ice_ns = transport_.connected_ns();
  return stats;
}

}  // namespace callbot::pipelines
