#include "pipelines/test_pattern.h"

#include <fmt/format.h>
#include <gst/video/video.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "base/alive.h"
#include "base/clock.h"
#include "pipelines/audio_level.h"
#include "pipelines/live_stream.h"
#include "pipelines/pattern_picture.h"
#include "pipelines/pattern_sound.h"

namespace callbot::pipelines {
namespace {

constexpr int kRate = 48000, kPacketsPerSecond = 50, kPacketSamples = kRate / kPacketsPerSecond;
constexpr int64_t kPacket_ns = 1'000'000'000 / kPacketsPerSecond;
constexpr int kAudioBitrate = 32'000;  // bit/s
// What an Opus decoder gives first: libopus' look-ahead at 48 kHz, but for its low-delay mode.
constexpr int kLookAhead = 312;
// The sound begins one packet before the picture, so that the first chirp is whole.
constexpr int kPacketsAhead = 1;
// In our packets; each peer puts the negotiated one in its place.
constexpr int kLevelExtension = 4;

// Draws into buffers of a pool: memory of this size costs page faults each time it is new.
class PictureMaker {
 public:
  static Result<std::unique_ptr<PictureMaker>> create(const PictureConfig& config,
                                                      bool with_sound) {
    auto picture = PatternPicture::create(config);
    if (!picture) return tl::unexpected(picture.error());
    return std::make_unique<PictureMaker>(std::move(*picture), config, with_sound);
  }
  PictureMaker(std::unique_ptr<PatternPicture> picture, const PictureConfig& config,
               bool with_sound)
      : picture_(std::move(picture)),
        fps_(config.fps),
        since_(config.since_frame),
        with_sound_(with_sound) {
    gst_video_info_set_format(&info_, GST_VIDEO_FORMAT_I420, config.width, config.height);
    GST_VIDEO_INFO_FPS_N(&info_) = config.fps;
    GST_VIDEO_INFO_FPS_D(&info_) = 1;
    gst_video_colorimetry_from_string(&info_.colorimetry, GST_VIDEO_COLORIMETRY_BT601);
    pool_ = GRef<GstBufferPool>::adopt(gst_buffer_pool_new());
    GstStructure* settings = gst_buffer_pool_get_config(pool_.get());
    gst_buffer_pool_config_set_params(settings, caps().get(), info_.size, 2, 0);
    gst_buffer_pool_set_config(pool_.get(), settings);
    gst_buffer_pool_set_active(pool_.get(), TRUE);
  }
  ~PictureMaker() { gst_buffer_pool_set_active(pool_.get(), FALSE); }
  PictureMaker(const PictureMaker&) = delete;
  PictureMaker& operator=(const PictureMaker&) = delete;

  GRef<GstCaps> caps() const { return GRef<GstCaps>::adopt(gst_video_info_to_caps(&info_)); }

  GRef<GstBuffer> make(uint64_t frame, bool sound_on) {
    GstBuffer* buffer = nullptr;
    if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr) != GST_FLOW_OK) return {};
    auto made = GRef<GstBuffer>::adopt(buffer);
    GstMapInfo map;
    if (!gst_buffer_map(made.get(), &map, GST_MAP_WRITE)) return {};
    const auto plane = [&](int n) { return map.data + GST_VIDEO_INFO_PLANE_OFFSET(&info_, n); };
    const auto stride = [&](int n) {
      return static_cast<size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info_, n));
    };
    picture_->draw(frame, with_sound_ && sound_on && (frame - since_) % fps_ == 0,
                   {plane(0), stride(0), plane(1), plane(2), stride(1), info_.width, info_.height});
    gst_buffer_unmap(made.get(), &map);
    return made;
  }

 private:
  std::unique_ptr<PatternPicture> picture_;
  uint64_t fps_, since_;  // the frame with which this rate began
  bool with_sound_;
  GstVideoInfo info_{};
  GRef<GstBufferPool> pool_;
};

// Makes the pictures of each stretch between two switches.
class SwitchedPictures {
 public:
  SwitchedPictures(const PictureConfig& config, bool with_sound,
                   std::unique_ptr<PictureMaker> first)
      : first_(config), with_sound_(with_sound), last_(config), made_(std::move(first)) {}

  // The look after all switches so far.
  const PictureConfig& last() const { return last_; }

  // `maker`: none: as before.
  void add(const PatternSwitch& to, std::unique_ptr<PictureMaker> maker) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({to.at_frame, std::move(maker), to.bitrate.value_or(0)});
  }
  void keep(const PictureConfig& look) { last_ = look; }
  void withdraw(uint64_t at_frame) {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty() && waiting_.back().at == at_frame) waiting_.pop_back();
  }
  std::optional<uint64_t> last_switch() const {
    const std::lock_guard lock(mutex_);
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.back().at);
  }

  // Stream's thread.
  RawFrame make(uint64_t frame, bool sound_on) {
    GRef<GstCaps> caps;
    int bitrate = 0;
    {
      const std::lock_guard lock(mutex_);
      for (; !waiting_.empty() && waiting_.front().at <= frame; waiting_.pop_front()) {
        Stretch& next = waiting_.front();
        if (next.bitrate > 0) bitrate = next.bitrate;
        if (!next.maker) continue;
        made_ = std::move(next.maker);
        caps = made_->caps();
      }
    }
    if (first_.slides) resize(frame, caps);
    RawFrame raw(made_->make(frame, sound_on));
    raw.caps = std::move(caps);
    raw.bitrate = bitrate;
    return raw;
  }

 private:
  struct Stretch {
    uint64_t at = 0;
    std::unique_ptr<PictureMaker> maker;  // none: as before
    int bitrate = 0;
  };

  // A shared window: as large as it can be, then narrower, then small.
  void resize(uint64_t frame, GRef<GstCaps>& caps) {
    const uint64_t turn = frame / (kScreenSeconds * first_.fps) % 3;
    if (turn == turn_) return;
    turn_ = turn;
    PictureConfig look = first_;
    const auto share = [](int value, int of_four, int least) {
      return std::max(value * of_four / 8 * 2, least);
    };
    if (turn > 0) look.width = share(first_.width, turn == 1 ? 3 : 2, kNarrowestPicture);
    if (turn > 1) look.height = share(first_.height, 2, kLowestPicture);
    auto maker = PictureMaker::create(look, with_sound_);
    if (!maker) return;
    made_ = std::move(*maker);
    caps = made_->caps();
  }

  const PictureConfig first_;
  const bool with_sound_;
  PictureConfig last_;                  // loop
  std::unique_ptr<PictureMaker> made_;  // stream's thread
  uint64_t turn_ = 0;
  mutable std::mutex mutex_;
  std::deque<Stretch> waiting_;
};

GRef<GstBuffer> make_sound(const PatternSound& sound, uint64_t packet) {
  constexpr size_t kBytes = kPacketSamples * sizeof(int16_t);
  auto made = GRef<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, kBytes, nullptr));
  GstMapInfo map;
  if (!gst_buffer_map(made.get(), &map, GST_MAP_WRITE)) return {};
  const int64_t first = (static_cast<int64_t>(packet) - kPacketsAhead) * kPacketSamples;
  sound.render(first + kLookAhead, {reinterpret_cast<int16_t*>(map.data), kPacketSamples});
  gst_buffer_unmap(made.get(), &map);
  return made;
}

Result<const Codec*> sendable(const std::string& name, MediaKind kind) {
  const Codec* codec = codec_by_name(name);
  if (codec == nullptr || codec->kind != kind || installed_encoder(*codec) == nullptr)
    return fail(Code::kUnsupported, fmt::format("{} cannot be sent here", name));
  return codec;
}

Result<> check_bitrate(int bitrate) {
  if (bitrate >= 10'000 && bitrate <= 100'000'000) return {};
  return fail(Code::kUsage, fmt::format("a bitrate of {} bit/s: 10k to 100m is possible", bitrate));
}

}  // namespace

struct TestPattern::Impl {
  Impl(Loop& loop, Log log, TestPatternConfig config)
      : loop(loop), log(std::move(log)), config(std::move(config)) {}

  ~Impl() {
    for (auto& stream : live) stream->stop();
    if (!pipeline) return;
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    const auto bus = GRef<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  }

  Result<> build() {
    pipeline = GRef<GstElement>::sink(gst_pipeline_new("test-pattern"));
    end_of_stream = alive.guard([this] { stream_ended(); });
    report = alive.guard([this](const Error& error) { finish(tl::unexpected(error)); });
    listen();
    if (auto added = config.video ? add_video() : Result<>(); !added) return added;
    if (auto added = config.audio ? add_audio() : Result<>(); !added) return added;
    if (live.empty()) return fail(Code::kUsage, "a test pattern without picture and sound");
    return {};
  }

  Result<> add_video() {
    const PictureConfig look{.seed = config.seed,
                             .source = config.source,
                             .name = config.name,
                             .width = config.width,
                             .height = config.height,
                             .fps = config.fps,
                             .slides = config.screen};
    if (auto good = check_bitrate(config.bitrate); !good) return good;
    auto maker = PictureMaker::create(look, config.audio);
    if (!maker) return tl::unexpected(maker.error());
    auto codec = sendable(config.codec, MediaKind::kVideo);
    if (!codec) return tl::unexpected(codec.error());
    const VideoEncoding encoding{config.width, config.height, config.fps, config.bitrate};
    auto encoder = make_video_encoder(**codec, encoding);
    if (!encoder) return tl::unexpected(encoder.error());

    LiveStreamConfig stream;
    stream.codec = *codec;
    stream.encoder = *encoder;
    stream.raw_caps = (*maker)->caps();
    pictures = std::make_shared<SwitchedPictures>(look, config.audio, std::move(*maker));
    stream.rate = config.fps;
    if (config.duration) stream.frames = config.duration->count() * config.fps / 1000;
    stream.make = [pictures = pictures, on = sound_on](uint64_t frame) {
      return pictures->make(frame, *on);
    };
    return add(std::move(stream), encoding);
  }

  Result<> add_audio() {
    auto codec = sendable("opus", MediaKind::kAudio);
    if (!codec) return tl::unexpected(codec.error());
    auto encoder = make_opus_encoder(kAudioBitrate);
    if (!encoder) return tl::unexpected(encoder.error());
    LiveStreamConfig stream;
    stream.codec = *codec;
    stream.encoder = *encoder;
    stream.raw_caps = GRef<GstCaps>::adopt(
        gst_caps_from_string("audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1"));
    stream.rate = kPacketsPerSecond;
    if (config.duration)
      stream.frames = config.duration->count() * kPacketsPerSecond / 1000 + kPacketsAhead;
    stream.make = [sound = std::make_shared<PatternSound>(config.seed, config.source)](
                      uint64_t packet) { return RawFrame(make_sound(*sound, packet)); };
    return add(std::move(stream), {});
  }

  Result<> add(LiveStreamConfig stream, const VideoEncoding& encoding) {
    const Codec& codec = *stream.codec;
    if (codec.kind == MediaKind::kAudio) stream.level_extension = kLevelExtension;
    stream.rtp = {usual_payload(codec), g_random_int()};
    stream.ended = [&loop = loop, end = end_of_stream] { loop.post(end); };
    SourceStream offered{codec.kind, codec.name, rtp_caps(codec, stream.rtp, encoding),
                         fmt::format("callbot-{:04x}", config.source),
                         config.screen && codec.kind == MediaKind::kVideo ? "slides" : ""};
    if (stream.level_extension > 0)
      gst_caps_set_simple(offered.caps.get(), fmt::format("extmap-{}", kLevelExtension).c_str(),
                          G_TYPE_STRING, kAudioLevelUri, nullptr);
    auto made = LiveStream::create(GST_BIN(pipeline.get()), std::move(stream));
    if (!made) return tl::unexpected(made.error());
    live.push_back(std::move(*made));
    streams.push_back(std::move(offered));
    return {};
  }

  // The bus is read on the thread that writes to it, so that nothing piles up there.
  void listen() {
    const auto bus = GRef<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    const auto hear = [](GstBus*, GstMessage* message, gpointer self) {
      const auto dropped = GRef<GstMessage>::adopt(message);  // who drops it owns it
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        static_cast<Impl*>(self)->hear_error(message);
      return GST_BUS_DROP;
    };
    gst_bus_set_sync_handler(bus.get(), hear, this, nullptr);
  }

  void hear_error(GstMessage* message) {  // streaming thread
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const ErrorPtr error(raw);
    loop.post([report = report, said = Error{Code::kInternal, error->message}.in("test pattern")] {
      report(said);
    });
  }

  Result<> start() {
    if (began_ns != 0) return {};
    const int64_t now = monotonic_ns();
    began_ns = config.begin_ns.value_or(now + kPacketsAhead * kPacket_ns);
    const int64_t sound_ns = began_ns - kPacketsAhead * kPacket_ns;
    for (size_t i = 0; i < live.size(); ++i)
      live[i]->begin(sound_ns, streams[i].kind == MediaKind::kAudio ? sound_ns : began_ns.load());
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(Code::kInternal, "the test pattern's pipeline does not start");
    log.info("test pattern {} begins", config.source);
    return {};
  }

  Result<> switch_to(const PatternSwitch& to) {
    LiveStream* video = of_kind(MediaKind::kVideo);
    if (!pictures || config.screen) return fail(Code::kUsage, "there is no picture to switch");
    if (const auto before = pictures->last_switch(); before && to.at_frame < *before)
      return fail(Code::kUsage, fmt::format("a switch at frame {}: expected {}, that of the one "
                                            "before, or a later one",
                                            to.at_frame, *before));
    if (to.bitrate)
      if (auto good = check_bitrate(*to.bitrate); !good) return good;
    PictureConfig look = pictures->last();
    if (to.width) look.width = *to.width;
    if (to.height) look.height = *to.height;
    const auto rate = static_cast<uint64_t>(look.fps);
    if (to.fps && *to.fps != look.fps) {
      const uint64_t since = to.at_frame - std::min(to.at_frame, look.since_frame);
      if (since % rate != 0)
        return fail(Code::kUsage, fmt::format("another rate at frame {}: expected a frame that "
                                              "begins a second, such as {}",
                                              to.at_frame, to.at_frame + rate - since % rate));
      look.since_second += since / rate;
      look.since_frame = to.at_frame;
      look.fps = *to.fps;
    }
    const PictureConfig& now = pictures->last();
    const bool other = look.width != now.width || look.height != now.height || look.fps != now.fps;
    auto maker =
        other ? PictureMaker::create(look, config.audio) : Result<std::unique_ptr<PictureMaker>>();
    if (!maker) return tl::unexpected(maker.error());
    std::optional<uint64_t> frames;
    if (config.duration) {
      const auto since_ms =
          config.duration->count() - 1000 * static_cast<int64_t>(look.since_second);
      frames = look.since_frame + std::max<int64_t>(since_ms, 0) * look.fps / 1000;
    }
    pictures->add(to, std::move(*maker));
    if (!video->change_rate(to.at_frame, look.fps, frames)) {
      pictures->withdraw(to.at_frame);
      return fail(
          Code::kUsage,
          fmt::format("a switch at frame {}: expected one that is not made yet", to.at_frame));
    }
    pictures->keep(look);
    return {};
  }

  // A few frames away: painting takes time, and the next one may be in the making.
  uint64_t next_switch(bool begins_second) const {
    if (!pictures) return 0;
    constexpr uint64_t kAway = 3;
    const PictureConfig& look = pictures->last();
    uint64_t frame = of_kind(MediaKind::kVideo)->next_frame() + kAway;
    frame = std::max({frame, pictures->last_switch().value_or(0), look.since_frame});
    const auto rate = static_cast<uint64_t>(look.fps);
    const uint64_t into = (frame - look.since_frame) % rate;
    return begins_second && into != 0 ? frame + rate - into : frame;
  }

  void stream_ended() {
    if (++ended_streams == live.size()) finish({});
  }

  void finish(Result<> how) {
    if (finished) return;
    finished = std::move(how);
    if (ended) std::exchange(ended, nullptr)(*finished);
  }

  LiveStream* of_kind(MediaKind kind) const {
    for (size_t i = 0; i < live.size(); ++i)
      if (streams[i].kind == kind) return live[i].get();
    return nullptr;
  }

  Loop& loop;
  Log log;
  const TestPatternConfig config;
  GRef<GstElement> pipeline;
  std::vector<SourceStream> streams;
  std::vector<std::unique_ptr<LiveStream>> live;  // same order
  std::shared_ptr<SwitchedPictures> pictures;
  std::atomic<int64_t> began_ns{0};
  // What the picture's marks say about the sound.
  std::shared_ptr<std::atomic<bool>> sound_on = std::make_shared<std::atomic<bool>>(true);
  size_t ended_streams = 0;
  std::optional<Result<>> finished;
  std::function<void(Result<>)> ended;
  std::function<void()> end_of_stream;
  std::function<void(const Error&)> report;
  Alive alive;
};

Result<std::unique_ptr<TestPattern>> TestPattern::create(Loop& loop, Log log,
                                                         TestPatternConfig config) {
  auto impl = std::make_unique<Impl>(loop, std::move(log), std::move(config));
  if (auto built = impl->build(); !built) return tl::unexpected(built.error());
  return std::unique_ptr<TestPattern>(new TestPattern(std::move(impl)));
}

TestPattern::TestPattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TestPattern::~TestPattern() = default;

const std::vector<SourceStream>& TestPattern::streams() const { return impl_->streams; }

Result<> TestPattern::start() { return impl_->start(); }

TapId TestPattern::attach(size_t stream, Tap tap) {
  return impl_->live.at(stream)->attach(std::move(tap));
}

void TestPattern::detach(size_t stream, TapId tap) { impl_->live.at(stream)->detach(tap); }

void TestPattern::request_key_frame(size_t stream) {
  if (stream < impl_->live.size()) impl_->live[stream]->request_key_frame();
}

void TestPattern::on_end(std::function<void(Result<>)> ended) {
  impl_->ended = std::move(ended);
  if (impl_->finished && impl_->ended) std::exchange(impl_->ended, nullptr)(*impl_->finished);
}

Result<> TestPattern::switch_to(const PatternSwitch& to) { return impl_->switch_to(to); }

uint64_t TestPattern::next_switch(bool begins_second) const {
  return impl_->next_switch(begins_second);
}

void TestPattern::set_on(MediaKind kind, bool on) {
  if (kind == MediaKind::kAudio) *impl_->sound_on = on;
  if (LiveStream* stream = impl_->of_kind(kind)) stream->set_on(on);
}

std::vector<SentFrame> TestPattern::sent_frames() const {
  const LiveStream* video = impl_->of_kind(MediaKind::kVideo);
  return video != nullptr ? video->sent() : std::vector<SentFrame>();
}

TestPatternStats TestPattern::stats() const {
  TestPatternStats stats;
  if (const LiveStream* video = impl_->of_kind(MediaKind::kVideo)) stats.video = video->stats();
  if (const LiveStream* audio = impl_->of_kind(MediaKind::kAudio)) stats.audio = audio->stats();
  return stats;
}

int64_t TestPattern::begin_ns() const { return impl_->began_ns; }

}  // namespace callbot::pipelines
