#include "pipelines/arrival.h"

#include "base/clock.h"

namespace callbot::pipelines {
namespace {

// RFC 5905: NTP counts from 1900.
constexpr int64_t kNtpToUnixNs = 2208988800LL * 1000000000LL;
// Its seconds have 32 bits and begin again in February 2036. What would be before 1970 is in the
// second era.
constexpr int64_t kNtpEraNs = (1LL << 32) * 1000000000LL;

// The one caps object of all our notes: they are recognised by its address.
GstCaps* arrival_caps() {
  static GstStaticCaps caps = GST_STATIC_CAPS("timestamp/x-callbot-arrival");
  static GstCaps* const made = gst_static_caps_get(&caps);
  return made;
}

struct Notes {
  std::shared_ptr<Arrivals> arrivals;
};

GstBuffer* note(GstBuffer* packet, int64_t now, Arrivals& arrivals) {
  packet = gst_buffer_make_writable(packet);
  gst_buffer_add_reference_timestamp_meta(packet, arrival_caps(), static_cast<GstClockTime>(now),
                                          GST_CLOCK_TIME_NONE);
  arrivals.packets.fetch_add(1, std::memory_order_relaxed);
  arrivals.bytes.fetch_add(gst_buffer_get_size(packet), std::memory_order_relaxed);
  arrivals.last_packet_ns.store(now, std::memory_order_relaxed);
  return packet;
}

struct ListNote {
  int64_t now;
  Arrivals& arrivals;
};

gboolean note_each(GstBuffer** packet, guint, gpointer data) {
  auto* list = static_cast<ListNote*>(data);
  *packet = note(*packet, list->now, list->arrivals);
  return TRUE;
}

GstPadProbeReturn on_packet(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Arrivals& arrivals = *static_cast<Notes*>(data)->arrivals;
  const int64_t now = monotonic_ns();
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    info->data = note(GST_PAD_PROBE_INFO_BUFFER(info), now, arrivals);
  } else {
    GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    ListNote each{now, arrivals};
    gst_buffer_list_foreach(list, note_each, &each);
    info->data = list;
  }
  return GST_PAD_PROBE_OK;
}

}  // namespace

std::shared_ptr<const Arrivals> attach_arrival(GstPad* jitterbuffer_sink) {
  auto arrivals = std::make_shared<Arrivals>();
  gst_pad_add_probe(
      jitterbuffer_sink,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      on_packet, std::make_unique<Notes>(Notes{arrivals}).release(),
      [](gpointer data) { delete static_cast<Notes*>(data); });
  return arrivals;
}

PacketTimes packet_times(GstBuffer* packet) {
  PacketTimes times;
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(packet, &state,
                                                          GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
    const auto* stamp = reinterpret_cast<GstReferenceTimestampMeta*>(meta);
    if (stamp->reference == arrival_caps()) {
      times.arrival_ns = static_cast<int64_t>(stamp->timestamp);
    } else if (gst_structure_has_name(gst_caps_get_structure(stamp->reference, 0),
                                      "timestamp/x-ntp")) {
      const int64_t unix_ns = static_cast<int64_t>(stamp->timestamp) - kNtpToUnixNs;
      times.ntp_ns = unix_ns < 0 ? unix_ns + kNtpEraNs : unix_ns;
    }
  }
  return times;
}

}  // namespace callbot::pipelines
