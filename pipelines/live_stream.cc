#include "pipelines/live_stream.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gst/video/video-event.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "pipelines/audio_level.h"

namespace callbot::pipelines {
namespace {

// One key frame serves everybody who asked meanwhile; a request is never forgotten, only later.
constexpr int64_t kKeyFrameInterval_ns = 300'000'000;
constexpr double kHuge = 2.5;  // W3C webrtc-stats, hugeFramesSent
constexpr size_t kMostRemembered = 10'000;

Result<GRef<GstElement>> add(GstBin* bin, const char* factory) {
  auto made = GRef<GstElement>::sink(gst_element_factory_make(factory, nullptr));
  if (!made) return fail(Code::kUnsupported, std::string("GStreamer has no ") + factory + " here");
  gst_bin_add(bin, made.get());
  return made;
}

AudioLevel level_of(GstBuffer* samples) {
  GstMapInfo map;
  if (!gst_buffer_map(samples, &map, GST_MAP_READ)) return {};
  const auto level =
      measure_level({reinterpret_cast<const int16_t*>(map.data), map.size / sizeof(int16_t)});
  gst_buffer_unmap(samples, &map);
  return level;
}

}  // namespace

Result<std::unique_ptr<LiveStream>> LiveStream::create(GstBin* pipeline, LiveStreamConfig config) {
  std::unique_ptr<LiveStream> stream(new LiveStream(std::move(config)));
  stream->frames_ = stream->config_.frames;
  stream->epoch_rate_ = stream->config_.rate;
  if (auto built = stream->build(pipeline); !built) return tl::unexpected(built.error());
  return stream;
}

LiveStream::~LiveStream() = default;

Result<> LiveStream::build(GstBin* pipeline) {
  auto source = add(pipeline, "appsrc"), filter = add(pipeline, "capsfilter"),
       sink = add(pipeline, "appsink");
  auto payloader = make_payloader(*config_.codec, config_.rtp);
  for (const auto* made : {&source, &filter, &sink, &payloader})
    if (!*made) return tl::unexpected(made->error());
  gst_bin_add_many(pipeline, config_.encoder.get(), payloader->get(), nullptr);
  source_ = *source;

  g_object_set(source_.get(), "caps", config_.raw_caps.get(), "format", GST_FORMAT_TIME, "is-live",
               TRUE, "max-buffers", guint64{1}, nullptr);
  if (const auto caps = encoded_caps(*config_.codec))
    g_object_set(filter->get(), "caps", caps.get(), nullptr);
  g_object_set(sink->get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, nullptr);
  if (!gst_element_link_many(source_.get(), config_.encoder.get(), filter->get(), payloader->get(),
                             sink->get(), nullptr))
    return fail(Code::kInternal,
                std::string("the elements of ") + config_.codec->name + " do not fit together");

  GstAppSrcCallbacks feeding{};
  feeding.need_data = [](GstAppSrc*, guint, gpointer self) {
    static_cast<LiveStream*>(self)->feed();
  };
  gst_app_src_set_callbacks(GST_APP_SRC(source_.get()), &feeding, this, nullptr);

  GstAppSinkCallbacks taking{};
  taking.new_sample = [](GstAppSink* from, gpointer self) {
    GstSample* sample = gst_app_sink_pull_sample(from);
    if (sample == nullptr) return GST_FLOW_EOS;
    auto packet = GRef<GstBuffer>::share(gst_sample_get_buffer(sample));
    // x264enc moves its times far ahead, and its segment with them.
    const GstClockTime time = gst_segment_to_running_time(
        gst_sample_get_segment(sample), GST_FORMAT_TIME, GST_BUFFER_PTS(packet.get()));
    gst_sample_unref(sample);  // first, so that the packet is ours alone
    static_cast<LiveStream*>(self)->packet(std::move(packet), static_cast<int64_t>(time));
    return GST_FLOW_OK;
  };
  taking.eos = [](GstAppSink*, gpointer self) { static_cast<LiveStream*>(self)->config_.ended(); };
  gst_app_sink_set_callbacks(GST_APP_SINK(sink->get()), &taking, this, nullptr);

  encoded_pad_ = GRef<GstPad>::adopt(gst_element_get_static_pad(config_.encoder.get(), "src"));
  const auto look = [](GstPad*, GstPadProbeInfo* info, gpointer self) {
    const GstBuffer* frame = GST_PAD_PROBE_INFO_BUFFER(info);
    static_cast<LiveStream*>(self)->encoded(
        !GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DELTA_UNIT),
        gst_buffer_get_size(const_cast<GstBuffer*>(frame)));
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(encoded_pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, look, this, nullptr);
  return {};
}

void LiveStream::begin(int64_t base_ns, int64_t first_ns) {
  const std::lock_guard lock(mutex_);
  base_ns_ = base_ns;
  rtp_offset_ = config_.rtp_offset.value_or(g_random_int());
  pacer_.emplace(first_ns, config_.rate);
  for (const Change& change : changes_) pacer_->change_rate(change.frame, change.rate);
  resting_ = !on_ || taps_ == 0;  // who listens from the start misses nothing
}

void LiveStream::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

TapId LiveStream::attach(Tap tap) {
  const TapId id = fan_out_.attach(std::move(tap));
  const std::lock_guard lock(mutex_);
  taps_ = fan_out_.taps();
  key_wanted_ = true;
  changed_.notify_all();
  return id;
}

void LiveStream::detach(TapId tap) {
  fan_out_.detach(tap);
  const std::lock_guard lock(mutex_);
  taps_ = fan_out_.taps();
}

void LiveStream::set_on(bool on) {
  {
    const std::lock_guard lock(gate_);
    open_ = on;
  }
  const std::lock_guard lock(mutex_);
  on_ = on;
  // Here, since its thread may be busy for as long as it is off.
  if (!on) resting_ = true;
  changed_.notify_all();
}

void LiveStream::request_key_frame() {
  const std::lock_guard lock(mutex_);
  key_wanted_ = true;
}

// appsrc asks whenever it has nothing left: one frame each time.
void LiveStream::feed() {
  const auto turn = wait_for_turn();
  if (!turn) return;
  RawFrame raw = config_.make(turn->frame);
  if (!raw.buffer) return;
  int rate = 0;
  int64_t captured_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    rate = pacer_->rate_at(turn->frame);
    captured_ns = pacer_->due_ns(turn->frame);
  }
  const auto encoder_now = [&] {
    return epoch_ns_ + static_cast<int64_t>((made_ - epoch_made_) * GST_SECOND / epoch_rate_);
  };
  if (rate != epoch_rate_) {
    epoch_ns_ = encoder_now();
    epoch_made_ = made_;
    epoch_rate_ = rate;
  }
  Made& made = newest_[made_ % newest_.size()];
  made = {turn->frame, captured_ns, encoder_now()};
  if (config_.level_extension > 0) made.level = level_of(raw.buffer.get());
  GST_BUFFER_PTS(raw.buffer.get()) = static_cast<GstClockTime>(made.encoder_ns);
  GST_BUFFER_DURATION(raw.buffer.get()) = GST_SECOND / rate;
  ++made_;
  if (raw.bitrate > 0) set_bitrate(config_.encoder.get(), raw.bitrate);
  if (raw.caps) {
    allow_any_rate(config_.encoder.get());
    gst_app_src_set_caps(GST_APP_SRC(source_.get()), raw.caps.get());
  }
  gst_app_src_push_buffer(GST_APP_SRC(source_.get()), raw.buffer.release());
}

bool LiveStream::change_rate(uint64_t frame, int rate, std::optional<uint64_t> frames) {
  const std::lock_guard lock(mutex_);
  if (pacer_ && frame <= next_frame_) return false;  // that one may be in the making
  if (pacer_)
    pacer_->change_rate(frame, rate);
  else
    changes_.push_back({frame, rate});
  frames_ = frames;
  changed_.notify_all();
  return true;
}

uint64_t LiveStream::next_frame() const {
  const std::lock_guard lock(mutex_);
  // Nothing is made while nobody listens, and time goes on.
  return pacer_ ? std::max(next_frame_, pacer_->first_due_from(monotonic_ns())) : next_frame_;
}

const LiveStream::Made& LiveStream::made_at(int64_t encoder_ns) const {
  const Made* best = &newest_[0];
  for (const Made& made : newest_)
    if (made.encoder_ns >= 0 &&
        std::abs(made.encoder_ns - encoder_ns) < std::abs(best->encoder_ns - encoder_ns))
      best = &made;
  return *best;
}

// Nothing: there is no turn any more.
std::optional<Pacer::Turn> LiveStream::wait_for_turn() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now = monotonic_ns();
    const bool wanted = on_ && taps_ > 0;
    if (!wanted) {
      resting_ = true;
      pacer_->rest(now);
    } else if (std::exchange(resting_, false)) {
      pacer_->rest(now);
      key_wanted_ = true;
    }
    const uint64_t end = frames_.value_or(std::numeric_limits<uint64_t>::max());
    const Pacer::Turn turn = pacer_->next(now, end);
    stats_.left_out = pacer_->left_out();
    if (turn.frame >= end) {
      lock.unlock();
      gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
      return std::nullopt;
    }
    if (wanted && turn.at_ns <= now) {
      pacer_->taken(turn, now);
      next_frame_ = turn.frame + 1;
      send_key_request(now);
      return turn;
    }
    if (wanted)
      changed_.wait_for(lock, std::chrono::nanoseconds(turn.at_ns - now));
    else if (frames_)
      changed_.wait_for(lock, std::chrono::nanoseconds(pacer_->due_ns(*frames_) - now));
    else
      changed_.wait(lock);
  }
  return std::nullopt;
}

void LiveStream::send_key_request(int64_t now_ns) {
  if (!key_wanted_ || config_.codec->kind != MediaKind::kVideo) return;
  if (stats_.encoded > 0 && now_ns - last_key_ns_ < kKeyFrameInterval_ns) return;
  key_wanted_ = false;
  last_key_ns_ = now_ns;
  if (stats_.encoded == 0) return;  // the first frame is one anyhow
  // Encoders send their parameter sets with each key frame. Asked for "all headers", rtph264pay
  // would send them once more, as a frame of its own with a marker.
  gst_pad_send_event(encoded_pad_.get(),
                     gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
}

void LiveStream::encoded(bool key, size_t bytes) {
  key_ = key;
  bytes_ = bytes;
  first_ = true;
  const std::lock_guard lock(mutex_);
  ++stats_.encoded;
  if (key) ++stats_.key_frames;
}

void LiveStream::packet(GRef<GstBuffer> packet, int64_t encoder_time) {
  auto writable = GRef<GstBuffer>::adopt(gst_buffer_make_writable(packet.release()));
  const Made& made = made_at(encoder_time);
  if (config_.level_extension > 0)
    writable = with_audio_level(writable, config_.level_extension, made.level);
  SentFrame frame;
  frame.number = made.frame;
  frame.captured_ns = made.captured_ns;
  frame.rtp_time =
      rtp_offset_ + static_cast<uint32_t>(gst_util_uint64_scale_round(
                        frame.captured_ns - base_ns_, config_.codec->clock, GST_SECOND));
  frame.key = key_;
  GST_BUFFER_PTS(writable.get()) = static_cast<GstClockTime>(frame.captured_ns);
  GST_BUFFER_DTS(writable.get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_UNSET(writable.get(), GST_BUFFER_FLAG_HEADER);
  if (std::exchange(first_, false) && key_)
    GST_BUFFER_FLAG_SET(writable.get(), GST_BUFFER_FLAG_HEADER);
  send(writable, frame);
}

void LiveStream::send(const GRef<GstBuffer>& packet, SentFrame frame) {
  const std::lock_guard lock(gate_);
  if (!open_) return;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(packet.get(), GST_MAP_READWRITE, &rtp)) return;
  sequence_ = sequence_ ? static_cast<uint16_t>(*sequence_ + 1) : gst_rtp_buffer_get_seq(&rtp);
  gst_rtp_buffer_set_seq(&rtp, *sequence_);
  gst_rtp_buffer_set_timestamp(&rtp, frame.rtp_time);
  const bool last = config_.codec->kind == MediaKind::kAudio || gst_rtp_buffer_get_marker(&rtp);
  gst_rtp_buffer_unmap(&rtp);
  fan_out_.push(packet);
  frame.sent_ns = monotonic_ns();
  const std::lock_guard counting(mutex_);
  ++stats_.packets;
  if (!last) return;
  const double before = static_cast<double>(stats_.sent);
  if (before > 0 &&
      static_cast<double>(bytes_) * before >= kHuge * static_cast<double>(sent_bytes_))
    ++stats_.huge;
  sent_bytes_ += bytes_;
  ++stats_.sent;
  stats_.late_ns += frame.sent_ns - frame.captured_ns;
  if (sent_.size() == kMostRemembered) sent_.pop_front();
  sent_.push_back(frame);
}

std::vector<SentFrame> LiveStream::sent() const {
  const std::lock_guard lock(mutex_);
  return {sent_.begin(), sent_.end()};
}

LiveStreamStats LiveStream::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace callbot::pipelines
