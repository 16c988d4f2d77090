#include "pipelines/sender.h"

#include <fmt/format.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "pipelines/codecs.h"
#include "pipelines/gst_glue.h"
#include "pipelines/rtp_run.h"
#include "pipelines/rtp_splice.h"

namespace callbot::pipelines {
namespace {

// What may wait in front of a webrtcbin that does not keep up; the oldest goes first.
constexpr uint64_t kMostBuffered = 2u << 20;
// A source whose clock is further off than this has begun anew.
constexpr int64_t kMostOff = 5 * GST_SECOND;

constexpr guint kMostTogether = 64;  // packets of one list
constexpr int kMostTooLate = 2;      // key frames

// RTP caps as webrtcbin shall see them: no payload type (the negotiation decides), no extensions
// (the preferences carry those of the other end) but the one that rtpsession numbers packets in.
GRef<GstCaps> sendable_caps(const GstCaps* of_source, int transport_cc) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_copy(of_source));
  GstStructure* s = gst_caps_get_structure(caps.get(), 0);
  gst_structure_remove_field(s, "payload");
  gst_structure_filter_and_map_in_place(
      s,
      [](GQuark field, GValue*, gpointer) -> gboolean {
        return !g_str_has_prefix(g_quark_to_string(field), "extmap-");
      },
      nullptr);
  if (transport_cc > 0)
    gst_structure_set(s, fmt::format("extmap-{}", transport_cc).c_str(), G_TYPE_STRING,
                      kTransportCcUri, nullptr);
  return caps;
}

int64_t captured(const GRef<GstBuffer>& packet) {
  return static_cast<int64_t>(GST_BUFFER_PTS(packet.get()));
}

bool ends_frame(const GRef<GstBuffer>& packet) {
  uint8_t head[2] = {};
  return gst_buffer_extract(packet.get(), 0, head, 2) == 2 && (head[1] & 0x80) != 0;
}

}  // namespace

// What the source's and GStreamer's threads share.
class Sender::Core {
 public:
  Core(GRef<GstElement> appsrc, const SenderConfig& config)
      : appsrc_(std::move(appsrc)),
        clock_(config.clock),
        source_(config.source),
        stream_(config.stream),
        video_(config.source->streams()[config.stream].kind == MediaKind::kVideo),
        splice_(splice_of(config.source->streams()[config.stream])) {}

  void push(const GRef<GstBuffer>& packet, size_t rendition);
  void set_format(SendFormat format) {
    std::lock_guard lock(mutex_);
    format_ = std::move(format);
  }
  // Whatever comes first of this rendition follows what was sent.
  void begin(size_t rendition) {
    std::lock_guard lock(mutex_);
    rendition_ = rendition;
    next_.reset();
    held_.clear();
    splice_.cut();
  }
  // From its next key frame on; until then the present one, or nothing.
  void change_to(size_t rendition, bool keep) {
    std::lock_guard lock(mutex_);
    next_.reset();
    too_late_ = 0;
    if (!keep) {
      hand_over();
      held_.clear();
      if (rendition_ != rendition) rendition_.reset();
    }
    if (rendition_ == rendition) return release_held();
    next_ = rendition;
  }
  // No more packets come of the frame that has begun to go.
  void end() {
    std::lock_guard lock(mutex_);
    hand_over();
  }
  void ask_for_key_frame() {
    std::lock_guard lock(mutex_);
    if (source_ != nullptr)
      source_->request_rendition_key_frame(stream_, next_.value_or(rendition_.value_or(0)));
  }
  // The pipeline may stop. A live GstBaseSrc that is stopped when it has just taken a list unrefs
  // the buffer that it does not have (1.22; GLib complains): it is not live any more then.
  void finish() {
    std::lock_guard lock(mutex_);
    source_ = nullptr;
    changed = nullptr;
    g_object_set(appsrc_.get(), "is-live", FALSE, nullptr);
  }

  std::function<void(size_t rendition)> changed;  // source's thread; set before anything is sent
  std::atomic<bool> active{false};
  std::atomic<uint64_t> packets{0}, bytes{0};
  const std::shared_ptr<SentNumbers> numbers = std::make_shared<SentNumbers>();

 private:
  static RtpSplice splice_of(const SourceStream& stream) {
    const Codec* codec = codec_by_name(stream.codec);
    return codec != nullptr ? RtpSplice(codec->name, codec->clock) : RtpSplice("", 90000);
  }
  void take_over(const GRef<GstBuffer>& packet, size_t rendition);
  void hold(const GRef<GstBuffer>& packet);
  void release_held();
  void send(const GRef<GstBuffer>& packet);
  void hand_over();
  void note(std::span<const uint8_t> head);
  GstClockTime time_of(const GstBuffer* packet);

  GRef<GstElement> appsrc_;
  std::shared_ptr<SendClock> clock_;
  std::mutex mutex_;
  Source* source_;
  size_t stream_;
  const bool video_;
  // The packets of a frame are made together and go together: one way through webrtcbin for all.
  GRef<GstBufferList> together_;
  SendFormat format_;
  RtpSplice splice_;
  std::optional<size_t> rendition_ = 0;  // that is sent
  std::optional<size_t> next_;           // that takes over
  // While another is about to take over: the newest frame of the present one, which must not go out
  // if the other one has it as well.
  std::vector<GRef<GstBuffer>> held_;
  int64_t captured_ns_ = INT64_MIN;  // of the frame that was sent last
  int too_late_ = 0;                 // key frames that could not take over
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

// Both renditions have every frame, and either may be ahead: the first frame of the next one has to
// be one that was not sent yet.
void Sender::Core::take_over(const GRef<GstBuffer>& packet, size_t rendition) {
  const int64_t captured_ns = captured(packet);
  if (captured_ns <= captured_ns_) {
    // It lags behind the other by more than one frame. In the end it gets the time it needs.
    if (++too_late_ >= kMostTooLate) {
      release_held();
      rendition_.reset();
    }
    if (source_ != nullptr) source_->request_rendition_key_frame(stream_, rendition);
    return;
  }
  const bool whole = !held_.empty() && ends_frame(held_.back());
  if (whole && captured(held_.front()) < captured_ns) release_held();
  held_.clear();
  rendition_ = std::exchange(next_, std::nullopt);
  splice_.cut();
  numbers->packets = 0;
  if (changed) changed(rendition);
  send(packet);
}

void Sender::Core::hold(const GRef<GstBuffer>& packet) {
  if (captured(packet) == captured_ns_) return send(packet);  // the rest of what has begun to go
  if (!held_.empty() && captured(held_.front()) != captured(packet)) release_held();
  held_.push_back(packet);
}

void Sender::Core::release_held() {
  for (const auto& packet : std::exchange(held_, {})) send(packet);
}

void Sender::Core::note(std::span<const uint8_t> head) {
  const auto sent = read_rtp_header(head);
  if (!sent) return;
  numbers->ssrc = sent->ssrc;
  if (numbers->packets == 0) numbers->first = sent->sequence;
  numbers->last = sent->sequence;
  ++numbers->packets;
}

// The source's threads.
void Sender::Core::push(const GRef<GstBuffer>& packet, size_t rendition) {
  if (!active.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  if (rendition == rendition_)
    next_ ? hold(packet) : send(packet);
  else if (rendition == next_ && GST_BUFFER_FLAG_IS_SET(packet.get(), GST_BUFFER_FLAG_HEADER))
    take_over(packet, rendition);
}

void Sender::Core::send(const GRef<GstBuffer>& packet) {
  if (captured(packet) != captured_ns_) hand_over();  // the frame before had no marker at its end
  captured_ns_ = captured(packet);
  auto made = rewritten_packet(packet, format_, splice_.descriptor_bytes(),
                               [this](std::span<uint8_t> head, size_t header_bytes) {
                                 splice_.join(head, header_bytes, captured_ns_);
                                 note(head);
                               });
  made = GRef<GstBuffer>::adopt(gst_buffer_make_writable(made.release()));
  GST_BUFFER_PTS(made.get()) = GST_BUFFER_DTS(made.get()) = time_of(packet.get());
  packets.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(gst_buffer_get_size(made.get()), std::memory_order_relaxed);
  if (!together_) together_ = GRef<GstBufferList>::adopt(gst_buffer_list_new());
  gst_buffer_list_add(together_.get(), made.release());
  if (!video_ || ends_frame(packet) || gst_buffer_list_length(together_.get()) >= kMostTogether)
    hand_over();
}

void Sender::Core::hand_over() {
  if (together_) gst_app_src_push_buffer_list(GST_APP_SRC(appsrc_.get()), together_.release());
}

Sender::Sender(Loop& loop, const SenderConfig& config, std::shared_ptr<Core> core)
    : source_(*config.source), stream_(config.stream), core_(std::move(core)) {
  auto settle = alive_.guard([this](size_t rendition) {
    if (rendition == rendition_) detach_all_but(rendition);
  });
  core_->changed = [&loop, settle](size_t rendition) {
    loop.post([settle, rendition]() mutable { settle(rendition); });
  };
}

Result<std::unique_ptr<Sender>> Sender::create(Loop& loop, const SenderConfig& config) {
  const SourceStream& what = config.source->streams()[config.stream];
  auto made = make_element("appsrc");
  if (!made) return tl::unexpected(made.error());
  GRef<GstElement> appsrc = std::move(*made);
  const auto caps = sendable_caps(what.caps.get(), config.transport_cc);
  g_object_set(appsrc.get(), "is-live", TRUE, "format", GST_FORMAT_TIME, "caps", caps.get(),
               "max-bytes", guint64{kMostBuffered}, nullptr);
  gst_util_set_object_arg(G_OBJECT(appsrc.get()), "leaky-type", "downstream");
  gst_bin_add(config.pipeline, appsrc.get());
  auto src = GRef<GstPad>::adopt(gst_element_get_static_pad(appsrc.get(), "src"));
  if (gst_pad_link(src.get(), config.sink) != GST_PAD_LINK_OK)
    return fail(Code::kInternal, "webrtcbin does not take a stream");

  auto core = std::make_shared<Core>(appsrc, config);
  // RTCP PLI and FIR come out of webrtcbin as an event against the stream.
  const std::weak_ptr<Core> asked = core;
  add_probe(src.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, [asked](GstPadProbeInfo* info) {
    if (!gst_video_event_is_force_key_unit(GST_PAD_PROBE_INFO_EVENT(info))) return GST_PAD_PROBE_OK;
    if (auto core = asked.lock()) core->ask_for_key_frame();
    return GST_PAD_PROBE_DROP;
  });
  gst_element_sync_state_with_parent(appsrc.get());
  return std::unique_ptr<Sender>(new Sender(loop, config, std::move(core)));
}

Sender::~Sender() {
  alive_.reset();
  set_active(false);
  core_->finish();
}

void Sender::set_format(SendFormat format) { core_->set_format(std::move(format)); }

void Sender::attach(size_t rendition) {
  if (taps_.contains(rendition)) return;
  taps_[rendition] = source_.attach_rendition(
      stream_, rendition,
      [core = core_, rendition](const GRef<GstBuffer>& packet) { core->push(packet, rendition); });
}

void Sender::detach_all_but(size_t rendition) {
  for (auto it = taps_.begin(); it != taps_.end();) {
    if (it->first == rendition) {
      ++it;
      continue;
    }
    source_.detach(stream_, it->second);
    it = taps_.erase(it);
  }
}

void Sender::set_active(bool active) {
  if (core_->active.exchange(active) == active) return;
  if (active) {
    core_->begin(rendition_);
    attach(rendition_);
    source_.request_rendition_key_frame(stream_, rendition_);
  } else {
    detach_all_but(SIZE_MAX);
    core_->end();
  }
}

bool Sender::active() const { return core_->active; }

void Sender::set_rendition(size_t rendition) {
  const size_t before = rendition_;
  if (before == rendition) return;
  rendition_ = rendition;
  if (!core_->active) return;
  const bool up = rendition < before;
  core_->change_to(rendition, up);
  if (!up) detach_all_but(rendition);
  attach(rendition);
  source_.request_rendition_key_frame(stream_, rendition);
}

uint64_t Sender::packets() const { return core_->packets; }
uint64_t Sender::bytes() const { return core_->bytes; }
std::shared_ptr<const SentNumbers> Sender::numbers() const { return core_->numbers; }

}  // namespace callbot::pipelines
