#include "pipelines/track.h"

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/gref.h"
#include "pipelines/audio_level.h"
#include "pipelines/bitstream.h"
#include "pipelines/codecs.h"
#include "pipelines/rtp_run.h"

namespace callbot {

template <>
struct RefTraits<GstSample> {  // a mini object that does not show it
  static void ref(GstSample* p) { gst_sample_ref(p); }
  static void unref(GstSample* p) { gst_sample_unref(p); }
};

}  // namespace callbot

namespace callbot::pipelines {
namespace {

// Header extensions that are looked at; browsers send about 24 bytes of them.
constexpr size_t kMostExtensions = 64;
constexpr int64_t kKeyFrameRequestPeriodNs = 1'000'000'000;
// all-headers makes it a FIR, which not everybody honours; without it is a PLI.
constexpr gboolean kAllHeaders = FALSE;

TrackId next_track_id() {
  static std::atomic<TrackId> last{0};
  return ++last;
}

// A mapped buffer, as Frame::owner.
class MappedBuffer {
 public:
  explicit MappedBuffer(GstBuffer* buffer) : buffer_(GRef<GstBuffer>::share(buffer)) {
    mapped_ = gst_buffer_map(buffer_.get(), &map_, GST_MAP_READ) != FALSE;
  }
  ~MappedBuffer() {
    if (mapped_) gst_buffer_unmap(buffer_.get(), &map_);
  }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
  std::span<const uint8_t> bytes() const {
    return mapped_ ? std::span<const uint8_t>(map_.data, map_.size) : std::span<const uint8_t>();
  }

 private:
  GRef<GstBuffer> buffer_;
  GstMapInfo map_{};
  bool mapped_ = false;
};

// A number that the streaming thread alone counts and any thread reads: no locked instruction.
class Counter {
 public:
  void add(uint64_t by) { value_.store(get() + by, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace

// Shared by the Track, the element callbacks and what was posted to the loop.
class Track::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Loop& loop, Log log, TrackInfo info, TrackEvents& events)
      : loop_(loop),
        log_(std::move(log)),
        info_(std::move(info)),
        events_(events),
        video_(info_.kind == MediaKind::kVideo),
        splits_(info_.codec == "h264" || info_.codec == "h265"),
        inspector_(info_.codec),
        run_(info_.clock_rate) {}

  // --- loop
  Result<> build(GstBin* bin, GstPad* src);
  void open() { open_ = true; }
  void read_levels(int extension) { level_extension_ = extension; }
  void add_sink(Sink& sink);
  void remove_sink(Sink& sink);
  void close();
  void request_key_frame();
  const TrackInfo& info() const { return info_; }
  TrackStats stats() const;

 private:
  struct Taker {
    Sink* sink;
    bool waits_for_key;
    int64_t since_ns;  // what arrived before was not meant for it
  };

  // --- streaming thread
  static GstPadProbeReturn on_input(GstPad*, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn on_request(GstPad*, GstPadProbeInfo* info, gpointer);
  static GstFlowReturn on_sample(GstAppSink* sink, gpointer self);
  void take_packet(GstBuffer* buffer);
  void take_frame(GstBuffer* buffer);
  bool passes_gate(const RtpUnit& unit, const FrameFacts& facts);
  void lose();
  void hold_back();
  void begin_wait();
  void take_whole(std::shared_ptr<const void> owner, std::span<const uint8_t> bytes,
                  const RtpUnit& unit);
  void note_size(const FrameFacts& facts);
  void deliver(const Frame& frame);
  void ask_upstream(GstPad* depayloader_sink);
  template <class F>
  void tell(F event) {
    loop_.post([core = shared_from_this(), event = std::move(event)] {
      if (!core->closed_) event(core->events_);
    });
  }

  Loop& loop_;
  const Log log_;
  const TrackInfo info_;
  TrackEvents& events_;  // only while not closed_
  const bool video_;
  // The depayloader takes parameter sets for the beginning of a frame, but some senders repeat them
  // before every slice: such a frame comes in pieces.
  const bool splits_;
  GRef<GstPad> input_;  // the loop's; the streaming thread gets the pad with each call
  std::atomic<bool> open_{false};
  std::atomic<bool> closed_{false};  // set on the loop
  std::atomic<int> level_extension_{0};

  // Held while a frame is handed to the sinks (they never block), so that a removed sink is really
  // left alone when remove_sink() returns.
  std::mutex takers_mutex_;
  std::vector<Taker> takers_;

  // The streaming thread's own.
  GstPad* current_input_ = nullptr;
  FrameInspector inspector_;
  RtpRun run_;
  bool waiting_ = true;          // video: only a key frame passes
  int64_t wait_since_ = 0;       // 0: nothing was held back yet
  std::vector<uint8_t> pieces_;  // of a frame that is not complete yet
  int64_t pieces_time_ = 0;
  std::optional<AudioLevel> level_;    // of the newest packet
  bool gap_ = false;                   // something was lost since the last frame that passed
  std::optional<int64_t> newest_key_;  // RTP time of the last key frame that passed

  Counter packets_, bytes_, frames_, key_frames_, gated_, held_frames_, held_ns_;
  std::atomic<int64_t> last_packet_ns_{0};
  std::atomic<int64_t> waited_ns_{0};      // finished waits
  std::atomic<int64_t> waiting_since_{0};  // of the one that lasts
  std::atomic<uint32_t> width_{0}, height_{0};
  std::atomic<int64_t> last_request_ns_{0};
  std::atomic<uint64_t> requests_{0};
};

Result<> Track::Core::build(GstBin* bin, GstPad* src) {
  const Codec* codec = codec_by_name(info_.codec);
  if (codec == nullptr || !can_receive(*codec))
    return fail(Code::kUnsupported, fmt::format("no depayloader for codec '{}'", info_.codec));
  auto depay = GRef<GstElement>::sink(gst_element_factory_make(codec->depayloader, nullptr));
  auto sink = GRef<GstElement>::sink(gst_element_factory_make("appsink", nullptr));
  if (!depay || !sink) return fail(Code::kUnsupported, "no appsink is installed");
  auto caps = GRef<GstCaps>::adopt(gst_caps_from_string(codec->frame_caps));
  g_object_set(sink.get(), "caps", caps.get(), "sync", FALSE, "async", FALSE, "enable-last-sample",
               FALSE, nullptr);

  auto boxed = [this] { return std::make_unique<std::shared_ptr<Core>>(shared_from_this()); };
  auto unbox = [](gpointer core) { delete static_cast<std::shared_ptr<Core>*>(core); };
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_sample;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, boxed().release(), unbox);
  input_ = GRef<GstPad>::adopt(gst_element_get_static_pad(depay.get(), "sink"));
  gst_pad_add_probe(
      input_.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_input, boxed().release(), unbox);
  gst_pad_add_probe(input_.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_request, nullptr, nullptr);

  gst_bin_add_many(bin, depay.get(), sink.get(), nullptr);
  if (!gst_element_link(depay.get(), sink.get()) ||
      !gst_element_sync_state_with_parent(sink.get()) ||
      !gst_element_sync_state_with_parent(depay.get()) ||
      gst_pad_link(src, input_.get()) != GST_PAD_LINK_OK) {
    for (GstElement* element : {depay.get(), sink.get()}) {
      gst_element_set_state(element, GST_STATE_NULL);
      gst_bin_remove(bin, element);
    }
    return fail(Code::kInternal, fmt::format("a {} track could not be linked", info_.codec));
  }
  return {};
}

void Track::Core::add_sink(Sink& sink) {
  sink.add_track(info_);
  {
    std::lock_guard lock(takers_mutex_);
    takers_.push_back({&sink, video_, open_ ? monotonic_ns() : 0});
  }
  if (video_ && frames_.get() > 0) request_key_frame();
}

void Track::Core::remove_sink(Sink& sink) {
  size_t removed = 0;
  {
    std::lock_guard lock(takers_mutex_);
    removed = std::erase_if(takers_, [&](const Taker& taker) { return taker.sink == &sink; });
  }
  if (removed > 0) sink.remove_track(info_.id);
}

void Track::Core::close() {
  closed_ = true;
  std::vector<Taker> left;
  {
    std::lock_guard lock(takers_mutex_);
    left.swap(takers_);
  }
  for (const Taker& taker : left) taker.sink->remove_track(info_.id);
  // The pad's probe holds this object, so this object must not hold the pad for ever.
  input_ = nullptr;
}

void Track::Core::request_key_frame() {
  if (video_ && input_) ask_upstream(input_.get());
}

void Track::Core::ask_upstream(GstPad* depayloader_sink) {
  const int64_t now = monotonic_ns();
  int64_t last = last_request_ns_;
  if (last != 0 && now - last < kKeyFrameRequestPeriodNs) return;
  if (!last_request_ns_.compare_exchange_strong(last, now)) return;  // another thread just did
  ++requests_;
  gst_pad_push_event(depayloader_sink, gst_video_event_new_upstream_force_key_unit(
                                           GST_CLOCK_TIME_NONE, kAllHeaders, 0));
}

TrackStats Track::Core::stats() const {
  TrackStats stats;
  stats.track = info_.id;
  stats.packets = packets_.get();
  stats.bytes = bytes_.get();
  stats.frames = frames_.get();
  stats.key_frames = key_frames_.get();
  stats.frames_gated = gated_.get();
  const int64_t since = waiting_since_;
  const int64_t lasting = since != 0 ? monotonic_ns() - since : 0;
  stats.key_frame_wait_s = static_cast<double>(waited_ns_ + lasting) * 1e-9;
  stats.width = width_;
  stats.height = height_;
  stats.last_packet_ns = last_packet_ns_;
  stats.key_frame_requests = requests_;
  stats.held_s = static_cast<double>(held_ns_.get()) * 1e-9;
  stats.held_frames = held_frames_.get();
  return stats;
}

GstPadProbeReturn Track::Core::on_input(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
  Core& core = **static_cast<std::shared_ptr<Core>*>(self);
  if (core.closed_) return GST_PAD_PROBE_OK;
  core.current_input_ = pad;
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    core.take_packet(GST_PAD_PROBE_INFO_BUFFER(info));
  } else {
    // The jitterbuffer gave a packet up: no need to wait for the next one to ask.
    const GstStructure* what = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
    if (what != nullptr && gst_structure_has_name(what, "GstRTPPacketLost")) core.lose();
  }
  return GST_PAD_PROBE_OK;
}

// Until its first key frame the depayloader asks for one with every frame, and by FIR. We ask.
GstPadProbeReturn Track::Core::on_request(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  gboolean all_headers = FALSE;
  const bool asks =
      gst_video_event_is_force_key_unit(event) &&
      gst_video_event_parse_upstream_force_key_unit(event, nullptr, &all_headers, nullptr);
  return asks && all_headers != kAllHeaders ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

GstFlowReturn Track::Core::on_sample(GstAppSink* sink, gpointer self) {
  Core& core = **static_cast<std::shared_ptr<Core>*>(self);
  auto sample = GRef<GstSample>::adopt(gst_app_sink_try_pull_sample(sink, 0));
  GstBuffer* buffer = sample ? gst_sample_get_buffer(sample.get()) : nullptr;
  if (buffer != nullptr && !core.closed_) core.take_frame(buffer);
  return GST_FLOW_OK;
}

void Track::Core::take_packet(GstBuffer* buffer) {
  uint8_t head[kMostRtpHead + kMostExtensions];
  const size_t size = gst_buffer_get_size(buffer);
  const size_t got = gst_buffer_extract(buffer, 0, head, sizeof head);
  auto packet = read_rtp_header({head, got});
  if (!packet) return;
  level_.reset();
  if (const int id = level_extension_; id > 0 && !video_) level_ = audio_level_of({head, got}, id);
  const PacketTimes times = packet_times(buffer, info_.clock_rate);
  packet->arrival_ns = times.arrival_ns ? *times.arrival_ns : monotonic_ns();
  packet->ntp_ns = times.ntp_ns;
  packet->pts = GST_BUFFER_PTS(buffer);
  packets_.add(1);
  bytes_.add(size - std::min(size, packet->header_bytes));
  last_packet_ns_.store(
      std::max(last_packet_ns_.load(std::memory_order_relaxed), packet->arrival_ns),
      std::memory_order_relaxed);
  const RtpRun::Step step = run_.take(*packet);
  // What was kept before a key frame is not missed after it.
  if (const auto kept = run_.kept_one(); video_ && kept && *kept > newest_key_.value_or(*kept - 1))
    hold_back();
  switch (step) {
    case RtpRun::Step::kNext:
    case RtpRun::Step::kOld:
      return;
    case RtpRun::Step::kOtherSender:
      tell([id = info_.id, ssrc = packet->ssrc](TrackEvents& events) {
        events.ssrc_changed(id, ssrc);
      });
      return lose();
    case RtpRun::Step::kAfterLoss:
      return lose();
  }
}

void Track::Core::lose() {
  gap_ = true;
  if (!video_ || frames_.get() == 0) return;
  waiting_ = true;
  begin_wait();
}

// A frame does not reach the sinks, because it cannot be decoded without one that was lost.
void Track::Core::hold_back() {
  if (!open_) return;
  waiting_ = true;
  gap_ = true;
  gated_.add(1);
  begin_wait();
}

void Track::Core::begin_wait() {
  if (!open_) return;
  if (wait_since_ == 0) {
    wait_since_ = monotonic_ns();
    waiting_since_ = wait_since_;
    tell([id = info_.id](TrackEvents& events) { events.key_frame_wait(id); });
  }
  ask_upstream(current_input_);
}

bool Track::Core::passes_gate(const RtpUnit& unit, const FrameFacts& facts) {
  if (!video_ || !waiting_) return true;
  if (!facts.key || !facts.whole || unit.hole) {
    hold_back();
    return false;
  }
  waiting_ = false;
  if (wait_since_ != 0) {
    const std::chrono::nanoseconds wait(monotonic_ns() - std::exchange(wait_since_, 0));
    waiting_since_ = 0;
    waited_ns_ += wait.count();
    tell([id = info_.id, wait](TrackEvents& events) { events.key_frame_found(id, wait); });
  }
  return true;
}

void Track::Core::note_size(const FrameFacts& facts) {
  if (facts.width == 0 || (facts.width == width_ && facts.height == height_)) return;
  width_ = facts.width;
  height_ = facts.height;
  tell([id = info_.id, facts](TrackEvents& events) {
    events.size_changed(id, facts.width, facts.height);
  });
}

void Track::Core::take_frame(GstBuffer* buffer) {
  const RtpUnit& unit = run_.see(GST_BUFFER_PTS(buffer));
  // Before open() nobody knows whose frames these are: they are not even looked at.
  if (!open_) return;
  auto mapped = std::make_shared<const MappedBuffer>(buffer);
  const std::span<const uint8_t> bytes = mapped->bytes();
  if (bytes.empty()) return;
  if (!splits_) return take_whole(std::move(mapped), bytes, unit);
  const bool goes_on = run_.goes_on(unit);
  if (!pieces_.empty() && pieces_time_ != unit.rtp_time) {
    pieces_.clear();
    lose();
  }
  if (pieces_.empty() && !goes_on) return take_whole(std::move(mapped), bytes, unit);
  pieces_.insert(pieces_.end(), bytes.begin(), bytes.end());
  pieces_time_ = unit.rtp_time;
  if (goes_on) return;
  auto joined = std::make_shared<const std::vector<uint8_t>>(std::exchange(pieces_, {}));
  const std::span<const uint8_t> all = *joined;
  take_whole(std::move(joined), all, unit);
}

void Track::Core::take_whole(std::shared_ptr<const void> owner, std::span<const uint8_t> bytes,
                             const RtpUnit& unit) {
  held_frames_.add(1);
  const int64_t now = monotonic_ns();
  held_ns_.add(static_cast<uint64_t>(std::max<int64_t>(now - unit.first_arrival_ns, 0)));
  const FrameFacts facts = inspector_.inspect(bytes);
  if (!passes_gate(unit, facts)) return;
  if (facts.lacks_parameter_sets) {
    const auto sets = inspector_.parameter_sets();
    auto complete = std::make_shared<std::vector<uint8_t>>(sets.begin(), sets.end());
    complete->insert(complete->end(), bytes.begin(), bytes.end());
    bytes = *complete;
    owner = std::move(complete);
  }
  note_size(facts);
  frames_.add(1);
  if (facts.key && video_) {
    key_frames_.add(1);
    newest_key_ = unit.rtp_time;
  }
  Frame frame;
  frame.owner = std::move(owner);
  frame.bytes = bytes;
  frame.key = facts.key;
  frame.after_gap = std::exchange(gap_, false);
  frame.rtp_time = unit.rtp_time;
  frame.first_arrival_ns = unit.first_arrival_ns;
  frame.last_arrival_ns = unit.last_arrival_ns;
  frame.ntp_ns = unit.ntp_ns;
  frame.level = level_;
  frame.packets = unit.packets;
  frame.out_ns = now;
  deliver(frame);
}

void Track::Core::deliver(const Frame& frame) {
  bool somebody_waits = false;
  {
    std::lock_guard lock(takers_mutex_);
    for (Taker& taker : takers_) {
      if (frame.first_arrival_ns < taker.since_ns) continue;
      if (taker.waits_for_key && !frame.key) {
        somebody_waits = true;
        continue;
      }
      taker.waits_for_key = false;
      taker.sink->frame(info_.id, frame);
    }
  }
  if (somebody_waits) ask_upstream(current_input_);
}

// --- what the loop sees

Result<TrackInfo> describe_track(const GstCaps* rtp_caps) {
  auto codec = codec_of(rtp_caps);
  if (!codec) return tl::unexpected(codec.error());
  TrackInfo info;
  info.id = next_track_id();
  info.kind = (*codec)->kind;
  info.codec = (*codec)->name;
  info.clock_rate = (*codec)->clock;
  info.channels = (*codec)->channels;
  guint ssrc = 0;
  if (gst_structure_get_uint(gst_caps_get_structure(rtp_caps, 0), "ssrc", &ssrc)) info.ssrc = ssrc;
  return info;
}

Result<> discard_pad(GstBin* bin, GstPad* src) {
  auto sink = GRef<GstElement>::sink(gst_element_factory_make("fakesink", nullptr));
  if (!sink) return fail(Code::kInternal, "no fakesink is installed");
  g_object_set(sink.get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, nullptr);
  gst_bin_add(bin, sink.get());
  auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  if (!gst_element_sync_state_with_parent(sink.get()) ||
      gst_pad_link(src, pad.get()) != GST_PAD_LINK_OK)
    return fail(Code::kInternal, "a pad nobody wants could not be linked");
  return {};
}

Result<std::unique_ptr<Track>> Track::create(Loop& loop, Log log, TrackInfo info, GstBin* bin,
                                             GstPad* src, TrackEvents& events) {
  auto core = std::make_shared<Core>(loop, std::move(log), std::move(info), events);
  if (auto built = core->build(bin, src); !built) {
    core->close();
    return tl::unexpected(built.error());
  }
  return std::unique_ptr<Track>(new Track(std::move(core)));
}

Track::~Track() { core_->close(); }
void Track::open() { core_->open(); }
void Track::read_levels(int extension) { core_->read_levels(extension); }
void Track::add_sink(Sink& sink) { core_->add_sink(sink); }
void Track::remove_sink(Sink& sink) { core_->remove_sink(sink); }
void Track::request_key_frame() { core_->request_key_frame(); }
const TrackInfo& Track::info() const { return core_->info(); }
TrackStats Track::stats() const { return core_->stats(); }

}  // namespace callbot::pipelines
