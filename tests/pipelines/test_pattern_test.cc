#include "pipelines/test_pattern.h"

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMs = 1'000'000;

struct Packet {
  const void* buffer = nullptr;  // which one, not to be looked into
  int64_t pts_ns = 0, arrived_ns = 0;
  uint32_t rtp_time = 0, ssrc = 0;
  uint16_t sequence = 0;
  bool marker = false;
};

// Remembers every packet's header, from a streaming thread. Its taps may outlive it.
class Listener {
 public:
  Tap tap() {
    return [heard = heard_](const GRef<GstBuffer>& buffer) {
      const Packet packet = packet_of(buffer);
      const std::lock_guard lock(heard->mutex);
      heard->packets.push_back(packet);
    };
  }
  std::vector<Packet> packets() const {
    const std::lock_guard lock(heard_->mutex);
    return heard_->packets;
  }
  size_t count() const { return packets().size(); }

 private:
  struct Heard {
    std::mutex mutex;
    std::vector<Packet> packets;
  };
  static Packet packet_of(const GRef<GstBuffer>& buffer) {
    Packet packet;
    packet.buffer = buffer.get();
    packet.pts_ns = static_cast<int64_t>(GST_BUFFER_PTS(buffer.get()));
    packet.arrived_ns = monotonic_ns();
    EXPECT_LE(gst_buffer_get_size(buffer.get()), 1200U);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(buffer.get(), GST_MAP_READ, &rtp)) {
      ADD_FAILURE() << "not RTP";
      return packet;
    }
    packet.rtp_time = gst_rtp_buffer_get_timestamp(&rtp);
    packet.ssrc = gst_rtp_buffer_get_ssrc(&rtp);
    packet.sequence = gst_rtp_buffer_get_seq(&rtp);
    packet.marker = gst_rtp_buffer_get_marker(&rtp);
    gst_rtp_buffer_unmap(&rtp);
    return packet;
  }

  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
};

struct Pattern {
  explicit Pattern(TestPatternConfig config) {
    auto made = TestPattern::create(loop, Log("test"), std::move(config));
    EXPECT_TRUE(made) << made.error().message;
    source = std::move(*made);
  }
  size_t stream(MediaKind kind) const {
    for (size_t i = 0; i < source->streams().size(); ++i)
      if (source->streams()[i].kind == kind) return i;
    ADD_FAILURE() << "no such stream";
    return 0;
  }
  size_t video() const { return stream(MediaKind::kVideo); }
  size_t audio() const { return stream(MediaKind::kAudio); }
  // A decoder fed by the stream from now on; its tap shares it.
  std::shared_ptr<test::Transcoder> decoder(size_t of) {
    const SourceStream& offered = source->streams()[of];
    auto made =
        std::make_shared<test::Transcoder>(test::decoder_of(offered.codec), offered.caps.get());
    taps.emplace_back(
        of, source->attach(of, [to = made](const GRef<GstBuffer>& packet) { to->push(packet); }));
    return made;
  }
  void detach_all() {
    for (const auto& [of, tap] : taps) source->detach(of, tap);
    taps.clear();
  }
  bool wait(const std::function<bool()>& condition, std::chrono::milliseconds most = 15s) {
    return loop.run_until(condition, most);
  }

  Loop loop;
  std::unique_ptr<TestPattern> source;
  std::vector<std::pair<size_t, TapId>> taps;
};

TestPatternConfig small(int fps = 30) {
  TestPatternConfig config;
  config.width = 320, config.height = 180, config.fps = fps;
  config.bitrate = 300'000;
  return config;
}

TestPatternConfig video_only(int fps = 30) {
  TestPatternConfig config = small(fps);
  config.audio = false;
  return config;
}

TEST(TestPattern, SaysWhatItSendsBeforeItStarts) {
  Pattern pattern(small());
  ASSERT_EQ(pattern.source->streams().size(), 2U);
  for (const SourceStream& stream : pattern.source->streams()) {
    const GstStructure* caps = gst_caps_get_structure(stream.caps.get(), 0);
    EXPECT_STREQ(gst_structure_get_name(caps), "application/x-rtp");
    EXPECT_STREQ(gst_structure_get_string(caps, "media"), name_of(stream.kind));
    for (const char* field : {"encoding-name", "clock-rate", "ssrc", "payload"})
      EXPECT_TRUE(gst_structure_has_field(caps, field)) << field;
    EXPECT_EQ(stream.msid, pattern.source->streams()[0].msid);  // played together
  }
  EXPECT_EQ(pattern.source->streams()[pattern.video()].codec, "vp8");
  EXPECT_EQ(pattern.source->streams()[pattern.audio()].codec, "opus");
}

TEST(TestPattern, RefusesWhatCannotBeSent) {
  Loop loop;
  const auto refused = [&](TestPatternConfig config) {
    const auto made = TestPattern::create(loop, Log("test"), std::move(config));
    EXPECT_FALSE(made);
    return made ? Code::kInternal : made.error().code;
  };
  TestPatternConfig config = small();
  config.codec = "theora";
  EXPECT_EQ(refused(config), Code::kUnsupported);
  config.codec = "opus";
  EXPECT_EQ(refused(config), Code::kUnsupported);
  config = small(), config.width = 20;
  EXPECT_EQ(refused(config), Code::kUsage);
  config = small(), config.fps = 1000;
  EXPECT_EQ(refused(config), Code::kUsage);
  config = small(), config.bitrate = 0;
  EXPECT_EQ(refused(config), Code::kUsage);
  config = small(), config.video = config.audio = false;
  EXPECT_EQ(refused(config), Code::kUsage);
}

TEST(TestPattern, FiftyTapsGetTheSamePacketsOfOneEncoder) {
  Pattern pattern(small());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 50; ++i) {
    listeners.push_back(std::make_unique<Listener>());
    pattern.source->attach(pattern.video(), listeners.back()->tap());
  }
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() >= 30; }));
  pattern.source->set_on(MediaKind::kVideo, false);
  const auto first = listeners[0]->packets();
  const auto frames = std::count_if(first.begin(), first.end(), [](auto& p) { return p.marker; });
  // One encoding of each frame, whoever listens.
  EXPECT_GE(frames, 30);
  EXPECT_NEAR(static_cast<double>(pattern.source->stats().video.encoded),
              static_cast<double>(frames), 1);
  for (const auto& listener : listeners) {
    const auto packets = listener->packets();
    ASSERT_EQ(packets.size(), first.size());
    for (size_t i = 0; i < packets.size(); ++i) {
      ASSERT_EQ(packets[i].buffer, first[i].buffer);  // not even a copy
      ASSERT_EQ(packets[i].sequence, first[i].sequence);
    }
  }
  pattern.source.reset();
}

struct Form {
  const char* codec;
  int width, height, bitrate;
};
class TestPatternCodec : public testing::TestWithParam<Form> {};

TEST_P(TestPatternCodec, EveryFrameArrivesWithItsMarkAndItsTime) {
  const Form form = GetParam();
  TestPatternConfig config;
  config.codec = form.codec;
  config.width = form.width, config.height = form.height, config.bitrate = form.bitrate;
  config.fps = form.width > 1280 ? 15 : 30;
  config.source = 513;
  config.audio = false;
  config.duration = 2s;
  Pattern pattern(config);
  const auto decoder = pattern.decoder(pattern.video());
  bool ended = false;
  pattern.source->on_end([&](Result<> how) {
    EXPECT_TRUE(how);
    ended = true;
  });
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return ended; }));
  pattern.detach_all();
  decoder->finish();

  const auto sent = pattern.source->sent_frames();
  const auto pictures = decoder->pictures();
  ASSERT_EQ(pictures.size(), sent.size());
  EXPECT_EQ(sent.size() + pattern.source->stats().video.left_out,
            static_cast<size_t>(2 * config.fps));
  for (size_t i = 0; i < pictures.size(); ++i) {
    const test::DecodedPicture& picture = pictures[i];
    EXPECT_EQ(picture.width, form.width);
    EXPECT_EQ(picture.height, form.height);
    ASSERT_TRUE(picture.mark) << i;
    EXPECT_EQ(picture.mark->counter, sent[i].number);
    EXPECT_EQ(picture.mark->source, 513);
    EXPECT_EQ(picture.mark->flags, 0);  // no sound, no chirp
    const double since = static_cast<double>(picture.pts_ns - pattern.source->begin_ns());
    EXPECT_NEAR(since, static_cast<double>(sent[i].number) * 1e9 / config.fps, 1000);
    EXPECT_EQ(sent[i].captured_ns, picture.pts_ns);
    EXPECT_GE(sent[i].sent_ns, sent[i].captured_ns);  // real time: never early
    const uint32_t rtp = sent[i].rtp_time - sent[0].rtp_time;
    EXPECT_NEAR(rtp, static_cast<double>(sent[i].number - sent[0].number) * 90000 / config.fps, 1);
    EXPECT_EQ(sent[i].key, i == 0);  // on request alone
  }
}

INSTANTIATE_TEST_SUITE_P(
    , TestPatternCodec,
    testing::Values(Form{"vp8", 1280, 720, 1'500'000}, Form{"vp8", 640, 360, 200'000},
                    Form{"vp8", 160, 90, 50'000}, Form{"vp8", 1920, 1080, 2'500'000},
                    Form{"vp9", 640, 360, 300'000}, Form{"h264", 1280, 720, 1'500'000},
                    Form{"h264", 426, 240, 200'000}),
    [](const auto& test) {
      return std::string(test.param.codec) + "_" + std::to_string(test.param.width);
    });

TEST(TestPattern, ChirpAndFrameAreOneMoment) {
  TestPatternConfig config = small();
  config.duration = 4s;
  Pattern pattern(config);
  const auto video = pattern.decoder(pattern.video());
  const auto audio = pattern.decoder(pattern.audio());
  Listener heard;
  pattern.source->attach(pattern.audio(), heard.tap());
  bool ended = false;
  pattern.source->on_end([&](Result<>) { ended = true; });
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return ended; }));
  pattern.detach_all();
  video->finish();
  audio->finish();

  const auto chirps = test::chirps_of(audio->samples());
  std::vector<int64_t> flashes;
  for (const auto& picture : video->pictures()) {
    ASSERT_TRUE(picture.mark);
    EXPECT_EQ(picture.mark->flags == kMarkChirp, picture.mark->counter % 30 == 0);
    if (picture.mark->flags == kMarkChirp) flashes.push_back(picture.pts_ns);
  }
  ASSERT_EQ(chirps.size(), 4U);
  ASSERT_EQ(flashes.size(), 4U);
  for (size_t i = 0; i < chirps.size(); ++i) {
    const double chirp_ns =
        static_cast<double>(audio->samples_begin_ns()) + chirps[i].position * 1e9 / 48000;
    EXPECT_NEAR(chirp_ns, static_cast<double>(flashes[i]), 0.1 * kMs) << i;
    EXPECT_EQ(chirps[i].up, chirp_goes_up(i));
  }
  // RTP times follow the same clock: every packet's is its capture time at 48 kHz.
  const auto packets = heard.packets();
  for (const Packet& packet : packets)
    EXPECT_NEAR(packet.rtp_time - packets[0].rtp_time,
                static_cast<double>(packet.pts_ns - packets[0].pts_ns) * 48e-6, 1);
}

TEST(TestPattern, IsOnTime) {
  Pattern pattern(small());
  Listener video, audio;
  pattern.source->attach(pattern.video(), video.tap());
  pattern.source->attach(pattern.audio(), audio.tap());
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() >= 60; }));
  pattern.source.reset();
  for (const Listener* listener : {&video, &audio}) {
    std::vector<int64_t> late;
    for (const Packet& packet : listener->packets())
      late.push_back(packet.arrived_ns - packet.pts_ns);
    std::sort(late.begin(), late.end());
    EXPECT_GE(late.front(), 0);
    EXPECT_LT(late[late.size() / 4], 60 * kMs);  // encoding, and whoever else uses the machine
  }
}

TEST(TestPattern, NobodyListensNothingIsEncoded) {
  Pattern pattern(small());
  ASSERT_TRUE(pattern.source->start());
  pattern.wait([] { return false; }, 300ms);
  EXPECT_EQ(pattern.source->stats().video.encoded, 0U);
  EXPECT_EQ(pattern.source->stats().audio.encoded, 0U);
  Listener listener;
  const TapId tap = pattern.source->attach(pattern.video(), listener.tap());
  EXPECT_TRUE(pattern.wait([&] { return listener.count() > 20; }));
  pattern.source->detach(pattern.video(), tap);
  const size_t count = listener.count();
  const auto sent = pattern.source->sent_frames();
  EXPECT_GE(sent.front().number, 8U);  // time went on meanwhile
  // The frames nobody listened to do not count as left out; others might, on a busy machine.
  const uint64_t missing = sent.back().number + 1 - sent.front().number - sent.size();
  EXPECT_EQ(pattern.source->stats().video.left_out, missing);
  pattern.wait([] { return false; }, 200ms);
  EXPECT_EQ(listener.count(), count);
  EXPECT_LE(pattern.source->stats().video.encoded, sent.size() + 2);
}

TEST(TestPattern, ALateJoinerGetsAKeyFrameQuickly) {
  Pattern pattern(video_only());
  Listener first;
  pattern.source->attach(0, first.tap());
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() >= 20; }));
  EXPECT_EQ(pattern.source->stats().video.key_frames, 1U);
  const auto late = pattern.decoder(0);
  const size_t before = pattern.source->sent_frames().size();
  ASSERT_TRUE(pattern.wait([&] { return !late->pictures().empty(); }));
  const auto sent = pattern.source->sent_frames();
  const auto key = std::find_if(sent.begin() + 1, sent.end(), [](auto& f) { return f.key; });
  ASSERT_NE(key, sent.end());
  // The next frame, or the one after that if the next was already being encoded.
  EXPECT_LE(static_cast<size_t>(key - sent.begin()), before + 1);
  pattern.detach_all();
  late->finish();
  for (const auto& picture : late->pictures()) EXPECT_TRUE(picture.mark);
}

TEST(TestPattern, KeyFrameRequestsAreThrottledAndNeverForgotten) {
  for (const char* codec : {"vp8", "vp9", "h264"}) {
    TestPatternConfig config = video_only();
    config.codec = codec;
    Pattern pattern(config);
    Listener listener;
    pattern.source->attach(0, listener.tap());
    ASSERT_TRUE(pattern.source->start());
    ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() >= 15; }));
    std::atomic<bool> stop{false};
    std::vector<std::thread> askers;
    for (int i = 0; i < 4; ++i)  // any thread may
      askers.emplace_back([&] {
        while (!stop) {
          pattern.source->request_key_frame(0);
          std::this_thread::yield();
        }
      });
    EXPECT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() >= 75; }));
    stop = true;
    for (auto& asker : askers) asker.join();
    const auto lasted = static_cast<uint64_t>(monotonic_ns() - pattern.source->begin_ns());
    const uint64_t keys = pattern.source->stats().video.key_frames;
    EXPECT_GE(keys, 4U) << codec;
    EXPECT_LE(keys, 2 + lasted / (300 * kMs)) << codec;  // one each 300 ms
    // The last request came after the last key frame: it is still served.
    const size_t before = pattern.source->stats().video.key_frames;
    pattern.source->request_key_frame(0);
    EXPECT_TRUE(pattern.wait([&] { return pattern.source->stats().video.key_frames > before; }));
  }
}

TEST(TestPattern, MuteStopsAtOnceAndTimeGoesOn) {
  Pattern pattern(small());
  Listener video, audio;
  pattern.source->attach(pattern.video(), video.tap());
  pattern.source->attach(pattern.audio(), audio.tap());
  const auto decoder = pattern.decoder(pattern.audio());
  ASSERT_TRUE(pattern.source->start());
  const auto enough = [&](size_t more) {
    const size_t v = video.count() + more, a = audio.count() + more;
    return pattern.wait([&, v, a] { return video.count() >= v && audio.count() >= a; });
  };
  ASSERT_TRUE(enough(30));
  for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio}) {
    const Listener& muted = kind == MediaKind::kVideo ? video : audio;
    const Listener& other = kind == MediaKind::kVideo ? audio : video;
    pattern.source->set_on(kind, false);
    const size_t count = muted.count(), others = other.count();
    pattern.wait([] { return false; }, 700ms);
    EXPECT_EQ(muted.count(), count);  // not one more
    EXPECT_GT(other.count(), others);
    pattern.source->set_on(kind, true);
    EXPECT_TRUE(pattern.wait([&] { return muted.count() > count + 30; }));
    const auto packets = muted.packets();
    for (size_t i = 1; i < packets.size(); ++i)  // what was not sent was not lost either
      ASSERT_EQ(packets[i].sequence, static_cast<uint16_t>(packets[i - 1].sequence + 1));
    const int64_t gap = packets[count].pts_ns - packets[count - 1].pts_ns;
    EXPECT_GT(gap, 650 * kMs);
    const double rate = kind == MediaKind::kVideo ? 90000 : 48000;
    EXPECT_NEAR(packets[count].rtp_time - packets[count - 1].rtp_time,
                static_cast<double>(gap) * rate / 1e9, 1);
  }
  // The picture begins again with a key frame, and the sound where it would be without the mute.
  bool key_after_gap = false;
  const auto sent = pattern.source->sent_frames();
  for (size_t i = 1; i < sent.size(); ++i)
    if (sent[i].captured_ns - sent[i - 1].captured_ns > 600 * kMs) key_after_gap = sent[i].key;
  EXPECT_TRUE(key_after_gap);
  ASSERT_TRUE(enough(80));
  pattern.detach_all();
  decoder->finish();
  for (const FoundChirp& chirp : test::chirps_of(decoder->samples())) {
    const double at =
        (static_cast<double>(decoder->samples_begin_ns() - pattern.source->begin_ns()) +
         chirp.position * 1e9 / 48000) /
        1e9;
    EXPECT_NEAR(at, std::round(at), 0.001);
  }
}

TEST(TestPattern, AMutedSoundIsNotMarkedInThePicture) {
  TestPatternConfig config = small(10);
  Pattern pattern(config);
  pattern.source->set_on(MediaKind::kAudio, false);
  const auto decoder = pattern.decoder(pattern.video());
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() > 12; }));
  pattern.detach_all();
  decoder->finish();
  for (const auto& picture : decoder->pictures()) {
    ASSERT_TRUE(picture.mark);
    EXPECT_EQ(picture.mark->flags, 0);
  }
}

TEST(TestPattern, DetachUnderLoad) {
  Pattern pattern(small(60));
  ASSERT_TRUE(pattern.source->start());
  Listener steady;
  pattern.source->attach(pattern.video(), steady.tap());
  const int64_t begin = monotonic_ns();
  const auto since = [&] { return monotonic_ns() - begin; };
  uint64_t calls = 0;
  for (int round = 0; since() < 1500 * kMs || (calls <= 100 && since() < 20'000 * kMs); ++round) {
    auto used = std::make_unique<std::atomic<uint64_t>>(0);
    std::vector<std::pair<size_t, TapId>> taps;
    for (size_t i = 0; i < 20; ++i)
      taps.emplace_back(i % 2, pattern.source->attach(i % 2, [to = used.get()](auto& packet) {
        EXPECT_NE(packet.get(), nullptr);
        ++*to;
      }));
    pattern.wait([&, round] { return round % 3 == 0 || *used > 0; }, 50ms);
    for (const auto& [stream, tap] : taps) pattern.source->detach(stream, tap);
    calls += *used;
  }
  EXPECT_GT(calls, 100U);
  EXPECT_GT(steady.count(), 30U);
}

TEST(TestPattern, MayGoAtAnyTime) {
  for (int round = 0; round < 12; ++round) {
    Pattern pattern(small());
    Listener listener;
    if (round % 3 != 0) pattern.source->attach(round % 2, listener.tap());
    if (round % 4 != 0) {
      ASSERT_TRUE(pattern.source->start());
    }
    pattern.wait([] { return false; }, std::chrono::milliseconds(17 * round));
    const int64_t before = monotonic_ns();
    pattern.source.reset();
    EXPECT_LT(monotonic_ns() - before, 5000 * kMs);
    const size_t count = listener.count();
    pattern.wait([] { return false; }, 5ms);
    EXPECT_EQ(listener.count(), count);
  }
}

TEST(TestPattern, EndsOnTimeOnceAlsoIfNobodyListens) {
  TestPatternConfig config = small();
  config.duration = 500ms;
  Pattern pattern(config);
  int ended = 0;
  pattern.source->on_end([&](Result<> how) {
    EXPECT_TRUE(how);
    EXPECT_TRUE(pattern.loop.on_loop());
    ++ended;
  });
  const int64_t before = monotonic_ns();
  ASSERT_TRUE(pattern.source->start());
  EXPECT_TRUE(pattern.wait([&] { return ended > 0; }));
  EXPECT_GE(monotonic_ns() - before, 450 * kMs);
  pattern.wait([] { return false; }, 50ms);
  EXPECT_EQ(ended, 1);
}

TEST(TestPattern, TwoOfTheSameSeedSendTheSameFrames) {
  std::vector<std::vector<uint8_t>> first;
  for (int round = 0; round < 2; ++round) {
    TestPatternConfig config = video_only(10);
    config.duration = 1s;
    std::mutex mutex;
    std::vector<std::vector<uint8_t>> payloads;
    bool ended = false;
    Pattern pattern(config);  // last, so that it goes first
    pattern.source->attach(0, [&](const GRef<GstBuffer>& buffer) {
      GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
      ASSERT_TRUE(gst_rtp_buffer_map(buffer.get(), GST_MAP_READ, &rtp));
      const auto* bytes = static_cast<const uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
      const std::lock_guard lock(mutex);
      // Without the payload descriptor, whose picture ids begin anywhere.
      payloads.emplace_back(bytes + 4, bytes + gst_rtp_buffer_get_payload_len(&rtp));
      gst_rtp_buffer_unmap(&rtp);
    });
    pattern.source->on_end([&](Result<>) { ended = true; });
    ASSERT_TRUE(pattern.source->start());
    ASSERT_TRUE(pattern.wait([&] { return ended; }));
    if (pattern.source->stats().video.left_out > 0) GTEST_SKIP() << "the machine is too busy";
    if (round == 0)
      first = payloads;
    else
      EXPECT_EQ(payloads, first);
  }
}

class TestPatternSwitch : public testing::TestWithParam<const char*> {};

TEST_P(TestPatternSwitch, SizeRateAndBitrateChangeAtTheirFrames) {
  TestPatternConfig config = small(30);
  config.codec = GetParam();
  config.duration = 4s;
  Pattern pattern(config);
  ASSERT_TRUE(pattern.source->switch_to({.at_frame = 20, .width = 480, .height = 270}));
  ASSERT_TRUE(pattern.source->switch_to({.at_frame = 40, .bitrate = 100'000}));
  ASSERT_TRUE(pattern.source->switch_to({.at_frame = 60, .width = 160, .height = 90, .fps = 10}));
  ASSERT_TRUE(pattern.source->switch_to({.at_frame = 70, .fps = 20}));
  const auto video = pattern.decoder(pattern.video());
  const auto audio = pattern.decoder(pattern.audio());
  bool ended = false;
  pattern.source->on_end([&](Result<>) { ended = true; });
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return ended; }));
  pattern.detach_all();
  video->finish();
  audio->finish();

  const auto sent = pattern.source->sent_frames();
  const auto pictures = video->pictures();
  ASSERT_EQ(pictures.size(), sent.size());
  EXPECT_EQ(sent.size() + pattern.source->stats().video.left_out, 90u);  // 2 s, 1 s, 1 s
  std::vector<int64_t> flashes;
  for (size_t i = 0; i < pictures.size(); ++i) {
    ASSERT_TRUE(pictures[i].mark) << i;
    const uint64_t n = pictures[i].mark->counter;
    EXPECT_EQ(n, sent[i].number);
    EXPECT_EQ(pictures[i].width, n < 20 ? 320 : n < 60 ? 480 : 160) << n;
    const auto frame = static_cast<double>(n);
    const double at = n < 60 ? frame / 30 : n < 70 ? 2 + (frame - 60) / 10 : 3 + (frame - 70) / 20;
    EXPECT_NEAR(static_cast<double>(sent[i].captured_ns - pattern.source->begin_ns()), at * 1e9,
                1e3);
    EXPECT_EQ(pictures[i].pts_ns, sent[i].captured_ns);
    if (pictures[i].mark->flags == kMarkChirp) flashes.push_back(pictures[i].pts_ns);
  }
  const auto chirps = test::chirps_of(audio->samples());
  ASSERT_EQ(chirps.size(), 4u);
  ASSERT_EQ(flashes.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(static_cast<double>(audio->samples_begin_ns()) + chirps[i].position * 1e9 / 48000,
                static_cast<double>(flashes[i]), 0.1 * kMs);
}

INSTANTIATE_TEST_SUITE_P(, TestPatternSwitch, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& test) { return std::string(test.param); });

TEST(TestPattern, ASwitchThatCannotBeIsRefusedAndChangesNothing) {
  Pattern pattern(small(30));
  ASSERT_TRUE(pattern.source->switch_to({.at_frame = 60, .bitrate = 100'000}));
  const PatternSwitch refused[] = {{.at_frame = 59, .bitrate = 50'000},
                                   {.at_frame = 75, .fps = 10},
                                   {.at_frame = 90, .width = 20, .height = 20},
                                   {.at_frame = 90, .fps = 1000},
                                   {.at_frame = 90, .bitrate = 1}};
  for (const PatternSwitch& to : refused) {
    const auto switched = pattern.source->switch_to(to);
    ASSERT_FALSE(switched);
    EXPECT_EQ(switched.error().code, Code::kUsage);
  }
  EXPECT_NE(
      pattern.source->switch_to({.at_frame = 75, .fps = 10}).error().message.find("such as 90"),
      std::string::npos);
  EXPECT_TRUE(pattern.source->switch_to({.at_frame = 90, .fps = 10}));
  pattern.decoder(pattern.video());
  ASSERT_TRUE(pattern.source->start());
  ASSERT_TRUE(pattern.wait([&] { return pattern.source->sent_frames().size() > 10; }));
  Pattern other(video_only());
  other.decoder(0);
  ASSERT_TRUE(other.source->start());
  ASSERT_TRUE(other.wait([&] { return other.source->sent_frames().size() > 10; }));
  EXPECT_FALSE(other.source->switch_to({.at_frame = 5, .bitrate = 50'000}))
      << "it was sent already";
}

TEST(TestPattern, AnotherOneGoesOnWhereTheFirstEnded) {
  Pattern first(small(30));
  first.decoder(first.video());
  ASSERT_TRUE(first.source->start());
  ASSERT_TRUE(first.wait([&] { return first.source->sent_frames().size() > 30; }));
  TestPatternConfig config = small(30);
  config.codec = "h264";
  config.begin_ns = first.source->begin_ns();
  Pattern second(config);
  second.decoder(second.video());
  ASSERT_TRUE(second.source->start());
  ASSERT_TRUE(second.wait([&] { return second.source->sent_frames().size() > 30; }));
  const auto a = first.source->sent_frames().back(), b = second.source->sent_frames().back();
  EXPECT_GT(second.source->sent_frames().front().number, 0u);
  EXPECT_NEAR(static_cast<double>(b.captured_ns - a.captured_ns),
              (static_cast<double>(b.number) - static_cast<double>(a.number)) * 1e9 / 30, 2);
}

}  // namespace
}  // namespace callbot::pipelines
