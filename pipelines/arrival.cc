#include "pipelines/arrival.h"

#include <gst/rtp/gstrtcpbuffer.h>

#include <mutex>
#include <utility>

#include "base/clock.h"
#include "pipelines/gst_glue.h"

namespace callbot::pipelines {
namespace {

// RFC 5905: NTP counts from 1900.
constexpr int64_t kNtpToUnixNs = 2208988800LL * 1000000000LL;
// Its seconds have 32 bits and begin again in February 2036. What would be before 1970 is in the
// second era.
constexpr int64_t kNtpEraNs = (1LL << 32) * 1000000000LL;
constexpr int64_t kSecondNs = 1'000'000'000;

// The one caps object of all our notes of a kind: they are recognised by its address.
GstCaps* arrival_caps() {
  static GstStaticCaps caps = GST_STATIC_CAPS("timestamp/x-callbot-arrival");
  static GstCaps* const made = gst_static_caps_get(&caps);
  return made;
}

// `timestamp` is the Unix time of the sender report; `duration` how far the packet's RTP time is
// from the report's, in ticks modulo 2^32.
GstCaps* report_caps() {
  static GstStaticCaps caps = GST_STATIC_CAPS("timestamp/x-callbot-report");
  static GstCaps* const made = gst_static_caps_get(&caps);
  return made;
}

struct Report {
  uint32_t ssrc;
  uint32_t rtp_time;
  int64_t unix_ns;
};

int64_t unix_of(uint64_t ntp) {
  const auto since_1900 = static_cast<int64_t>(gst_util_uint64_scale(ntp, kSecondNs, 1ULL << 32));
  const int64_t unix_ns = since_1900 - kNtpToUnixNs;
  return unix_ns < 0 ? unix_ns + kNtpEraNs : unix_ns;
}

// The first sender report (RFC 3550, 6.4.1) of a compound packet.
std::optional<Report> report_in(GstBuffer* compound) {
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  if (!gst_rtcp_buffer_validate_reduced(compound) ||
      !gst_rtcp_buffer_map(compound, GST_MAP_READ, &rtcp))
    return std::nullopt;
  std::optional<Report> found;
  GstRTCPPacket packet;
  for (gboolean more = gst_rtcp_buffer_get_first_packet(&rtcp, &packet); more && !found;
       more = gst_rtcp_packet_move_to_next(&packet)) {
    if (gst_rtcp_packet_get_type(&packet) != GST_RTCP_TYPE_SR) continue;
    uint64_t ntp = 0;
    Report report{};
    gst_rtcp_packet_sr_get_sender_info(&packet, &report.ssrc, &ntp, &report.rtp_time, nullptr,
                                       nullptr);
    report.unix_ns = unix_of(ntp);
    found = report;
  }
  gst_rtcp_buffer_unmap(&rtcp);
  return found;
}

// What is known of the sender of a jitterbuffer's packets. RTP and RTCP may come on two threads.
class SenderClock {
 public:
  void said(const Report& report) {
    std::lock_guard lock(mutex_);
    report_ = report;
  }
  // Another payload type may have another clock: a report counts for the type that it came in.
  void note(GstBuffer* packet) {
    uint8_t head[12];  // RFC 3550, 5.1
    if (gst_buffer_extract(packet, 0, head, sizeof head) < sizeof head) return;
    const int payload = head[1] & 0x7f;
    std::lock_guard lock(mutex_);
    if (std::exchange(payload_, payload) != payload) report_.reset();
    if (!report_ || report_->ssrc != GST_READ_UINT32_BE(head + 8)) return;
    gst_buffer_add_reference_timestamp_meta(packet, report_caps(),
                                            static_cast<GstClockTime>(report_->unix_ns),
                                            GST_READ_UINT32_BE(head + 4) - report_->rtp_time);
  }

 private:
  std::mutex mutex_;
  std::optional<Report> report_;
  int payload_ = -1;
};

struct Notes {
  std::shared_ptr<Arrivals> arrivals;
  std::shared_ptr<SenderClock> sender;
  std::shared_ptr<HeaderLog> headers;  // may be null
};

GstBuffer* note(GstBuffer* packet, int64_t now, const Notes& notes) {
  packet = gst_buffer_make_writable(packet);
  gst_buffer_add_reference_timestamp_meta(packet, arrival_caps(), static_cast<GstClockTime>(now),
                                          GST_CLOCK_TIME_NONE);
  notes.sender->note(packet);
  if (notes.headers) {
    uint8_t head[12];  // RFC 3550, 5.1
    notes.headers->note(now, {head, gst_buffer_extract(packet, 0, head, sizeof head)},
                        gst_buffer_get_size(packet));
  }
  Arrivals& arrivals = *notes.arrivals;
  if (arrivals.packets.fetch_add(1, std::memory_order_relaxed) == 0)
    arrivals.first_packet_ns.store(now, std::memory_order_relaxed);
  arrivals.bytes.fetch_add(gst_buffer_get_size(packet), std::memory_order_relaxed);
  arrivals.last_packet_ns.store(now, std::memory_order_relaxed);
  return packet;
}

struct ListNote {
  int64_t now;
  const Notes& notes;
};

gboolean note_each(GstBuffer** packet, guint, gpointer data) {
  auto* list = static_cast<ListNote*>(data);
  *packet = note(*packet, list->now, list->notes);
  return TRUE;
}

GstPadProbeReturn on_packet(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const Notes& notes = *static_cast<Notes*>(data);
  const int64_t now = monotonic_ns();
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    info->data = note(GST_PAD_PROBE_INFO_BUFFER(info), now, notes);
  } else {
    GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    ListNote each{now, notes};
    gst_buffer_list_foreach(list, note_each, &each);
    info->data = list;
  }
  return GST_PAD_PROBE_OK;
}

void hear_reports(GstPad* rtcp, const std::shared_ptr<SenderClock>& sender) {
  add_probe(rtcp, GST_PAD_PROBE_TYPE_BUFFER, [sender](GstPadProbeInfo* info) {
    if (const auto report = report_in(GST_PAD_PROBE_INFO_BUFFER(info))) sender->said(*report);
    return GST_PAD_PROBE_OK;
  });
}

// rtpbin asks for the pad after "new-jitterbuffer".
void hear_reports(GstElement* jitterbuffer, const std::shared_ptr<SenderClock>& sender) {
  constexpr const char* kPad = "sink_rtcp";
  if (auto rtcp = GRef<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer, kPad)))
    return hear_reports(rtcp.get(), sender);
  on_signal_now(jitterbuffer, "pad-added", [sender](const GValue* values) {
    auto* pad = static_cast<GstPad*>(g_value_get_object(&values[1]));
    if (g_str_equal(GST_PAD_NAME(pad), kPad)) hear_reports(pad, sender);
  });
}

}  // namespace

std::shared_ptr<const Arrivals> attach_arrival(GstPad* jitterbuffer_sink,
                                               std::shared_ptr<HeaderLog> headers) {
  auto arrivals = std::make_shared<Arrivals>();
  auto sender = std::make_shared<SenderClock>();
  gst_pad_add_probe(
      jitterbuffer_sink,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      on_packet, std::make_unique<Notes>(Notes{arrivals, sender, std::move(headers)}).release(),
      [](gpointer data) { delete static_cast<Notes*>(data); });
  const auto jitterbuffer = GRef<GstElement>::adopt(gst_pad_get_parent_element(jitterbuffer_sink));
  hear_reports(jitterbuffer.get(), sender);
  return arrivals;
}

PacketTimes packet_times(GstBuffer* packet, int clock_rate) {
  PacketTimes times;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(packet, &state,
                                                          GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
    const auto* stamp = reinterpret_cast<GstReferenceTimestampMeta*>(meta);
    if (stamp->reference == arrival_caps()) {
      times.arrival_ns = static_cast<int64_t>(stamp->timestamp);
    } else if (stamp->reference == report_caps()) {
      const int64_t ticks = static_cast<int32_t>(static_cast<uint32_t>(stamp->duration));
      times.ntp_ns = static_cast<int64_t>(stamp->timestamp) + ticks * kSecondNs / clock_rate;
    }
  }
  return times;
}

}  // namespace callbot::pipelines
