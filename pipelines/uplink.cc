#include "pipelines/uplink.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "pipelines/bandwidth_estimate.h"
#include "pipelines/gst_glue.h"
#include "pipelines/rendition_ladder.h"
#include "pipelines/rtp_rewrite.h"

namespace callbot::pipelines {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::milliseconds kProbeStep{10};
constexpr int64_t kProbe_ns = 100'000'000;
constexpr int64_t kNoFeedback_ns = 2'000'000'000;
// Packets that a probe may ask for again: those sent a moment ago are on their way, older ones
// rtprtxsend (500 packets) may have forgotten.
constexpr uint16_t kProbeNotNewest = 4, kProbeAmong = 60;
constexpr size_t kMostProbePackets = 400;
constexpr double kStart = 1.5;  // of what the best rendition needs: believed until seen otherwise

// Packets sent again: at most half of what the path takes, and half a second of that at once.
constexpr double kRepairShare = 0.5, kRepairBurstSeconds = 0.5;

constexpr size_t kRtpHeader = 12, kExtension = 8, kSrtpTag = 10;  // beside what is reported
constexpr const char kOurs[] = "callbot-probe";

// Sent packets of one RTPTWCCPackets event (GStreamer 1.20 and later, rtpsession).
std::vector<PacketReport> reports_of(const GstStructure* event) {
  std::vector<PacketReport> reports;
  const GValue* value = gst_structure_get_value(event, "packets");
  if (value == nullptr || std::string_view(G_VALUE_TYPE_NAME(value)) != "GValueArray")
    return reports;
  const auto* array = static_cast<const GValueArray*>(g_value_get_boxed(value));
  for (guint i = 0; array != nullptr && i < array->n_values; ++i) {
    const auto* one = static_cast<const GstStructure*>(g_value_get_boxed(&array->values[i]));
    guint sequence = 0, size = 0;
    guint64 sent = GST_CLOCK_TIME_NONE, arrived = GST_CLOCK_TIME_NONE;
    gboolean lost = FALSE;
    gst_structure_get(one, "seqnum", G_TYPE_UINT, &sequence, "size", G_TYPE_UINT, &size, "local-ts",
                      G_TYPE_UINT64, &sent, "remote-ts", G_TYPE_UINT64, &arrived, "lost",
                      G_TYPE_BOOLEAN, &lost, nullptr);
    if (!GST_CLOCK_TIME_IS_VALID(sent)) continue;  // reported before, or never sent
    if (lost == FALSE && !GST_CLOCK_TIME_IS_VALID(arrived)) continue;
    reports.push_back({static_cast<uint16_t>(sequence), size + kRtpHeader + kExtension + kSrtpTag,
                       static_cast<int64_t>(sent), static_cast<int64_t>(arrived), lost != FALSE});
  }
  return reports;
}

}  // namespace

struct Uplink::Shared {
  explicit Shared(Loop& loop) : loop(loop) {}

  GstPadProbeReturn take(GstEvent* event);
  GstPadProbeReturn complete(GstPadProbeInfo* info) const;
  void feedback(const GstStructure* event);
  bool may_repair(const GstStructure* request);
  PathState path() const {
    return {estimate->bitrate(), estimate->received(), estimate->lost_share(),
            estimate->overused_ns()};
  }
  void tell() {
    loop.post([changed = changed, level = ladder.level(), rate = estimate->bitrate()]() mutable {
      changed(level, rate);
    });
  }

  Loop& loop;
  std::function<void(size_t, double)> changed;
  std::atomic<int> extension{0};  // of transport-wide sequence numbers; 0: none

  mutable std::mutex mutex;  // for what follows
  GRef<GstPad> pad;          // rtprtxsend's, in front of rtpsession
  std::optional<BandwidthEstimate> estimate;
  RenditionLadder ladder;
  MediaLines::Adaptable streams;
  int64_t fed_back_ns = 0;
  uint64_t sent = 0;           // packets, when looked at last
  double packet_bytes = 1000;  // as sent lately
  double repair_bytes = 0;     // that may be sent again now
  int64_t repaired_ns = 0;
  UplinkStats counted;
};

Uplink::Uplink(Loop& loop, Changed changed) : shared_(std::make_shared<Shared>(loop)) {
  shared_->changed = alive_.guard(std::move(changed));
}

Uplink::~Uplink() {
  const std::lock_guard lock(shared_->mutex);
  shared_->estimate.reset();
  shared_->pad = nullptr;
}

std::function<void(GstElement*)> Uplink::tap() const {
  return [weak = std::weak_ptr<Shared>(shared_)](GstElement* element) {
    if (std::string_view(factory_name(element)) != "rtprtxsend") return;
    auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
    const auto shared = weak.lock();
    if (!pad || !shared) return;
    {
      const std::lock_guard lock(shared->mutex);
      shared->pad = pad;
    }
    add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_BOTH, [weak](GstPadProbeInfo* info) {
      const auto shared = weak.lock();
      if (!shared) return GST_PAD_PROBE_OK;
      GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
      return GST_EVENT_TYPE(event) == GST_EVENT_CAPS ? shared->complete(info) : shared->take(event);
    });
  };
}

// --- GStreamer's threads

GstPadProbeReturn Uplink::Shared::take(GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_CUSTOM_UPSTREAM) return GST_PAD_PROBE_OK;
  const GstStructure* said = gst_event_get_structure(event);
  if (said == nullptr) return GST_PAD_PROBE_OK;
  if (gst_structure_has_name(said, "RTPTWCCPackets")) {
    feedback(said);
    return GST_PAD_PROBE_DROP;  // nobody else listens
  }
  if (gst_structure_has_name(said, "GstRTPRetransmissionRequest") && !may_repair(said))
    return GST_PAD_PROBE_DROP;
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn Uplink::Shared::complete(GstPadProbeInfo* info) const {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const int id = extension;
  if (id == 0 || gst_caps_is_any(caps) || gst_caps_is_empty(caps)) return GST_PAD_PROBE_OK;
  const std::string name = fmt::format("extmap-{}", id);
  if (gst_structure_has_field(gst_caps_get_structure(caps, 0), name.c_str()))
    return GST_PAD_PROBE_OK;
  const auto whole = GRef<GstCaps>::adopt(gst_caps_copy(caps));
  gst_caps_set_simple(whole.get(), name.c_str(), G_TYPE_STRING, kTransportCcUri, nullptr);
  const auto taken = GRef<GstEvent>::adopt(event);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(whole.get());
  return GST_PAD_PROBE_OK;
}

void Uplink::Shared::feedback(const GstStructure* event) {
  const auto reports = reports_of(event);
  if (reports.empty()) return;
  const int64_t now = monotonic_ns();
  const std::lock_guard lock(mutex);
  if (!estimate) return;
  fed_back_ns = now;
  for (const PacketReport& report : reports)
    packet_bytes += 0.05 * (static_cast<double>(report.bytes) - packet_bytes);
  estimate->take(reports, now);
  if (ladder.look(path(), now)) tell();
}

// What was lost of another rendition nobody needs any more; and where much was lost because there
// is no room, sending it again takes the room from what follows.
bool Uplink::Shared::may_repair(const GstStructure* request) {
  if (gst_structure_has_field(request, kOurs)) return true;
  guint sequence = 0, ssrc = 0;
  if (!gst_structure_get(request, "seqnum", G_TYPE_UINT, &sequence, "ssrc", G_TYPE_UINT, &ssrc,
                         nullptr))
    return true;
  const int64_t now = monotonic_ns();
  const std::lock_guard lock(mutex);
  if (!estimate || fed_back_ns == 0) return ++counted.resent, true;
  for (const auto& numbers : streams.numbers) {
    const auto after = static_cast<int16_t>(sequence - numbers->first.load());
    if (numbers->ssrc == ssrc && ladder.level() > 0 && after < 0) return ++counted.refused, false;
  }
  const double rate = kRepairShare * estimate->bitrate() / 8;
  const double passed_s = repaired_ns == 0 ? 1 : static_cast<double>(now - repaired_ns) * 1e-9;
  repaired_ns = now;
  repair_bytes = std::min(repair_bytes + rate * passed_s, rate * kRepairBurstSeconds);
  if (repair_bytes < packet_bytes) return ++counted.refused, false;
  repair_bytes -= packet_bytes;
  ++counted.resent;
  return true;
}

// --- loop

void Uplink::number_packets(int extension) { shared_->extension = extension; }

void Uplink::set_streams(const MediaLines::Adaptable& streams) {
  const bool adapts = streams.needs.size() > 1;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->streams = streams;
    shared_->ladder.set_needs(streams.needs);
    if (adapts && !shared_->estimate) shared_->estimate.emplace(kStart * streams.needs.front());
    if (adapts && shared_->fed_back_ns != 0) shared_->fed_back_ns = monotonic_ns();
  }
  if (!adapts) {
    timer_.stop();
    probe_timer_.stop();
  } else if (!timer_.running()) {
    timer_.every(kLookEvery, [this] { look(); });
  }
}

void Uplink::look() {
  const int64_t now = monotonic_ns();
  std::optional<double> rate;
  bool repairs = false;
  {
    Shared& shared = *shared_;
    const std::lock_guard lock(shared.mutex);
    if (!shared.estimate || shared.fed_back_ns == 0) return;
    uint64_t sent = 0;
    for (const auto& numbers : shared.streams.numbers) sent += numbers->packets;
    if (std::exchange(shared.sent, sent) == sent) shared.fed_back_ns = now;  // nothing to report
    if (now - shared.fed_back_ns > kNoFeedback_ns) shared.estimate->no_feedback();
    if (shared.ladder.look(shared.path(), now)) shared.tell();
    if (now - shared.fed_back_ns < kNoFeedback_ns && !shared.estimate->probing())
      rate = shared.ladder.probe(shared.path(), now);
    repairs = shared.streams.repairs;
    if (rate && !repairs) {
      shared.estimate->believe(*rate);
      if (shared.ladder.look(shared.path(), now)) shared.tell();
    }
  }
  if (rate && repairs) begin_probe(*rate);
}

void Uplink::begin_probe(double rate) {
  probe_from_ns_ = monotonic_ns();
  probe_bytes_ = probe_packets_ = 0;
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->estimate) return;
    const auto& needs = shared_->ladder.needs();
    probe_rate_ = rate - needs[std::min(shared_->ladder.level(), needs.size() - 1)];
    // rtpsession's clock is the system's, as is ours.
    shared_->estimate->probe(probe_from_ns_, probe_from_ns_ + kProbe_ns);
    ++shared_->counted.probes;
  }
  probe_timer_.every(kProbeStep, [this] { send_probe(); });
  send_probe();
}

// Asks for packets again, as many as were due by now.
void Uplink::send_probe() {
  const int64_t passed_ns = monotonic_ns() - probe_from_ns_;
  if (passed_ns >= kProbe_ns) probe_timer_.stop();
  const int64_t until_ns = std::min(passed_ns, kProbe_ns) + kProbe_ns / 10;
  const double due = probe_rate_ / 8 * 1e-9 * static_cast<double>(until_ns);
  GRef<GstPad> pad;
  std::shared_ptr<const SentNumbers> numbers;
  double each = 0;
  {
    const std::lock_guard lock(shared_->mutex);
    pad = shared_->pad;
    if (!shared_->streams.numbers.empty()) numbers = shared_->streams.numbers.front();
    each = shared_->packet_bytes;
  }
  if (!pad || !numbers || numbers->packets < 2 * kProbeNotNewest) return;
  const uint32_t among = std::min<uint32_t>(numbers->packets - kProbeNotNewest, kProbeAmong);
  while (static_cast<double>(probe_bytes_) < due && probe_packets_ < kMostProbePackets) {
    const auto back = static_cast<uint16_t>(kProbeNotNewest + probe_packets_ % among);
    const guint sequence = static_cast<uint16_t>(numbers->last - back);
    auto* request =
        gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT, sequence, "ssrc",
                          G_TYPE_UINT, guint{numbers->ssrc}, kOurs, G_TYPE_BOOLEAN, TRUE, nullptr);
    gst_pad_send_event(pad.get(), gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, request));
    probe_bytes_ += static_cast<size_t>(each);
    ++probe_packets_;
  }
}

UplinkStats Uplink::stats() const {
  const std::lock_guard lock(shared_->mutex);
  UplinkStats stats = shared_->counted;
  if (shared_->estimate && shared_->fed_back_ns != 0)
    stats.available = shared_->estimate->bitrate();
  stats.rendition = shared_->ladder.level();
  stats.limited_s = shared_->ladder.limited_s(monotonic_ns());
  stats.switches = shared_->ladder.switches();
  return stats;
}

}  // namespace callbot::pipelines
