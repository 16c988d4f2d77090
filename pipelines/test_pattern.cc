#include "pipelines/test_pattern.h"

#include <fmt/format.h>
#include <gst/video/video.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "base/alive.h"
#include "base/clock.h"
#include "pipelines/audio_level.h"
#include "pipelines/live_renditions.h"
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
  PictureMaker(std::shared_ptr<PatternPicture> picture, const PictureConfig& config,
               bool with_sound)
      : picture_(std::move(picture)), fps_(config.fps), with_sound_(with_sound) {
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
    picture_->draw(frame, with_sound_ && sound_on && frame % fps_ == 0,
                   {plane(0), stride(0), plane(1), plane(2), stride(1), info_.width, info_.height});
    gst_buffer_unmap(made.get(), &map);
    return made;
  }

 private:
  std::shared_ptr<PatternPicture> picture_;
  uint64_t fps_;
  bool with_sound_;
  GstVideoInfo info_{};
  GRef<GstBufferPool> pool_;
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

}  // namespace

struct TestPattern::Impl {
  Impl(Loop& loop, Log log, TestPatternConfig config)
      : loop(loop), log(std::move(log)), config(std::move(config)) {}

  ~Impl() {
    for (auto& stream : live) stream->stop();
    renditions.stop();
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
    if (config.bitrate < 10'000 || config.bitrate > 100'000'000)
      return fail(Code::kUsage,
                  fmt::format("a bitrate of {} bit/s: 10k to 100m is possible", config.bitrate));
    auto codec = sendable(config.codec, MediaKind::kVideo);
    if (!codec) return tl::unexpected(codec.error());
    const VideoEncoding encoding{config.width, config.height, config.fps, config.bitrate};
    auto stream = video_stream(**codec, encoding);
    if (!stream) return tl::unexpected(stream.error());
    renditions.set(usual_renditions({config.width, config.height, config.bitrate},
                                    kNarrowestPicture, kLowestPicture),
                   [this](const Rendition& wanted) { return lesser_video(wanted); });
    video_rtp = {usual_payload(**codec), g_random_int()};
    rtp_offset = g_random_int();
    return add(std::move(*stream), encoding);
  }

  Result<LiveStreamConfig> video_stream(const Codec& codec, const VideoEncoding& encoding) const {
    const PictureConfig look{config.seed,    config.source,   config.name,
                             encoding.width, encoding.height, encoding.fps};
    auto picture = PatternPicture::create(look);
    if (!picture) return tl::unexpected(picture.error());
    auto encoder = make_video_encoder(codec, encoding);
    if (!encoder) return tl::unexpected(encoder.error());
    auto maker = std::make_shared<PictureMaker>(std::move(*picture), look, config.audio);
    LiveStreamConfig stream;
    stream.codec = &codec;
    stream.encoder = *encoder;
    stream.raw_caps = maker->caps();
    stream.rate = config.fps;
    if (config.duration) stream.frames = config.duration->count() * config.fps / 1000;
    stream.make = [maker, on = sound_on](uint64_t frame) { return maker->make(frame, *on); };
    return stream;
  }

  Result<std::unique_ptr<LiveStream>> lesser_video(const Rendition& wanted) {
    if (began_ns == 0) return fail(Code::kUsage, "the test pattern has not begun");
    auto stream = video_stream(*codec_by_name(config.codec),
                               {wanted.width, wanted.height, config.fps, wanted.bitrate});
    if (!stream) return tl::unexpected(stream.error());
    stream->rtp = video_rtp;
    stream->rtp_offset = rtp_offset;
    stream->ended = [] {};
    auto made = LiveStream::create(GST_BIN(pipeline.get()), std::move(*stream));
    if (!made) return made;
    (*made)->begin(base_ns, began_ns);
    gst_bin_sync_children_states(GST_BIN(pipeline.get()));
    return made;
  }

  LiveStream& rendition_of(size_t stream, size_t rendition) {
    const bool lesser = rendition > 0 && streams[stream].kind == MediaKind::kVideo;
    LiveStream* made = lesser ? renditions.get(rendition) : nullptr;
    return made != nullptr ? *made : *live.at(stream);
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
                      uint64_t packet) { return make_sound(*sound, packet); };
    return add(std::move(stream), {});
  }

  Result<> add(LiveStreamConfig stream, const VideoEncoding& encoding) {
    const Codec& codec = *stream.codec;
    if (codec.kind == MediaKind::kAudio) stream.level_extension = kLevelExtension;
    stream.rtp = {usual_payload(codec), g_random_int()};
    if (codec.kind == MediaKind::kVideo) {
      stream.rtp = video_rtp;
      stream.rtp_offset = rtp_offset;
    }
    stream.ended = [&loop = loop, end = end_of_stream] { loop.post(end); };
    SourceStream offered{codec.kind, codec.name, rtp_caps(codec, stream.rtp, encoding),
                         fmt::format("callbot-{:04x}", config.source)};
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
    base_ns = now;
    began_ns = now + kPacketsAhead * kPacket_ns;
    for (size_t i = 0; i < live.size(); ++i)
      live[i]->begin(now, streams[i].kind == MediaKind::kAudio ? now : began_ns.load());
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(Code::kInternal, "the test pattern's pipeline does not start");
    log.info("test pattern {} begins", config.source);
    return {};
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
  LiveRenditions renditions;                      // of the video
  RtpIdentity video_rtp;
  uint32_t rtp_offset = 0;
  int64_t base_ns = 0;
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

void TestPattern::detach(size_t stream, TapId tap) {
  impl_->live.at(stream)->detach(tap);
  impl_->renditions.detach(tap);
}

void TestPattern::request_key_frame(size_t stream) { request_rendition_key_frame(stream, 0); }

std::vector<Rendition> TestPattern::renditions(size_t stream) const {
  if (impl_->streams.at(stream).kind != MediaKind::kVideo) return {};
  return impl_->renditions.all();
}

TapId TestPattern::attach_rendition(size_t stream, size_t rendition, Tap tap) {
  return impl_->rendition_of(stream, rendition).attach(std::move(tap));
}

void TestPattern::request_rendition_key_frame(size_t stream, size_t rendition) {
  if (stream >= impl_->live.size()) return;
  if (rendition == 0 || impl_->streams[stream].kind != MediaKind::kVideo)
    impl_->live[stream]->request_key_frame();
  else
    impl_->renditions.request_key_frame(rendition);
}

void TestPattern::on_end(std::function<void(Result<>)> ended) {
  impl_->ended = std::move(ended);
  if (impl_->finished && impl_->ended) std::exchange(impl_->ended, nullptr)(*impl_->finished);
}

void TestPattern::set_on(MediaKind kind, bool on) {
  if (kind == MediaKind::kAudio) *impl_->sound_on = on;
  if (kind == MediaKind::kVideo) impl_->renditions.set_on(on);
  if (LiveStream* stream = impl_->of_kind(kind)) stream->set_on(on);
}

std::vector<SentFrame> TestPattern::sent_frames() const {
  const LiveStream* video = impl_->of_kind(MediaKind::kVideo);
  if (video == nullptr) return {};
  return impl_->renditions.sent(video->sent());
}

TestPatternStats TestPattern::stats() const {
  TestPatternStats stats;
  if (const LiveStream* video = impl_->of_kind(MediaKind::kVideo)) stats.video = video->stats();
  if (const LiveStream* audio = impl_->of_kind(MediaKind::kAudio)) stats.audio = audio->stats();
  stats.renditions = impl_->renditions.stats();
  return stats;
}

int64_t TestPattern::begin_ns() const { return impl_->began_ns; }

}  // namespace callbot::pipelines
