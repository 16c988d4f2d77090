#include "pipelines/receiver.h"

#include <fmt/format.h>
#include <gst/rtp/rtp.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <iterator>
#include <mutex>
#include <utility>

#include "pipelines/audio_level.h"
#include "pipelines/gst_glue.h"
#include "pipelines/rtc_bin.h"

namespace callbot::pipelines {
namespace {

constexpr char kMidUri[] = "urn:ietf:params:rtp-hdrext:sdes:mid";  // RFC 8843, 15
// A sender puts the MID on its first packets, until it knows that it was received.
constexpr int kLookForMid = 50;
// How long the packets of a track are collected before they are worked on.
constexpr int64_t kBeatNs = 40'000'000;

// The value of a header extension with this id, in either form of RFC 8285.
std::string extension_text(GstBuffer* packet, int id) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(packet, GST_MAP_READ, &rtp)) return "";
  gpointer data = nullptr;
  guint size = 0;
  guint8 app_bits = 0;
  std::string text;
  const auto byte_id = static_cast<guint8>(id);
  if (gst_rtp_buffer_get_extension_onebyte_header(&rtp, byte_id, 0, &data, &size) ||
      gst_rtp_buffer_get_extension_twobytes_header(&rtp, &app_bits, byte_id, 0, &data, &size))
    text.assign(static_cast<const char*>(data), size);
  gst_rtp_buffer_unmap(&rtp);
  return text;
}

// A jitterbuffer lets each packet go as it comes, for a wake-up and two switches of threads. Its
// thread sleeps here to the next beat instead, at most once a beat, and then finds several. Nobody
// listens live, and when packets came was noted before. It sleeps at the jitterbuffer and not at
// webrtcbin's pad, which would pass for idle meanwhile (begin_again()).
void let_go_on_a_beat(GstElement* jitterbuffer) {
  auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer, "src"));
  add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
            [awake_ns = int64_t{0}](GstPadProbeInfo*) mutable {
              const int64_t now = g_get_monotonic_time() * 1000;
              if (now - awake_ns < kBeatNs) return GST_PAD_PROBE_OK;
              awake_ns = (now / kBeatNs + 1) * kBeatNs;
              const timespec until{awake_ns / 1'000'000'000, awake_ns % 1'000'000'000};
              clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
              return GST_PAD_PROBE_OK;
            });
}

int payload_of(const GstCaps* caps) {
  int payload = -1;
  if (caps != nullptr) gst_structure_get_int(gst_caps_get_structure(caps, 0), "payload", &payload);
  return payload;
}

GRef<GstElement> element_behind(GstPad* src) {
  auto sink = GRef<GstPad>::adopt(gst_pad_get_peer(src));
  return sink ? GRef<GstElement>::adopt(gst_pad_get_parent_element(sink.get())) : nullptr;
}

// Takes away what is linked behind a pad that is held and idle, to its end.
void take_apart(GstBin* pipeline, GstPad* src) {
  const auto next = element_behind(src);
  if (!next) return;
  auto sink = GRef<GstPad>::adopt(gst_pad_get_peer(src));
  gst_pad_unlink(src, sink.get());
  if (auto onward = GRef<GstPad>::adopt(gst_element_get_static_pad(next.get(), "src")))
    take_apart(pipeline, onward.get());
  gst_element_set_state(next.get(), GST_STATE_NULL);
  gst_bin_remove(pipeline, next.get());
}

}  // namespace

// What streaming threads write.
struct Receiver::Shared {
  struct Stream {
    GRef<GstElement> jitterbuffer;
    std::shared_ptr<const Arrivals> arrivals;
  };
  std::atomic<int> mid_extension{-1};
  std::mutex mutex;  // of all below; held for a moment only
  std::map<uint32_t, Stream> streams;
  std::map<uint32_t, std::string> mids;  // from header extensions
  bool closed = false;
  std::shared_ptr<HeaderLog> headers;  // constant; may be null

  void look_for_mid(const std::shared_ptr<Shared>& self, GstPad* pad, uint32_t ssrc);
};

void Receiver::Shared::look_for_mid(const std::shared_ptr<Shared>& self, GstPad* pad,
                                    uint32_t ssrc) {
  const std::weak_ptr<Shared> weak = self;  // the jitterbuffer it holds holds this probe
  add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, [weak, ssrc, left = kLookForMid](auto* info) mutable {
    const auto self = weak.lock();
    if (!self || --left == 0) return GST_PAD_PROBE_REMOVE;
    const int id = self->mid_extension;
    if (id <= 0) return GST_PAD_PROBE_OK;
    std::string mid = extension_text(GST_PAD_PROBE_INFO_BUFFER(info), id);
    if (mid.empty()) return GST_PAD_PROBE_OK;
    std::lock_guard lock(self->mutex);
    self->mids[ssrc] = std::move(mid);
    return GST_PAD_PROBE_REMOVE;
  });
}

Receiver::Receiver(Loop& loop, Log log, const SdpGuard& guard, PeerEvents& events,
                   std::shared_ptr<HeaderLog> headers)
    : loop_(loop),
      log_(std::move(log)),
      guard_(guard),
      events_(events),
      shared_(std::make_shared<Shared>()) {
  shared_->headers = std::move(headers);
}

// webrtcbin holds what tap() made, and that must not hold webrtcbin's jitterbuffers for ever.
Receiver::~Receiver() {
  std::map<uint32_t, Shared::Stream> streams;
  std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  streams.swap(shared_->streams);
}

std::function<void(GstElement*, uint32_t)> Receiver::tap() const {
  return [shared = shared_](GstElement* jitterbuffer, uint32_t ssrc) {
    auto sink = GRef<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer, "sink"));
    shared->look_for_mid(shared, sink.get(), ssrc);
    auto arrivals = attach_arrival(sink.get(), shared->headers);
    let_go_on_a_beat(jitterbuffer);
    std::lock_guard lock(shared->mutex);
    if (!shared->closed)
      shared->streams[ssrc] = {GRef<GstElement>::share(jitterbuffer), std::move(arrivals)};
  };
}

void Receiver::described() {
  for (const SdpMline& mline : guard_.mlines())
    for (const auto& [id, uri] : mline.extensions)
      if (uri == kMidUri) shared_->mid_extension = id;
  std::vector<TrackId> gone;
  for (const auto& [id, entry] : tracks_) {
    const std::string& mid = entry.track->info().mid;
    const SdpMline* mline = mid.empty() ? nullptr : guard_.by_mid(mid);
    if (!mid.empty() && (mline == nullptr || !mline->accepted)) gone.push_back(id);
  }
  for (const TrackId id : gone) remove(id);
  for (const auto& [id, entry] : tracks_) find_levels(*entry.track);
}

void Receiver::find_levels(Track& track) const {
  if (track.info().kind != MediaKind::kAudio) return;
  const std::string& mid = track.info().mid;
  for (const SdpMline& mline : guard_.mlines()) {
    if (mline.kind != "audio" || (!mid.empty() && mline.mid != mid)) continue;
    for (const auto& [id, uri] : mline.extensions)
      if (uri == kAudioLevelUri) return track.read_levels(id);
  }
}

void Receiver::set_owner(const std::string& mid, TrackOwner owner) {
  const auto before = owners_.find(mid);
  const bool another = before != owners_.end() && before->second.participant != owner.participant;
  owners_[mid] = std::move(owner);
  if (another && !mid.empty()) change_hands(mid);
}

bool Receiver::is_nobodys(const std::string& mid) const {
  const auto owner = owners_.find(mid);
  return !mid.empty() && owner != owners_.end() && owner->second.participant.empty();
}

// An SFU gives the m-line of who left to who comes next, with the same SSRC: the same pad.
void Receiver::change_hands(const std::string& mid) {
  std::vector<Held> pads;
  const auto theirs = [&](const Held& held) { return held.mid == mid; };
  std::copy_if(nobodys_.begin(), nobodys_.end(), std::back_inserter(pads), theirs);
  std::erase_if(nobodys_, theirs);
  std::vector<TrackId> ending;
  for (const auto& [id, entry] : tracks_) {
    if (entry.track->info().mid != mid) continue;
    pads.push_back({entry.pipeline, entry.pad, mid});
    ending.push_back(id);
  }
  bool here = false;
  auto check = alive_.guard([&here] { here = true; });
  for (const TrackId id : ending) remove(id);  // may end it all
  check();
  if (!here) return;
  for (const Held& held : pads) begin_again(held.pipeline, held.pad);
}

// What is linked may only go when no packet is on its way through it: a packet that came back
// refused would stop the jitterbuffer for good. And the next track begins with its first packet,
// since it may as well come with an SSRC, and a pad, of its own.
//
// A probe holds no reference to its pad: that would keep the pad where no packet comes any more.
void Receiver::begin_again(GstBin* pipeline, const GRef<GstPad>& pad) {
  RtcBin::hold_pad(pad.get());
  auto flows = alive_.guard([this, pipeline](const GRef<GstPad>& p) { begin(pipeline, p); });
  auto idle = alive_.guard([this, pipeline, flows](const GRef<GstPad>& p) {
    if (GST_OBJECT_PARENT(p.get()) == nullptr) return;  // its sender is gone
    take_apart(pipeline, p.get());
    once(p, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, flows);
  });
  once(pad, GST_PAD_PROBE_TYPE_IDLE, idle);
}

// On the loop, once the pad's probe has come; what holds the pad still does.
void Receiver::once(const GRef<GstPad>& pad, int probe,
                    std::function<void(const GRef<GstPad>&)> then) {
  add_probe(pad.get(), static_cast<GstPadProbeType>(probe),
            [&loop = loop_, p = pad.get(), then = std::move(then)](auto*) {
              loop.post([then, shared = GRef<GstPad>::share(p)] { then(shared); });
              return GST_PAD_PROBE_REMOVE;
            });
}

void Receiver::discard(GstBin* pipeline, const GRef<GstPad>& pad) {
  if (const auto discarded = discard_pad(pipeline, pad.get()); !discarded)
    log_.error("{}", discarded.error().message);
  RtcBin::release_pad(pad.get());
}

void Receiver::take_pad(GstBin* pipeline, const GRef<GstPad>& pad) {
  if (open_)
    begin(pipeline, pad);
  else
    held_.push_back({pipeline, pad});
}

void Receiver::open() {
  open_ = true;
  for (const Held& held : std::exchange(held_, {})) begin(held.pipeline, held.pad);
}

// The m-line's id, or nothing where it cannot be known.
std::string Receiver::mid_of(const TrackInfo& info, int payload) const {
  if (const SdpMline* mline = guard_.by_ssrc(info.ssrc)) return mline->mid;
  {
    std::lock_guard lock(shared_->mutex);
    if (const auto at = shared_->mids.find(info.ssrc); at != shared_->mids.end())
      if (guard_.by_mid(at->second) != nullptr) return at->second;
  }
  const SdpMline* by_kind = nullptr;
  const SdpMline* by_payload = nullptr;
  int of_kind = 0, with_payload = 0;
  for (const SdpMline& mline : guard_.mlines()) {
    if (!mline.accepted || mline.kind != name_of(info.kind)) continue;
    ++of_kind;
    by_kind = &mline;
    const bool has = std::any_of(mline.codecs.begin(), mline.codecs.end(),
                                 [&](const SdpCodec& codec) { return codec.payload == payload; });
    if (!has) continue;
    ++with_payload;
    by_payload = &mline;
  }
  if (of_kind == 1) return by_kind->mid;
  return with_payload == 1 ? by_payload->mid : "";
}

void Receiver::name(TrackInfo& info, int payload) const {
  info.mid = mid_of(info, payload);
  auto owner = owners_.find(info.mid);
  if (owner == owners_.end()) owner = owners_.find("");  // stands for every other
  if (owner == owners_.end()) return;
  info.participant = owner->second.participant;
  info.name = owner->second.name;
  info.source = owner->second.source;
  if (!info.source.empty()) return;
  const SdpMline* mline = guard_.by_mid(info.mid);
  if (mline != nullptr && mline->content == "slides") info.source = "screen";
}

void Receiver::begin(GstBin* pipeline, const GRef<GstPad>& pad) {
  const auto caps = GRef<GstCaps>::adopt(gst_pad_get_current_caps(pad.get()));
  auto info = describe_track(caps.get());
  if (info) name(*info, payload_of(caps.get()));
  if (info && is_nobodys(info->mid)) {
    nobodys_.push_back({pipeline, pad, info->mid});
    return discard(pipeline, pad);
  }
  auto track = info.and_then([&](TrackInfo& what) {
    return Track::create(loop_, log_, what, pipeline, pad.get(), *this);
  });
  if (!track) {
    log_.warn("a stream is not used: {}", track.error().message);
    return discard(pipeline, pad);
  }
  const TrackInfo what = (*track)->info();
  end_others_on(what.mid, what.kind);
  find_levels(**track);
  tracks_[what.id] = {std::move(*track), what.ssrc, pipeline, pad};
  bool here = false;
  auto still_here = alive_.guard([&here] { here = true; });
  events_.track_added(what);  // may end it all
  still_here();
  if (!here) return;
  if (Track* added = find(what.id)) added->open();
  RtcBin::release_pad(pad.get());
}

void Receiver::end_others_on(const std::string& mid, MediaKind kind) {
  if (mid.empty()) return;
  std::vector<TrackId> others;
  for (const auto& [id, entry] : tracks_)
    if (entry.track->info().mid == mid && entry.track->info().kind == kind) others.push_back(id);
  for (const TrackId id : others) remove(id);
}

void Receiver::remove(TrackId track) {
  if (tracks_.erase(track) > 0) events_.track_removed(track);
}

void Receiver::close() {
  while (!tracks_.empty()) remove(tracks_.begin()->first);
}

Track* Receiver::find(TrackId track) {
  const auto at = tracks_.find(track);
  return at != tracks_.end() ? at->second.track.get() : nullptr;
}

void Receiver::add_sink(TrackId track, Sink& sink) {
  if (Track* at = find(track)) at->add_sink(sink);
}

void Receiver::remove_sink(TrackId track, Sink& sink) {
  if (Track* at = find(track)) at->remove_sink(sink);
}

void Receiver::request_key_frame(TrackId track) {
  if (Track* at = find(track)) at->request_key_frame();
}

namespace {

// Adds what only the jitterbuffer knows. "num-lost" counts after retransmission has done what it
// could.
void add_jitterbuffer_stats(TrackStats& stats, GstElement* jitterbuffer) {
  GstStructure* raw = nullptr;
  g_object_get(jitterbuffer, "stats", &raw, nullptr);
  if (raw == nullptr) return;
  const std::unique_ptr<GstStructure, Freer<&gst_structure_free>> values(raw);
  guint64 value = 0;
  if (gst_structure_get_uint64(raw, "num-lost", &value))
    stats.packets_lost = static_cast<int64_t>(value);
  if (gst_structure_get_uint64(raw, "rtx-success-count", &value))
    stats.packets_repaired = static_cast<int64_t>(value);
  if (gst_structure_get_uint64(raw, "num-late", &value))
    stats.packets_discarded = static_cast<int64_t>(value);
  if (gst_structure_get_uint64(raw, "avg-jitter", &value))
    stats.jitter_s = static_cast<double>(value) / GST_SECOND;
}

}  // namespace

std::vector<TrackStats> Receiver::stats(const RtcpCounts& rtcp) const {
  std::vector<TrackStats> all;
  for (const auto& [id, entry] : tracks_) {
    TrackStats stats = entry.track->stats();
    Shared::Stream stream;
    {
      std::lock_guard lock(shared_->mutex);
      if (const auto at = shared_->streams.find(entry.ssrc); at != shared_->streams.end())
        stream = at->second;
    }
    if (stream.jitterbuffer) add_jitterbuffer_stats(stats, stream.jitterbuffer.get());
    if (stream.arrivals) {
      stats.packets = stream.arrivals->packets;
      stats.first_packet_ns = stream.arrivals->first_packet_ns;
      stats.last_packet_ns = stream.arrivals->last_packet_ns;
    }
    const FeedbackCounts asked = rtcp.sent_about(entry.ssrc);
    stats.nack_sent = asked.nack;
    stats.pli_sent = asked.pli;
    stats.fir_sent = asked.fir;
    all.push_back(stats);
  }
  return all;
}

}  // namespace callbot::pipelines
