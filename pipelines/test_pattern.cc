#include "pipelines/test_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/alive.h"
#include "base/clock.h"
#include "pipelines/audio_level.h"
#include "pipelines/live_renditions.h"
#include "pipelines/live_stream.h"
#include "pipelines/pattern_picture.h"
#include "pipelines/pattern_sound.h"
#include "pipelines/switched_pictures.h"

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
  if (bitrate >= kLeastBitrate && bitrate <= kMostBitrate) return {};
  return fail(Code::kUsage, fmt::format("a bitrate of {} bit/s: 10k to 100m is possible", bitrate));
}

std::vector<Rendition> renditions_of(const PatternStretch& best) {
  return usual_renditions({best.look.width, best.look.height, best.bitrate}, kNarrowestPicture,
                          kLowestPicture);
}

PatternStretch lesser(const PatternStretch& best, size_t rendition) {
  const auto all = renditions_of(best);
  const Rendition& wanted = all[std::min(rendition, all.size() - 1)];
  PatternStretch made = best;
  made.look.width = wanted.width;
  made.look.height = wanted.height;
  made.bitrate = wanted.bitrate;
  return made;
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
    if (auto good = check_bitrate(config.bitrate); !good) return good;
    const PictureConfig look{.seed = config.seed,
                             .source = config.source,
                             .name = config.name,
                             .width = config.width,
                             .height = config.height,
                             .fps = config.fps,
                             .slides = config.screen};
    auto codec = sendable(config.codec, MediaKind::kVideo);
    if (!codec) return tl::unexpected(codec.error());
    video_codec = *codec;
    video_rtp = {usual_payload(*video_codec), g_random_int()};
    rtp_offset = g_random_int();
    const PatternStretch first{0, look, config.bitrate};
    stretches.push_back(first);
    const size_t many = renditions_of(first).size();
    pictures.resize(many);
    auto stream = video_stream(first, 0);
    if (!stream) return tl::unexpected(stream.error());
    stream->ended = [&loop = loop, end = end_of_stream] { loop.post(end); };
    renditions.set(many, [this](size_t rendition) { return lesser_video(rendition); });
    return add(std::move(*stream), {config.width, config.height, config.fps, config.bitrate});
  }

  Result<LiveStreamConfig> video_stream(const PatternStretch& stretch, size_t rendition) {
    auto made = SwitchedPictures::create(stretch, config.audio);
    if (!made) return tl::unexpected(made.error());
    const PictureConfig& look = stretch.look;
    auto encoder =
        make_video_encoder(*video_codec, {look.width, look.height, look.fps, stretch.bitrate});
    if (!encoder) return tl::unexpected(encoder.error());
    pictures[rendition] = *made;
    LiveStreamConfig stream;
    stream.codec = video_codec;
    stream.rtp = video_rtp;
    stream.rtp_offset = rtp_offset;
    stream.encoder = *encoder;
    stream.raw_caps = (*made)->caps();
    stream.rate = config.fps;
    if (config.duration) stream.frames = config.duration->count() * config.fps / 1000;
    stream.make = [pictures = *made, on = sound_on](uint64_t frame) {
      return pictures->make(frame, *on);
    };
    return stream;
  }

  // As it is now; the switches that are yet to come, come here as well.
  Result<std::unique_ptr<LiveStream>> lesser_video(size_t rendition) {
    if (began_ns == 0) return fail(Code::kUsage, "the test pattern has not begun");
    const uint64_t next = of_kind(MediaKind::kVideo)->next_frame();
    size_t now = stretches.size() - 1;
    while (now > 0 && stretches[now].at > next) --now;
    auto stream = video_stream(lesser(stretches[now], rendition), rendition);
    if (!stream) return tl::unexpected(stream.error());
    stream->ended = [] {};
    auto made = LiveStream::create(GST_BIN(pipeline.get()), std::move(*stream));
    if (!made) return made;
    for (size_t i = 1; i < stretches.size(); ++i) {
      if (i > now)
        if (auto added = pictures[rendition]->add(lesser(stretches[i], rendition)); !added)
          return tl::unexpected(added.error());
      (*made)->change_rate(stretches[i].at, stretches[i].look.fps, frames_with(stretches[i].look));
    }
    (*made)->begin(base_ns, began_ns);
    gst_bin_sync_children_states(GST_BIN(pipeline.get()));
    return made;
  }

  LiveStream& rendition_of(size_t stream, size_t rendition) {
    const bool one_of_many = rendition > 0 && streams.at(stream).kind == MediaKind::kVideo;
    LiveStream* made = one_of_many ? renditions.get(rendition) : nullptr;
    return made != nullptr ? *made : *live.at(stream);
  }

  // How many frames there are in all if the rate stays as it is there.
  std::optional<uint64_t> frames_with(const PictureConfig& look) const {
    if (!config.duration) return std::nullopt;
    const auto left_ms = config.duration->count() - 1000 * static_cast<int64_t>(look.since_second);
    return look.since_frame + std::max<int64_t>(left_ms, 0) * look.fps / 1000;
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
    stream.rtp = {usual_payload(**codec), g_random_int()};
    stream.ended = [&loop = loop, end = end_of_stream] { loop.post(end); };
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
    base_ns = began_ns - kPacketsAhead * kPacket_ns;  // the sound's beginning
    for (size_t i = 0; i < live.size(); ++i)
      live[i]->begin(base_ns, streams[i].kind == MediaKind::kAudio ? base_ns : began_ns.load());
    if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(Code::kInternal, "the test pattern's pipeline does not start");
    log.info("test pattern {} begins", config.source);
    return {};
  }

  Result<> switch_to(const PatternSwitch& to) {
    if (stretches.empty() || config.screen)
      return fail(Code::kUsage, "there is no picture to switch");
    if (to.at_frame < stretches.back().at)
      return fail(Code::kUsage, fmt::format("a switch at frame {}: expected {}, that of the one "
                                            "before, or a later one",
                                            to.at_frame, stretches.back().at));
    auto next = switched(to);
    if (!next) return tl::unexpected(next.error());
    if (auto added = pictures[0]->add(*next); !added) return added;
    const auto frames = frames_with(next->look);
    if (!of_kind(MediaKind::kVideo)->change_rate(to.at_frame, next->look.fps, frames)) {
      pictures[0]->withdraw(to.at_frame);
      return fail(
          Code::kUsage,
          fmt::format("a switch at frame {}: expected one that is not made yet", to.at_frame));
    }
    stretches.push_back(*next);
    renditions.each([&](size_t rendition, LiveStream& stream) {
      if (auto added = pictures[rendition]->add(lesser(*next, rendition)); !added)
        log.warn("rendition {} stays as it is: {}", rendition, added.error().message);
      stream.change_rate(to.at_frame, next->look.fps, frames);
    });
    return {};
  }

  Result<PatternStretch> switched(const PatternSwitch& to) const {
    if (to.bitrate)
      if (auto good = check_bitrate(*to.bitrate); !good) return tl::unexpected(good.error());
    PatternStretch next = stretches.back();
    next.at = to.at_frame;
    next.bitrate = to.bitrate.value_or(next.bitrate);
    PictureConfig& look = next.look;
    if (to.width) look.width = *to.width;
    if (to.height) look.height = *to.height;
    if (!to.fps || *to.fps == look.fps) return next;
    const auto rate = static_cast<uint64_t>(look.fps);
    const uint64_t since = to.at_frame - std::min(to.at_frame, look.since_frame);
    if (since % rate != 0)
      return fail(Code::kUsage, fmt::format("another rate at frame {}: expected a frame that "
                                            "begins a second, such as {}",
                                            to.at_frame, to.at_frame + rate - since % rate));
    look.change_rate(to.at_frame, *to.fps);
    return next;
  }

  // A few frames away: painting takes time, and the next one may be in the making.
  uint64_t next_switch(bool begins_second) const {
    if (stretches.empty()) return 0;
    constexpr uint64_t kAway = 3;
    const PictureConfig& look = stretches.back().look;
    uint64_t frame = of_kind(MediaKind::kVideo)->next_frame() + kAway;
    frame = std::max(frame, stretches.back().at);
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
  LiveRenditions renditions;                      // of the video
  const Codec* video_codec = nullptr;
  RtpIdentity video_rtp;
  uint32_t rtp_offset = 0;
  std::vector<std::shared_ptr<SwitchedPictures>> pictures;  // of each rendition; null: not yet
  std::vector<PatternStretch> stretches;                    // of the best; in order
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
  auto all = renditions_of(impl_->stretches.back());
  all.resize(impl_->pictures.size(), all.back());  // a smaller picture may have fewer
  return all;
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

Result<> TestPattern::switch_to(const PatternSwitch& to) { return impl_->switch_to(to); }

uint64_t TestPattern::next_switch(bool begins_second) const {
  return impl_->next_switch(begins_second);
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
