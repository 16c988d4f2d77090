// Built with bot_test: the clips it sends are made by feeds/, which pipelines/ does not know.
#include "pipelines/file_source.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>

#include "base/clock.h"
#include "feeds/gop_refresher.h"
#include "tests/support/clips.h"
#include "tests/support/loopback.h"
#include "tests/support/rtp_packet.h"
#include "tests/support/temp_folder.h"
#include "tests/support/transcoder.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using test::Packet;
using test::packet_of;
using test::pattern_clip;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kPatience = 60s;

class FileSourceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  std::unique_ptr<FileSource> source(const std::vector<std::string>& files,
                                     feeds::LoopConfig config = {}) {
    auto clips = test::prepared(files, folder_.path() / "cache");
    EXPECT_TRUE(clips) << clips.error().message;
    if (!clips) return nullptr;
    auto reader = feeds::LoopedClip::create(std::move(*clips), config);
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader) return nullptr;
    FileSourceConfig with;
    if (refreshed_)
      with.refresher = [](const ClipStream& stream) {
        return std::make_unique<feeds::GopRefresher>(Log("test"), stream);
      };
    auto made = FileSource::create(loop_, Log("test"), std::move(*reader), with);
    EXPECT_TRUE(made) << made.error().message;
    if (!made) return nullptr;
    (*made)->on_end([this](Result<> how) { ended_ = std::move(how); });
    return std::move(*made);
  }
  std::string clip(const char* name, const test::ClipRecipe& recipe = {}) {
    return pattern_clip(folder_.path() / name, recipe);
  }
  // Sent as it is, with key frames 2 s apart.
  std::string slow_clip(const std::string& codec) {
    std::vector<std::string> how = {"-an", "-g", "60", "-keyint_min", "60", "-b:v", "400k", "-c:v"};
    const auto add = [&](const std::vector<std::string>& more) {
      how.insert(how.end(), more.begin(), more.end());
    };
    if (codec == "vp8") add({"libvpx", "-auto-alt-ref", "0", "-deadline", "realtime"});
    if (codec == "vp9") add({"libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"});
    if (codec == "h264") add({"libx264", "-profile:v", "baseline", "-sc_threshold", "0"});
    const std::string container = codec == "h264" ? ".mp4" : ".nut";
    return test::converted(clip("slow.y4m", {.seconds = 6}), folder_.path() / (codec + container),
                           how);
  }
  bool ended() {
    return loop_.run_until([&] { return ended_.has_value(); }, kPatience);
  }

  test::TempFolder folder_;
  Loop loop_;
  std::optional<Result<>> ended_;
  bool refreshed_ = false;
};

TEST_F(FileSourceTest, RtpCountsOnOverThreeRounds) {
  const auto feed = source({clip("a.nut", {.seconds = 1})}, {.rounds = 3});
  ASSERT_TRUE(feed);
  std::mutex mutex;
  std::vector<Packet> heard[2];
  const auto video =
      std::make_shared<test::Transcoder>(test::decoder_of("vp8"), feed->streams()[0].caps.get());
  const auto audio =
      std::make_shared<test::Transcoder>(test::decoder_of("opus"), feed->streams()[1].caps.get());
  for (size_t stream = 0; stream < 2; ++stream)
    feed->attach(stream, [&, stream](const GRef<GstBuffer>& buffer) {
      (stream == 0 ? video : audio)->push(buffer);
      const std::lock_guard lock(mutex);
      heard[stream].push_back(packet_of(buffer, stream == 0));
    });
  ASSERT_TRUE(feed->start());
  ASSERT_TRUE(ended());
  ASSERT_TRUE(*ended_) << ended_->error().message;

  ASSERT_EQ(heard[1].size(), 150u);
  size_t frames = 0;
  for (size_t stream = 0; stream < 2; ++stream) {
    const auto& packets = heard[stream];
    const int64_t clock = stream == 0 ? 90'000 : 48'000;
    for (size_t i = 0; i < packets.size(); ++i) {
      if (stream == 0 && packets[i].marker) ++frames;
      EXPECT_NEAR(static_cast<double>(packets[i].time - packets[0].time),
                  static_cast<double>(packets[i].pts_ns - packets[0].pts_ns) * clock / 1e9, 1.01);
      if (i == 0) continue;
      ASSERT_EQ(packets[i].sequence, static_cast<uint16_t>(packets[i - 1].sequence + 1)) << i;
      const uint32_t step = packets[i].time - packets[i - 1].time;
      if (stream == 1) {
        ASSERT_EQ(step, 960u) << i;
      } else {
        ASSERT_EQ(step, packets[i - 1].marker ? 3000u : 0u) << i;
        ASSERT_EQ(packets[i].picture_id,
                  (packets[i - 1].picture_id + (packets[i - 1].marker ? 1 : 0)) & 0x7fff);
      }
    }
  }
  EXPECT_EQ(frames, 90u);
  // A decoder that hears all three rounds: every picture once, every chirp at its second.
  video->finish();
  audio->finish();
  ASSERT_EQ(video->pictures().size(), 90u);
  for (size_t i = 0; i < 90; ++i) {
    ASSERT_TRUE(video->pictures()[i].mark) << i;
    EXPECT_EQ(video->pictures()[i].mark->counter, i % 30);
  }
  const auto chirps = test::chirps_of(audio->samples());
  ASSERT_EQ(chirps.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const double at =
        static_cast<double>(audio->samples_begin_ns() - video->pictures()[30 * i].pts_ns) +
        chirps[i].position * 1e9 / 48000;
    EXPECT_NEAR(at, 0, 200'000) << "nanoseconds between chirp and picture";
  }
}

TEST_F(FileSourceTest, WhoListensLateBeginsWithAKeyFrame) {
  const auto feed = source({clip("a.nut", {.seconds = 2})});
  ASSERT_TRUE(feed);
  std::atomic<uint64_t> first{0};
  feed->attach(0, [&](const GRef<GstBuffer>&) { ++first; });
  ASSERT_TRUE(feed->start());
  ASSERT_TRUE(loop_.run_until([&] { return feed->stats().frames > 20; }, kPatience));
  const auto decoder =
      std::make_shared<test::Transcoder>(test::decoder_of("vp8"), feed->streams()[0].caps.get());
  const TapId tap =
      feed->attach(0, [decoder](const GRef<GstBuffer>& packet) { decoder->push(packet); });
  EXPECT_TRUE(loop_.run_until([&] { return decoder->pictures().size() > 10; }, kPatience));
  feed->detach(0, tap);
  decoder->finish();
  EXPECT_EQ(decoder->pictures()[0].mark->counter % 30, 0u);
}

class RefreshedSource : public FileSourceTest, public testing::WithParamInterface<const char*> {
 protected:
  RefreshedSource() { refreshed_ = true; }
};

// It does not wait for the clip's own key frame, and goes on over it.
TEST_P(RefreshedSource, WhoListensLateBeginsAtOnce) {
  const auto feed = source({slow_clip(GetParam())}, {.rounds = 1});
  ASSERT_TRUE(feed);
  feed->attach(0, [](const GRef<GstBuffer>&) {});
  ASSERT_TRUE(feed->start());
  // Two thirds of a second: the clip has its next key frame with its 60th picture.
  ASSERT_TRUE(loop_.run_until([&] { return feed->stats().frames > 20; }, kPatience));
  const auto decoder = std::make_shared<test::Transcoder>(test::decoder_of(GetParam()),
                                                          feed->streams()[0].caps.get());
  const TapId tap =
      feed->attach(0, [decoder](const GRef<GstBuffer>& packet) { decoder->push(packet); });
  ASSERT_TRUE(ended());
  feed->detach(0, tap);
  decoder->finish();
  // Where the machine is too slow the clip's own may come first, and pictures are left out.
  const bool slow = feed->stats().most_late_ns > 100'000'000;
  EXPECT_TRUE(slow || feed->stats().keys_made == 1);
  const auto pictures = decoder->pictures();
  ASSERT_FALSE(pictures.empty());
  ASSERT_TRUE(pictures[0].mark);
  EXPECT_TRUE(slow || pictures[0].mark->counter < 60) << pictures[0].mark->counter;
  EXPECT_EQ(pictures.back().mark->counter, 179u);
  for (size_t i = 0; i < pictures.size(); ++i) {
    ASSERT_TRUE(pictures[i].mark) << i;
    if (i == 0) continue;
    const uint32_t step = pictures[i].mark->counter - pictures[i - 1].mark->counter;
    ASSERT_GT(pictures[i].mark->counter, pictures[i - 1].mark->counter) << i;
    EXPECT_TRUE(slow || step == 1) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(, RefreshedSource, testing::Values("vp8", "vp9", "h264"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(FileSourceTest, AfterAPauseThePictureIsThereAtOnce) {
  refreshed_ = true;
  const auto feed = source({slow_clip("vp8")});
  ASSERT_TRUE(feed);
  std::atomic<uint64_t> packets{0};
  feed->attach(0, [&](const GRef<GstBuffer>&) { ++packets; });
  ASSERT_TRUE(feed->start());
  ASSERT_TRUE(loop_.run_until([&] { return feed->stats().frames > 20; }, kPatience));
  // Nearly each time; the clip's own may be the next one.
  for (int round = 0; round < 5 && feed->stats().keys_made == 0; ++round) {
    feed->set_stream_on(0, false);
    const uint64_t keys = feed->stats().key_frames, before = packets;
    feed->set_stream_on(0, true);
    ASSERT_TRUE(loop_.run_until([&] { return feed->stats().key_frames > keys && packets > before; },
                                kPatience));
  }
  EXPECT_GT(feed->stats().keys_made, 0u);
}

TEST_F(FileSourceTest, OnlyPicturesThatAreReadAheadAreRefreshed) {
  class Clip final : public ClipReader {
   public:
    explicit Clip(Pace pace) : pace_(pace) {}
    const std::vector<ClipStream>& streams() const override { return streams_; }
    Result<std::optional<ClipFrame>> next() override { return std::nullopt; }
    Pace pace() const override { return pace_; }

   private:
    const Pace pace_;
    const std::vector<ClipStream> streams_ = {
        {.kind = kVideo, .codec = "vp8", .width = 320, .height = 180, .fps = 30},
        {.kind = MediaKind::kAudio, .codec = "opus", .channels = 1}};
  };
  for (const Pace pace : {Pace::kTimed, Pace::kLive, Pace::kAtOnce}) {
    std::vector<std::string> asked;
    const auto feed = FileSource::create(loop_, Log("test"), std::make_unique<Clip>(pace),
                                         {.refresher = [&](const ClipStream& stream) {
                                           asked.push_back(stream.codec);
                                           return nullptr;
                                         }});
    ASSERT_TRUE(feed);
    EXPECT_EQ(asked,
              pace == Pace::kTimed ? std::vector<std::string>{"vp8"} : std::vector<std::string>{});
  }
}

TEST_F(FileSourceTest, BeginsWithItsFirstListenerAndMayGoAtAnyTime) {
  for (int round = 0; round < 6; ++round) {
    const auto feed = source({clip("a.nut", {.seconds = 1})});
    ASSERT_TRUE(feed);
    std::atomic<uint64_t> heard{0};
    if (round != 1) {
      ASSERT_TRUE(feed->start());
    }
    if (round > 2) feed->attach(round % 2, [&](const GRef<GstBuffer>&) { ++heard; });
    loop_.run_until([&] { return heard > 3 * static_cast<uint64_t>(round); },
                    round > 2 ? std::chrono::milliseconds(kPatience) : 50ms);
    EXPECT_EQ(feed->stats().frames > 0, round > 2);
  }
}

TEST_F(FileSourceTest, OffNothingGoesOutAndOnItFitsAgain) {
  const auto feed = source({clip("a.nut", {.seconds = 1})});
  ASSERT_TRUE(feed);
  std::mutex mutex;
  std::vector<Packet> heard;
  feed->attach(0, [&](const GRef<GstBuffer>& buffer) {
    const std::lock_guard lock(mutex);
    heard.push_back(packet_of(buffer, true));
  });
  std::atomic<uint64_t> sound{0};
  feed->attach(1, [&](const GRef<GstBuffer>&) { ++sound; });
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return heard.size();
  };
  ASSERT_TRUE(feed->start());
  ASSERT_TRUE(loop_.run_until([&] { return count() > 10; }, kPatience));
  feed->set_stream_on(0, false);
  const size_t before = count();
  const uint64_t sound_before = sound;
  ASSERT_TRUE(loop_.run_until([&] { return sound > sound_before + 30; }, kPatience));
  EXPECT_EQ(count(), before);
  feed->set_stream_on(0, true);
  ASSERT_TRUE(loop_.run_until([&] { return count() > before + 10; }, kPatience));
  const std::lock_guard lock(mutex);
  for (size_t i = 1; i < heard.size(); ++i) {
    ASSERT_EQ(heard[i].sequence, static_cast<uint16_t>(heard[i - 1].sequence + 1)) << i;
    EXPECT_NEAR(static_cast<double>(heard[i].time - heard[0].time),
                static_cast<double>(heard[i].pts_ns - heard[0].pts_ns) * 90'000 / 1e9, 1.01);
  }
  // 30 packets of sound are 0.6 s; it comes back with a key frame, which there is each second.
  EXPECT_GT(heard[before].pts_ns - heard[before - 1].pts_ns, 500'000'000);
}

TEST_F(FileSourceTest, AFileThatIsCutOffMeanwhileEndsItWithItsName) {
  const auto path = clip("a.nut", {.seconds = 3});
  const auto feed = source({path});
  ASSERT_TRUE(feed);
  feed->attach(0, [](const GRef<GstBuffer>&) {});
  ASSERT_TRUE(feed->start());
  ASSERT_TRUE(loop_.run_until([&] { return feed->stats().frames > 5; }, kPatience));
  fs::resize_file(path, fs::file_size(path) / 2);
  ASSERT_TRUE(ended());
  ASSERT_FALSE(*ended_);
  EXPECT_NE(ended_->error().message.find("a.nut"), std::string::npos);
}

// --- in a call

using FileCall = FileSourceTest;

TEST_F(FileCall, LostPacketsAreSentAgain) {
  const auto feed = source({clip("a.nut", {.width = 640, .height = 360, .seconds = 2})});
  ASSERT_TRUE(feed);
  ASSERT_TRUE(feed->start());
  network::Link line;
  LoopbackConfig config;
  config.offerer.source = feed.get();
  Loopback link(loop_, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  line.set({.up = {.loss = 0.05, .loss_of = {network::PacketKind::kRtp}}});
  const auto repaired = [&] {
    int64_t n = 0;
    for (const TrackStats& track : link.b.peer->stats().tracks) n += track.packets_repaired;
    return n;
  };
  EXPECT_TRUE(link.run_until([&] { return repaired() > 10; }, kPatience)) << link.log();
  line.set({});
  EXPECT_TRUE(link.flows(link.b, kVideo, 60));
}

TEST_F(FileCall, ALostPictureIsBackWithTheNextKeyFrame) {
  const auto feed = source({clip("a.nut", {.seconds = 3})});
  ASSERT_TRUE(feed);
  ASSERT_TRUE(feed->start());
  LoopbackConfig config;
  config.offerer.source = feed.get();
  Loopback link(loop_, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo, 30)) << link.log();
  const auto video = [&] {
    CountingSink::Seen seen;
    for (const auto& [id, each] : link.b.sink.seen())
      if (each.info.kind == kVideo) seen = each;
    return seen;
  };
  const TrackId track = link.b.track(kVideo)->id;
  for (int round = 0; round < 3; ++round) {
    const uint64_t requests = feed->stats().key_requests;
    const auto heard = [&] {
      link.b.peer->request_key_frame(track);  // PLI, at most one a second
      return feed->stats().key_requests > requests;
    };
    ASSERT_TRUE(link.run_until(heard, kPatience));
    const auto asked = video();
    // How far apart they are is the clip's (PrepareCodec, MediaFactsTest).
    ASSERT_TRUE(link.run_until([&] { return video().key_frames > asked.key_frames; }, kPatience));
  }
}

TEST_F(FileCall, ALostPictureIsBackBeforeTheClipsNextKeyFrame) {
  refreshed_ = true;
  const auto feed = source({slow_clip("vp8")});
  ASSERT_TRUE(feed);
  ASSERT_TRUE(feed->start());
  LoopbackConfig config;
  config.offerer.source = feed.get();
  Loopback link(loop_, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo, 5)) << link.log();
  const TrackId track = link.b.track(kVideo)->id;
  const auto received = [&] { return link.b.sink.seen().at(track).key_frames; };
  // The clip's own.
  const auto own = [&] {
    const auto stats = feed->stats();
    return stats.key_frames - stats.keys_made;
  };
  const auto heard = [&](uint64_t before) {
    link.b.peer->request_key_frame(track);  // PLI, at most one a second
    return feed->stats().key_requests > before;
  };
  // A PLI that goes late in the group, or a machine that stands still, lets its end come first:
  // then once more.
  bool in_time = false;
  for (int round = 0; round < 5 && !in_time; ++round) {
    const uint64_t own_before = own();
    ASSERT_TRUE(link.run_until([&] { return own() > own_before; }, kPatience));
    // Not just after it, which would be the answer.
    const uint64_t frames = feed->stats().frames;
    ASSERT_TRUE(link.run_until([&] { return feed->stats().frames > frames + 15; }, kPatience));
    const uint64_t asked_own = own(), requests = feed->stats().key_requests;
    ASSERT_TRUE(link.run_until([&] { return heard(requests); }, kPatience));
    const uint64_t before = received();
    ASSERT_TRUE(link.run_until([&] { return received() > before; }, kPatience));
    in_time = own() == asked_own;
  }
  EXPECT_TRUE(in_time) << "the clip's own key frame came first";
  EXPECT_GT(feed->stats().keys_made, 0u);
  // And what follows fits.
  EXPECT_TRUE(link.flows(link.b, kVideo, 90)) << link.log();
  EXPECT_EQ(link.b.sink.seen().at(track).gaps, 0u);
}

}  // namespace
}  // namespace callbot::pipelines
