#include "pipelines/sender.h"

#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include <mutex>
#include <utility>

#include "pipelines/gst_glue.h"

namespace callbot::pipelines {
namespace {

// What may wait in front of a webrtcbin that does not keep up; the oldest goes first.
constexpr uint64_t kMostBuffered = 2u << 20;
// A source whose clock is further off than this has begun anew.
constexpr int64_t kMostOff = 5 * GST_SECOND;

// RTP caps as webrtcbin shall see them: no payload type (the negotiation decides), no extensions
// (the preferences carry those of the other end).
GRef<GstCaps> sendable_caps(const GstCaps* of_source) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_copy(of_source));
  GstStructure* s = gst_caps_get_structure(caps.get(), 0);
  gst_structure_remove_field(s, "payload");
  gst_structure_filter_and_map_in_place(
      s,
      [](GQuark field, GValue*, gpointer) -> gboolean {
        return !g_str_has_prefix(g_quark_to_string(field), "extmap-");
      },
      nullptr);
  return caps;
}

uint8_t renamed(const std::map<int, int>& ids, int id) {
  const auto at = ids.find(id);
  return at != ids.end() ? static_cast<uint8_t>(at->second) : 0;
}

// RFC 8285, 4.2: one byte of id and length, then the data. Id 0 is padding, 15 the end.
void rename_one_byte(uint8_t* at, const uint8_t* end, const std::map<int, int>& ids) {
  while (at < end) {
    const int id = *at >> 4;
    const size_t size = id == 0 ? 0 : (*at & 0x0f) + 1;
    if (id == 15 || at + size >= end) return;
    const uint8_t renamed_id = renamed(ids, id);
    if (id != 0 && renamed_id >= 1 && renamed_id <= 14) {
      *at = static_cast<uint8_t>(renamed_id << 4 | (*at & 0x0f));
    } else if (id != 0) {
      std::fill(at, at + size + 1, uint8_t{0});
    }
    at += size + 1;
  }
}

// RFC 8285, 4.3: a byte of id, a byte of length, the data.
void rename_two_byte(uint8_t* at, const uint8_t* end, const std::map<int, int>& ids) {
  while (at + 1 < end) {
    if (*at == 0) {
      ++at;
      continue;
    }
    const size_t size = at[1];
    if (at + 2 + size > end) return;
    const uint8_t id = renamed(ids, *at);
    if (id != 0)
      *at = id;
    else
      std::fill(at, at + 2 + size, uint8_t{0});
    at += 2 + size;
  }
}

}  // namespace

void rewrite_rtp(uint8_t* packet, size_t size, const SendFormat& format) {
  constexpr size_t kFixedHeader = 12;  // RFC 3550, 5.1
  if (size < kFixedHeader) return;
  if (format.payload >= 0)
    packet[1] = static_cast<uint8_t>((packet[1] & 0x80) | (format.payload & 0x7f));
  const bool extended = (packet[0] & 0x10) != 0;
  const size_t at = kFixedHeader + size_t{4} * (packet[0] & 0x0f);
  if (!extended || at + 4 > size) return;
  const int profile = packet[at] << 8 | packet[at + 1];
  const size_t length = size_t{4} * (packet[at + 2] << 8 | packet[at + 3]);
  if (at + 4 + length > size) return;
  uint8_t* begin = packet + at + 4;
  if (profile == 0xBEDE)
    rename_one_byte(begin, begin + length, format.extensions);
  else if ((profile & 0xfff0) == 0x1000)
    rename_two_byte(begin, begin + length, format.extensions);
}

// What the source's and GStreamer's threads share.
class Sender::Core {
 public:
  Core(GRef<GstElement> appsrc, Source& source, size_t stream, std::shared_ptr<SendClock> clock)
      : appsrc_(std::move(appsrc)), clock_(std::move(clock)), source_(&source), stream_(stream) {}

  void push(const GRef<GstBuffer>& packet);
  void set_format(SendFormat format) {
    std::lock_guard lock(mutex_);
    format_ = std::make_shared<const SendFormat>(std::move(format));
  }
  void ask_for_key_frame() {
    std::lock_guard lock(mutex_);
    if (source_ != nullptr) source_->request_key_frame(stream_);
  }
  void forget_source() {
    std::lock_guard lock(mutex_);
    source_ = nullptr;
  }

  std::atomic<bool> active{false};
  std::atomic<uint64_t> packets{0}, bytes{0};

 private:
  GstClockTime time_of(const GstBuffer* packet);

  GRef<GstElement> appsrc_;
  std::shared_ptr<SendClock> clock_;
  std::mutex mutex_;
  Source* source_;
  size_t stream_;
  std::shared_ptr<const SendFormat> format_ = std::make_shared<const SendFormat>();
};

// In the pipeline's running time, and in step with the peer's other streams. A source that uses
// the system's clock, as the pipeline does, is in step by itself; for any other the first packet
// of all says how far off it is.
GstClockTime Sender::Core::time_of(const GstBuffer* packet) {
  const GstClockTime now = gst_element_get_current_running_time(appsrc_.get());
  if (!GST_CLOCK_TIME_IS_VALID(now) || !GST_BUFFER_PTS_IS_VALID(packet)) return now;
  const auto pts = static_cast<int64_t>(GST_BUFFER_PTS(packet));
  const auto here = static_cast<int64_t>(now);
  const int64_t base = -static_cast<int64_t>(gst_element_get_base_time(appsrc_.get()));
  int64_t offset = SendClock::kUnknown;
  const int64_t first = std::abs(pts + base - here) < kMostOff ? base : here - pts;
  if (clock_->offset_ns.compare_exchange_strong(offset, first)) offset = first;
  const int64_t time = pts + offset;
  if (time >= 0 && std::abs(time - here) < kMostOff) return static_cast<GstClockTime>(time);
  clock_->offset_ns = here - pts;
  return now;
}

// The source's thread.
void Sender::Core::push(const GRef<GstBuffer>& packet) {
  if (!active.load(std::memory_order_acquire)) return;
  std::shared_ptr<const SendFormat> format;
  {
    std::lock_guard lock(mutex_);
    format = format_;
  }
  auto copy = GRef<GstBuffer>::adopt(gst_buffer_copy(packet.get()));
  GST_BUFFER_PTS(copy.get()) = GST_BUFFER_DTS(copy.get()) = time_of(packet.get());
  GstMapInfo header;  // the first memory: payloaders keep the header apart, so little is copied
  if (gst_buffer_map_range(copy.get(), 0, 1, &header, GST_MAP_READWRITE)) {
    rewrite_rtp(header.data, header.size, *format);
    gst_buffer_unmap(copy.get(), &header);
  }
  packets.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(gst_buffer_get_size(copy.get()), std::memory_order_relaxed);
  gst_app_src_push_buffer(GST_APP_SRC(appsrc_.get()), copy.release());
}

Sender::Sender(Source& source, size_t stream, std::shared_ptr<Core> core)
    : source_(source), stream_(stream), core_(std::move(core)) {}

Result<std::unique_ptr<Sender>> Sender::create(GstBin* pipeline, GstPad* sink, Source& source,
                                               size_t stream, std::shared_ptr<SendClock> clock) {
  const SourceStream& what = source.streams()[stream];
  auto made = make_element("appsrc");
  if (!made) return tl::unexpected(made.error());
  GRef<GstElement> appsrc = std::move(*made);
  const auto caps = sendable_caps(what.caps.get());
  g_object_set(appsrc.get(), "is-live", TRUE, "format", GST_FORMAT_TIME, "caps", caps.get(),
               "max-bytes", guint64{kMostBuffered}, nullptr);
  gst_util_set_object_arg(G_OBJECT(appsrc.get()), "leaky-type", "downstream");
  gst_bin_add(pipeline, appsrc.get());
  auto src = GRef<GstPad>::adopt(gst_element_get_static_pad(appsrc.get(), "src"));
  if (gst_pad_link(src.get(), sink) != GST_PAD_LINK_OK)
    return fail(Code::kInternal, "webrtcbin does not take a stream");

  auto core = std::make_shared<Core>(appsrc, source, stream, std::move(clock));
  // RTCP PLI and FIR come out of webrtcbin as an event against the stream.
  const std::weak_ptr<Core> asked = core;
  add_probe(src.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, [asked](GstPadProbeInfo* info) {
    if (!gst_video_event_is_force_key_unit(GST_PAD_PROBE_INFO_EVENT(info))) return GST_PAD_PROBE_OK;
    if (auto core = asked.lock()) core->ask_for_key_frame();
    return GST_PAD_PROBE_DROP;
  });
  gst_element_sync_state_with_parent(appsrc.get());
  return std::unique_ptr<Sender>(new Sender(source, stream, std::move(core)));
}

Sender::~Sender() {
  set_active(false);
  core_->forget_source();
}

void Sender::set_format(SendFormat format) { core_->set_format(std::move(format)); }

void Sender::set_active(bool active) {
  if (core_->active.exchange(active) == active) return;
  if (active) {
    tap_ = source_.attach(stream_,
                          [core = core_](const GRef<GstBuffer>& packet) { core->push(packet); });
    source_.request_key_frame(stream_);
  } else {
    source_.detach(stream_, tap_);
  }
}

uint64_t Sender::packets() const { return core_->packets; }
uint64_t Sender::bytes() const { return core_->bytes; }

}  // namespace callbot::pipelines
