#include "pipelines/track.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gst/app/gstappsrc.h>
#include <gst/rtp/gstrtcpbuffer.h>
#include <gst/video/video.h>

#include <thread>

#include "base/clock.h"
#include "pipelines/codecs.h"
#include "tests/support/rtp_media.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Seen : TrackEvents {
  void key_frame_wait(TrackId) override { ++waits; }
  void key_frame_found(TrackId, std::chrono::nanoseconds wait) override {
    ++finds;
    waited += wait;
  }
  void size_changed(TrackId, uint32_t width, uint32_t height) override {
    sizes.push_back(fmt::format("{}x{}", width, height));
  }
  void ssrc_changed(TrackId, uint32_t ssrc) override { ssrcs.push_back(ssrc); }

  int waits = 0, finds = 0;
  std::chrono::nanoseconds waited{0};
  std::vector<std::string> sizes;
  std::vector<uint32_t> ssrcs;
};

// A pipeline with an appsrc where webrtcbin would be, with or without a jitterbuffer behind it.
class Feed {
 public:
  explicit Feed(const GRef<GstCaps>& caps, int jitterbuffer_ms = -1) {
    pipeline_ = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
    source_ = GRef<GstElement>::sink(gst_element_factory_make("appsrc", nullptr));
    g_object_set(source_.get(), "caps", caps.get(), "format", GST_FORMAT_TIME, "is-live", TRUE,
                 "do-timestamp", jitterbuffer_ms >= 0 ? TRUE : FALSE, nullptr);
    gst_bin_add(GST_BIN(pipeline_.get()), source_.get());
    GstElement* last = source_.get();
    if (jitterbuffer_ms >= 0) {
      GstElement* jitterbuffer = gst_element_factory_make("rtpjitterbuffer", nullptr);
      g_object_set(jitterbuffer, "latency", jitterbuffer_ms, "do-lost", TRUE, nullptr);
      rtcp_ = GRef<GstPad>::adopt(gst_element_request_pad_simple(jitterbuffer, "sink_rtcp"));
      gst_bin_add(GST_BIN(pipeline_.get()), jitterbuffer);
      gst_element_link(last, jitterbuffer);
      auto sink = GRef<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer, "sink"));
      arrivals = attach_arrival(sink.get());
      last = jitterbuffer;
    }
    pad = GRef<GstPad>::adopt(gst_element_get_static_pad(last, "src"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_event, this, nullptr);
  }
  ~Feed() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  GstBin* bin() const { return GST_BIN(pipeline_.get()); }
  void start() { gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }
  void push(const GRef<GstBuffer>& packet) {
    GstBuffer* copy = gst_buffer_copy(packet.get());
    // The jitterbuffer goes by the time of arrival, which the source fills in.
    if (arrivals) GST_BUFFER_PTS(copy) = GST_BUFFER_DTS(copy) = GST_CLOCK_TIME_NONE;
    gst_app_src_push_buffer(GST_APP_SRC(source_.get()), copy);
  }
  void push(const std::vector<GRef<GstBuffer>>& packets) {
    for (const auto& packet : packets) push(packet);
  }
  // A sender report (RFC 3550, 6.4.1) for the jitterbuffer.
  void report(uint32_t ssrc, uint64_t ntp, uint32_t rtp_time) {
    if (!std::exchange(reported_, true)) {
      gst_pad_send_event(rtcp_.get(), gst_event_new_stream_start("rtcp"));
      GstSegment segment;
      gst_segment_init(&segment, GST_FORMAT_TIME);
      gst_pad_send_event(rtcp_.get(), gst_event_new_segment(&segment));
    }
    GstBuffer* buffer = gst_rtcp_buffer_new(1400);
    GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
    gst_rtcp_buffer_map(buffer, GST_MAP_READWRITE, &rtcp);
    GstRTCPPacket packet;
    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_SR, &packet);
    gst_rtcp_packet_sr_set_sender_info(&packet, ssrc, ntp, rtp_time, 1, 1);
    gst_rtcp_buffer_unmap(&rtcp);
    EXPECT_EQ(gst_pad_chain(rtcp_.get(), buffer), GST_FLOW_OK);
  }
  // All that was pushed went through.
  void finish() {
    std::atomic<bool> ended{false};
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        [](GstPad*, GstPadProbeInfo* info, gpointer flag) {
          if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
            *static_cast<std::atomic<bool>*>(flag) = true;
          return GST_PAD_PROBE_OK;
        },
        &ended, nullptr);
    gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
    EXPECT_TRUE(loop.run_until([&] { return ended.load(); }, 10s));
  }

  static GstPadProbeReturn on_event(GstPad*, GstPadProbeInfo* info, gpointer self) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (!gst_video_event_is_force_key_unit(event)) return GST_PAD_PROBE_OK;
    gboolean all_headers = TRUE;
    gst_video_event_parse_upstream_force_key_unit(event, nullptr, &all_headers, nullptr);
    EXPECT_FALSE(all_headers) << "that would be a FIR";
    ++static_cast<Feed*>(self)->requests;
    return GST_PAD_PROBE_OK;
  }

  Loop loop;
  GRef<GstPad> pad;
  std::shared_ptr<const Arrivals> arrivals;
  std::atomic<int> requests{0};

 private:
  GRef<GstElement> pipeline_, source_;
  GRef<GstPad> rtcp_;
  bool reported_ = false;
};

// A feed and an open track with a sink.
class Receiving {
 public:
  explicit Receiving(const GRef<GstCaps>& caps, int jitterbuffer_ms = -1, bool open = true)
      : feed(caps, jitterbuffer_ms) {
    auto info = describe_track(caps.get());
    EXPECT_TRUE(info) << info.error().message;
    auto made = Track::create(feed.loop, Log("test"), *info, feed.bin(), feed.pad.get(), events);
    EXPECT_TRUE(made) << made.error().message;
    track = std::move(*made);
    track->add_sink(sink);
    if (open) track->open();
    feed.start();
  }
  void push_all(const std::vector<GRef<GstBuffer>>& packets) {
    feed.push(packets);
    feed.finish();
    settle();
  }
  void settle() {
    bool posted = false;
    feed.loop.post([&] { posted = true; });
    EXPECT_TRUE(feed.loop.run_until([&] { return posted; }, 5s));
  }

  KeepingSink sink;
  Seen events;
  Feed feed;
  std::unique_ptr<Track> track;
};

std::vector<GRef<GstBuffer>> without(std::vector<GRef<GstBuffer>> packets, size_t index) {
  packets.erase(packets.begin() + static_cast<long>(index));
  return packets;
}

// RTP times of the frames, in order.
uint32_t packets_at(const RtpStream& stream, int64_t rtp_time) {
  return static_cast<uint32_t>(
      std::count_if(stream.packets.begin(), stream.packets.end(),
                    [&](const auto& packet) { return header_of(packet).time == rtp_time; }));
}

std::vector<uint32_t> times(const RtpStream& stream) {
  std::vector<uint32_t> all;
  for (const auto& packet : stream.packets)
    if (const uint32_t time = header_of(packet).time; all.empty() || all.back() != time)
      all.push_back(time);
  return all;
}

// Packets before frame n begins.
size_t packets_before(const RtpStream& stream, size_t n) {
  size_t count = 0;
  while (header_of(stream.packets[count]).time != times(stream)[n]) ++count;
  return count;
}

bool is_video(const std::string& codec) { return codec_by_name(codec)->kind == MediaKind::kVideo; }

// --- every codec

class TrackOf : public testing::TestWithParam<const char*> {};

TEST_P(TrackOf, PassesEveryFrameWithItsTimes) {
  const std::string codec = GetParam();
  const RtpStream stream = make_rtp(codec, {.frames = 30});
  Receiving receiving(stream.caps, 20);
  receiving.push_all(stream.packets);

  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), times(stream).size());
  EXPECT_TRUE(frames[0].frame.key);
  EXPECT_EQ(frames[0].frame.rtp_time, header_of(stream.packets[0]).time);
  for (size_t i = 0; i < frames.size(); ++i) {
    const Frame& frame = frames[i].frame;
    EXPECT_FALSE(frames[i].bytes.empty());
    EXPECT_FALSE(frame.after_gap);
    EXPECT_FALSE(frame.ntp_ns);
    EXPECT_GT(frame.first_arrival_ns, 0);
    EXPECT_LE(frame.first_arrival_ns, frame.last_arrival_ns);
    EXPECT_LE(frame.last_arrival_ns, frame.out_ns);
    EXPECT_LE(frame.out_ns, monotonic_ns());
    EXPECT_EQ(frame.packets, packets_at(stream, frame.rtp_time));
    if (i == 0) continue;
    if (codec == "opus" && i == 1) continue;  // the encoder's delay goes off the first packet
    const double step = is_video(codec) ? 1.0 / 30 : 0.02;
    const auto ticks = static_cast<double>(frame.rtp_time - frames[i - 1].frame.rtp_time);
    EXPECT_NEAR(ticks / receiving.track->info().clock_rate, step, 0.001) << i;
  }
  const TrackStats stats = receiving.track->stats();
  EXPECT_EQ(stats.packets, stream.packets.size());
  EXPECT_EQ(stats.frames, frames.size());
  EXPECT_EQ(stats.frames_gated, 0u);
  EXPECT_EQ(stats.key_frame_requests, 0u);
  EXPECT_EQ(receiving.feed.arrivals->packets, stream.packets.size());
  EXPECT_EQ(receiving.events.waits, 0);
  if (is_video(codec)) {
    EXPECT_THAT(receiving.events.sizes, ElementsAre("160x120"));
    EXPECT_EQ(stats.key_frames, 2u);
    EXPECT_EQ(decoded_pictures(codec, frames).size(), frames.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, TrackOf,
                         testing::Values("opus", "pcmu", "pcma", "g722", "vp8", "vp9", "h264",
                                         "h265"));

TEST(TrackOfH264, KeepsParameterSetsInEveryKeyFrame) {
  const RtpStream stream = make_rtp("h264", {.frames = 41});
  Receiving receiving(stream.caps);
  receiving.push_all(stream.packets);
  int key_frames = 0;
  for (const auto& kept : receiving.sink.frames()) {
    if (!kept.frame.key) continue;
    ++key_frames;
    std::vector<int> kinds;
    for (size_t i = 3; i < kept.bytes.size(); ++i)
      if (kept.bytes[i - 3] == 0 && kept.bytes[i - 2] == 0 && kept.bytes[i - 1] == 1)
        kinds.push_back(kept.bytes[i] & 0x1f);
    EXPECT_THAT(kinds, testing::IsSupersetOf({7, 8, 5}));
  }
  EXPECT_EQ(key_frames, 3);
}

TEST(TrackOfH264, JoinsAFrameThatTheDepayloaderTakesForSeveral) {
  const RtpStream stream = make_rtp("h264", {.frames = 41, .slices = 4});
  Receiving receiving(stream.caps);
  receiving.push_all(stream.packets);
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 41u);
  for (size_t i = 1; i < frames.size(); ++i)
    EXPECT_GT(frames[i].frame.rtp_time, frames[i - 1].frame.rtp_time);
  int slices = 0;
  for (size_t i = 3; i < frames[20].bytes.size(); ++i)
    slices += frames[20].bytes[i - 3] == 0 && frames[20].bytes[i - 2] == 0 &&
                      frames[20].bytes[i - 1] == 1 && (frames[20].bytes[i] & 0x1f) == 5
                  ? 1
                  : 0;
  EXPECT_EQ(slices, 4);
  EXPECT_EQ(receiving.events.waits, 0);
}

TEST(TrackOfH264, HoldsBackAFrameInPiecesOfWhichOneIsLost) {
  const RtpStream stream = make_rtp("h264", {.frames = 41, .slices = 4});
  const size_t key = packets_before(stream, 20), next = packets_before(stream, 21);
  for (size_t lost = key + 1; lost < next; ++lost) {
    Receiving receiving(stream.caps);
    receiving.push_all(without(stream.packets, lost));
    for (const auto& kept : receiving.sink.frames())
      EXPECT_TRUE(kept.frame.rtp_time < times(stream)[20] ||
                  kept.frame.rtp_time >= times(stream)[40])
          << "packet " << lost << " is missing, but the frame at " << kept.frame.rtp_time
          << " passes";
    EXPECT_EQ(receiving.sink.count(), 21u) << "packet " << lost;
  }
}

TEST(TrackOfH264, GivesEveryKeyFrameItsParameterSetsIfTheSenderDoesNot) {
  RtpStream stream = make_rtp("h264", {.frames = 41});
  // From the second key frame on they are left out.
  std::vector<GRef<GstBuffer>> packets;
  uint16_t sequence = header_of(stream.packets[0]).sequence;
  for (const auto& packet : stream.packets) {
    uint8_t kind = 0;
    gst_buffer_extract(packet.get(), 12, &kind, 1);
    RtpHeader header = header_of(packet);
    const bool set = (kind & 0x1f) == 7 || (kind & 0x1f) == 8;
    if (set && header.time != times(stream)[0]) continue;
    header.sequence = sequence++;
    packets.push_back(with_header(packet, header));
  }
  Receiving receiving(stream.caps);
  receiving.push_all(packets);
  auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 41u);
  EXPECT_TRUE(frames[20].frame.key);
  frames.erase(frames.begin(), frames.begin() + 20);
  EXPECT_EQ(decoded_pictures("h264", frames).size(), 21u);
}

// --- loss

class Lossy : public testing::TestWithParam<const char*> {
 protected:
  static std::map<int64_t, std::string> undamaged(const RtpStream& stream,
                                                  const std::string& codec) {
    Receiving receiving(stream.caps);
    receiving.push_all(stream.packets);
    return decoded_pictures(codec, receiving.sink.frames());
  }
};

TEST_P(Lossy, WhicheverPacketIsLostWhatPassesDecodesAsIfNothingWere) {
  const std::string codec = GetParam();
  const RtpStream stream = make_rtp(codec, {.frames = 16, .key_every = 6});
  const auto expected = undamaged(stream, codec);
  ASSERT_EQ(expected.size(), 16u);
  for (size_t lost = 0; lost < stream.packets.size(); ++lost) {
    Receiving receiving(stream.caps);
    receiving.push_all(without(stream.packets, lost));
    const auto frames = receiving.sink.frames();
    const auto pictures = decoded_pictures(codec, frames);
    EXPECT_EQ(pictures.size(), frames.size()) << "packet " << lost;
    for (const auto& [time, picture] : pictures)
      EXPECT_EQ(picture, expected.at(time)) << "packet " << lost << " lost, frame at " << time;
    EXPECT_GE(frames.size(), 4u) << "packet " << lost;
    // Whatever came before the loss passed.
    const auto lost_time = static_cast<int64_t>(header_of(stream.packets[lost]).time);
    size_t before = 0, before_loss = 0;
    for (const auto& kept : frames) before += kept.frame.rtp_time < lost_time ? 1 : 0;
    for (const uint32_t time : times(stream)) before_loss += time < lost_time ? 1 : 0;
    EXPECT_EQ(before, before_loss) << "packet " << lost;
    for (size_t i = 1; i < frames.size(); ++i) {
      const int64_t step = frames[i].frame.rtp_time - frames[i - 1].frame.rtp_time;
      if (step < 4000) continue;
      EXPECT_TRUE(frames[i].frame.after_gap) << "packet " << lost << " frame " << i;
      EXPECT_TRUE(frames[i].frame.key) << "packet " << lost << " frame " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Lossy, testing::Values("vp8", "vp9", "h264", "h265"));

// As whoever joins an SFU gets it. Depayloaders keep such frames to themselves, and one of them is
// only known to be kept when the key frame is out already.
TEST_P(Lossy, WhatComesBeforeTheFirstKeyFrameCostsNothingAfterIt) {
  const RtpStream stream = make_rtp(GetParam(), {.frames = 40, .key_every = 12});
  for (const size_t first : {9, 10, 11, 12}) {
    Receiving receiving(stream.caps);
    const auto begin = stream.packets.begin() + static_cast<long>(packets_before(stream, first));
    receiving.push_all({begin, stream.packets.end()});
    EXPECT_EQ(receiving.sink.count(), 28u) << first;
    EXPECT_EQ(receiving.events.waits, receiving.events.finds) << first;
    EXPECT_LE(receiving.events.waits, first == 12 ? 0 : 1) << first;
  }
}

TEST(TrackAfterLoss, WaitsForAKeyFrameTellsAndAsksForOne) {
  const RtpStream stream = make_rtp("vp8", {.frames = 40});
  std::vector<GRef<GstBuffer>> packets;
  const uint32_t lost = times(stream)[5];
  for (const auto& packet : stream.packets)
    if (header_of(packet).time != lost) packets.push_back(packet);
  Receiving receiving(stream.caps);
  receiving.push_all(packets);
  EXPECT_EQ(receiving.events.waits, 1);
  EXPECT_EQ(receiving.events.finds, 1);
  EXPECT_EQ(receiving.sink.count(), 5u + 20);
  const TrackStats stats = receiving.track->stats();
  EXPECT_EQ(stats.frames_gated, 14u);
  EXPECT_EQ(stats.key_frame_requests, 1u);
  EXPECT_EQ(receiving.feed.requests, 1) << "however many frames were held back within a second";
  EXPECT_NEAR(stats.key_frame_wait_s,
              std::chrono::duration<double>(receiving.events.waited).count(), 1e-6);
  EXPECT_GT(stats.key_frame_wait_s, 0);
}

TEST(TrackAfterLoss, AsksAgainAfterASecond) {
  const RtpStream stream = make_rtp("vp8", {.frames = 20, .key_every = 100});
  Receiving receiving(stream.caps);
  receiving.feed.push(without(stream.packets, 2));
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.feed.requests == 1; }, 5s));
  uint16_t sequence = header_of(stream.packets.back()).sequence;
  uint32_t time = header_of(stream.packets.back()).time;
  Timer more;
  more.every(50ms, [&] {
    receiving.feed.push(with_header(stream.packets.back(), {4711, ++sequence, time += 3000, true}));
  });
  const int64_t start = monotonic_ns();
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.feed.requests == 2; }, 5s));
  EXPECT_GT(monotonic_ns() - start, 500'000'000);
}

TEST(TrackAfterLoss, OfAudioGoesOnAtOnceAndSaysThatThereWasAGap) {
  const RtpStream stream = make_rtp("opus", {.frames = 20});
  Receiving receiving(stream.caps);
  receiving.push_all(without(stream.packets, 7));
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), stream.packets.size() - 1);
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].frame.after_gap, i == 7) << i;
  EXPECT_EQ(receiving.events.waits, 0);
  EXPECT_EQ(receiving.feed.requests, 0);
}

TEST(TrackAfterLoss, LearnsFromTheJitterbufferThatAPacketIsGivenUp) {
  const RtpStream stream = make_rtp("vp8", {.frames = 40});
  Receiving receiving(stream.caps, 30);
  Timer paced;
  size_t next = 0;
  const auto packets = without(stream.packets, stream.packets.size() / 4);
  paced.every(2ms, [&] {
    if (next < packets.size()) receiving.feed.push(packets[next++]);
  });
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.events.finds == 1; }, 10s));
  EXPECT_EQ(receiving.events.waits, 1);
  EXPECT_GT(receiving.track->stats().frames_gated, 0u);
}

TEST(Track, LosesNothingWhenPacketsComeInAnotherOrder) {
  const RtpStream stream = make_rtp("vp8", {.frames = 30});
  auto packets = stream.packets;
  for (size_t i = 1; i + 2 < packets.size(); i += 3) std::swap(packets[i], packets[i + 1]);
  Receiving receiving(stream.caps, 700);
  // At the pace of the stream, else the jitterbuffer takes what is late for lost.
  const int64_t start = monotonic_ns();
  size_t next = 0;
  Timer paced;
  paced.every(5ms, [&] {
    const auto due = static_cast<uint32_t>((monotonic_ns() - start) * 90 / 1'000'000);
    while (next < packets.size() && header_of(packets[next]).time - 90000 <= due)
      receiving.feed.push(packets[next++]);
  });
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.sink.count() == 30; }, 10s));
  receiving.settle();
  EXPECT_EQ(receiving.events.waits, 0);
  for (const auto& kept : receiving.sink.frames())
    EXPECT_LE(kept.frame.first_arrival_ns, kept.frame.last_arrival_ns);
}

// --- times

TEST(Track, GoesOverTheWrapOfSequenceAndRtpTime) {
  const RtpStream stream = make_rtp(
      "vp8", {.frames = 60, .first_sequence = 65500, .first_time = 0xffffffff - 20 * 3000});
  Receiving receiving(stream.caps);
  receiving.push_all(stream.packets);
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 60u);
  for (size_t i = 1; i < frames.size(); ++i)
    EXPECT_NEAR(static_cast<double>(frames[i].frame.rtp_time - frames[i - 1].frame.rtp_time), 3000,
                1);
  EXPECT_EQ(receiving.events.waits, 0);
}

TEST(Track, KnowsWhenTheFirstAndTheLastPacketOfAFrameCameIn) {
  const RtpStream stream = make_rtp("h264", {.frames = 4, .pattern = "snow"});
  Receiving receiving(stream.caps, 50);
  struct Moments {
    int64_t begun, halfway, ended;
  };
  std::vector<Moments> moments;
  uint64_t pushed = 0;
  // When all that was pushed has come in at the jitterbuffer.
  auto arrived = [&] {
    EXPECT_TRUE(receiving.feed.loop.run_until(
        [&] { return receiving.feed.arrivals->packets == pushed; }, 5s));
    return monotonic_ns();
  };
  for (size_t frame = 0; frame < 4; ++frame) {
    const size_t end = frame < 3 ? packets_before(stream, frame + 1) : stream.packets.size();
    ASSERT_GE(end - pushed, 2u);
    Moments now{.begun = monotonic_ns(), .halfway = 0, .ended = 0};
    for (const size_t until : {(pushed + end) / 2, end}) {
      while (pushed < until) receiving.feed.push(stream.packets[pushed++]);
      (until == end ? now.ended : now.halfway) = arrived();
    }
    moments.push_back(now);
  }
  receiving.feed.finish();
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), moments.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_GE(frames[i].frame.first_arrival_ns, moments[i].begun);
    EXPECT_LE(frames[i].frame.first_arrival_ns, moments[i].halfway);
    EXPECT_GE(frames[i].frame.last_arrival_ns, moments[i].halfway);
    EXPECT_LE(frames[i].frame.last_arrival_ns, moments[i].ended);
  }
}

TEST(Track, CarriesTheSendersClockOnceItIsKnown) {
  constexpr uint64_t kUnixS = 1'700'000'000;
  for (const char* codec : {"vp8", "h264", "opus", "pcmu"}) {
    const RtpStream stream = make_rtp(codec, {.frames = 10});
    const size_t unknown = packets_before(stream, 1);
    const RtpHeader first = header_of(stream.packets[0]);
    Receiving receiving(stream.caps, 100);
    for (size_t i = 0; i < stream.packets.size(); ++i) {
      if (i == unknown)
        receiving.feed.report(first.ssrc, (kUnixS + 2208988800ULL) << 32, first.time);
      receiving.feed.push(stream.packets[i]);
      ASSERT_TRUE(receiving.feed.loop.run_until(
          [&] { return receiving.feed.arrivals->packets == i + 1; }, 5s));
    }
    receiving.feed.finish();
    const auto frames = receiving.sink.frames();
    ASSERT_EQ(frames.size(), times(stream).size()) << codec;
    EXPECT_FALSE(frames[0].frame.ntp_ns) << codec;
    const int64_t rate = codec_by_name(codec)->clock;
    for (size_t i = 1; i < frames.size(); ++i)
      EXPECT_EQ(frames[i].frame.ntp_ns,
                static_cast<int64_t>(kUnixS) * 1'000'000'000 +
                    (times(stream)[i] - first.time) * 1'000'000'000LL / rate)
          << codec;
  }
}

// What recordings/clock_estimate.h goes by: the time of a frame lies on the line of the last sender
// report, at the nominal rate, whatever happens between the two and wherever its clock is put; it
// can be read back from it.
TEST(Track, TheSendersClockOfAFrameIsOnTheLineOfTheLastReport) {
  constexpr uint64_t kUnixS = 1'795'234'842;
  const auto ntp = [](uint64_t unix_s) { return (unix_s + 2208988800ULL) << 32; };
  struct Report {
    size_t before_packet;
    uint64_t ntp;
    uint32_t rtp_time;
    int64_t unix_ns;
  };
  // RTP time wraps around between the first and the last packet; NTP begins its second era.
  constexpr uint32_t kFirst = 0xffffffff - 8 * 960;
  constexpr auto kNs = [](uint64_t s) { return static_cast<int64_t>(s) * 1'000'000'000; };
  const Report reports[] = {
      {5, ntp(kUnixS), kFirst - 1000, kNs(kUnixS)},
      {10, ntp(kUnixS) + (1ULL << 31), kFirst + 20 * 960, kNs(kUnixS) + 500'000'000},
      {15, ntp(2085978496 + 100), kFirst + 12 * 960, kNs(2085978496 + 100)},
      {18, ntp(kUnixS - 3600), kFirst + 18 * 960, kNs(kUnixS - 3600)},  // put back
  };
  const RtpStream stream = make_rtp("opus", {.frames = 20, .first_time = kFirst});
  ASSERT_GE(stream.packets.size(), 20u);
  Receiving receiving(stream.caps, 100);
  const uint32_t ssrc = header_of(stream.packets[0]).ssrc;
  for (size_t i = 0; i < stream.packets.size(); ++i) {
    for (const Report& r : reports) {
      if (r.before_packet == i) receiving.feed.report(ssrc, r.ntp, r.rtp_time);
    }
    receiving.feed.push(stream.packets[i]);
    ASSERT_TRUE(receiving.feed.loop.run_until(
        [&] { return receiving.feed.arrivals->packets == i + 1; }, 5s));
  }
  receiving.feed.finish();
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), stream.packets.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const Report* last = nullptr;
    for (const Report& r : reports) last = r.before_packet <= i ? &r : last;
    ASSERT_EQ(frames[i].frame.ntp_ns.has_value(), last != nullptr) << i;
    if (last == nullptr) continue;
    const auto ticks = static_cast<int32_t>(header_of(stream.packets[i]).time - last->rtp_time);
    const double line = static_cast<double>(*frames[i].frame.ntp_ns - last->unix_ns);
    EXPECT_NEAR(line, ticks * 1e9 / 48000, 2) << i;
  }
}

TEST(Track, PassesTheShortPacketsAndTheSilenceOfDtx) {
  const RtpStream stream = make_rtp("opus", {.frames = 10});
  std::vector<GRef<GstBuffer>> packets(stream.packets.begin(), stream.packets.begin() + 5);
  // Every 400 ms one packet of nothing but its TOC byte, as browsers do it.
  RtpHeader header = header_of(packets.back());
  for (int i = 0; i < 3; ++i) {
    ++header.sequence;
    header.time += 48 * 400;
    auto tiny = GRef<GstBuffer>::adopt(
        gst_buffer_copy_region(stream.packets[0].get(), GST_BUFFER_COPY_ALL, 0, 13));
    packets.push_back(with_header(tiny, header));
  }
  Receiving receiving(stream.caps);
  receiving.push_all(packets);
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 8u);
  EXPECT_EQ(frames[7].bytes.size(), 1u);
  for (const auto& kept : frames) EXPECT_FALSE(kept.frame.after_gap);
  EXPECT_EQ(frames[7].frame.rtp_time - frames[4].frame.rtp_time, 3 * 48 * 400);
}

// --- what changes in the middle

// `next` behind `first`, as one sender would go on.
std::vector<GRef<GstBuffer>> joined(const RtpStream& first, const RtpStream& next, uint32_t ssrc) {
  auto packets = first.packets;
  const RtpHeader last = header_of(packets.back());
  const RtpHeader begin = header_of(next.packets[0]);
  for (const auto& packet : next.packets) {
    RtpHeader header = header_of(packet);
    header.sequence = static_cast<uint16_t>(header.sequence - begin.sequence + last.sequence + 1);
    header.time += last.time + 3000 - begin.time;
    header.ssrc = ssrc;
    packets.push_back(with_header(packet, header));
  }
  return packets;
}

TEST(Track, ReportsANewPictureSize) {
  for (const char* codec : {"vp8", "vp9", "h264", "h265"}) {
    const RtpStream small = make_rtp(codec, {.frames = 10});
    const RtpStream large = make_rtp(codec, {.frames = 10, .width = 320, .height = 240});
    Receiving receiving(small.caps);
    receiving.push_all(joined(small, large, 4711));
    EXPECT_THAT(receiving.events.sizes, ElementsAre("160x120", "320x240")) << codec;
    EXPECT_EQ(receiving.sink.count(), 20u) << codec;
    EXPECT_EQ(receiving.track->stats().width, 320u) << codec;
    EXPECT_EQ(decoded_pictures(codec, receiving.sink.frames()).size(), 20u) << codec;
  }
}

TEST(Track, TakesAnotherSsrcForALossAndGoesOnInTime) {
  const RtpStream first = make_rtp("vp8", {.frames = 10});
  const RtpStream second = make_rtp("vp8", {.frames = 10, .ssrc = 99, .first_time = 7});
  Receiving receiving(first.caps);
  auto packets = first.packets;
  packets.insert(packets.end(), second.packets.begin(), second.packets.end());
  receiving.push_all(packets);
  EXPECT_THAT(receiving.events.ssrcs, ElementsAre(99u));
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 20u);
  EXPECT_TRUE(frames[10].frame.key);
  EXPECT_TRUE(frames[10].frame.after_gap);
  const int64_t step = frames[10].frame.rtp_time - frames[9].frame.rtp_time;
  EXPECT_GT(step, 0);
  EXPECT_LT(step, 90000 * 10);
}

// --- who gets the frames

TEST(Track, DeliversNothingUntilItIsOpen) {
  const RtpStream stream = make_rtp("vp8", {.frames = 50});
  Receiving receiving(stream.caps, -1, false);
  const size_t half = packets_before(stream, 25);
  const auto middle = stream.packets.begin() + static_cast<long>(half);
  receiving.feed.push({stream.packets.begin(), middle});
  EXPECT_TRUE(
      receiving.feed.loop.run_until([&] { return receiving.track->stats().packets == half; }, 5s));
  EXPECT_EQ(receiving.sink.count(), 0u);
  EXPECT_EQ(receiving.track->stats().frames, 0u);
  EXPECT_EQ(receiving.feed.requests, 0);
  receiving.track->open();
  receiving.push_all({middle, stream.packets.end()});
  const auto frames = receiving.sink.frames();
  ASSERT_EQ(frames.size(), 10u);
  EXPECT_TRUE(frames[0].frame.key);
  EXPECT_EQ(receiving.feed.requests, 1);
  EXPECT_EQ(receiving.events.waits, 1);
}

TEST(Track, GivesALateSinkItsFirstFrameAtAKeyFrame) {
  const RtpStream stream = make_rtp("vp8", {.frames = 30});
  KeepingSink late;  // outlives the track
  Receiving receiving(stream.caps);
  const size_t five = packets_before(stream, 5);
  const auto middle = stream.packets.begin() + static_cast<long>(five);
  receiving.feed.push({stream.packets.begin(), middle});
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.sink.count() == 5; }, 5s));
  receiving.track->add_sink(late);
  ASSERT_EQ(late.added().size(), 1u);
  receiving.push_all({middle, stream.packets.end()});
  EXPECT_EQ(receiving.sink.count(), 30u) << "the first sink does not suffer from the second";
  ASSERT_EQ(late.count(), 10u);
  EXPECT_TRUE(late.frames()[0].frame.key);
  EXPECT_EQ(receiving.feed.requests, 1) << "asked for when the sink came";
}

TEST(Track, LeavesARemovedSinkAlone) {
  const RtpStream stream = make_rtp("opus", {.frames = 20});
  Receiving receiving(stream.caps);
  KeepingSink other;
  receiving.track->add_sink(other);
  receiving.feed.push(stream.packets[0]);
  EXPECT_TRUE(receiving.feed.loop.run_until(
      [&] { return other.count() == 1 && receiving.sink.count() == 1; }, 5s));
  receiving.track->remove_sink(other);
  receiving.track->remove_sink(other);
  EXPECT_THAT(other.removed(), ElementsAre(receiving.track->info().id));
  receiving.push_all(without(stream.packets, 0));
  EXPECT_EQ(other.count(), 1u);
  EXPECT_EQ(receiving.sink.count(), stream.packets.size());
}

TEST(Track, BearsSinksThatComeAndGoWhileFramesFlow) {
  const RtpStream stream = make_rtp("pcmu", {.frames = 200});
  Receiving receiving(stream.caps);
  std::atomic<bool> done{false};
  std::thread pusher([&] {
    for (int round = 0; round < 20; ++round)
      for (const auto& packet : stream.packets) {
        RtpHeader header = header_of(packet);
        header.sequence = static_cast<uint16_t>(header.sequence + round * 200);
        header.time += static_cast<uint32_t>(round * 200 * 160);
        receiving.feed.push(with_header(packet, header));
      }
    done = true;
  });
  int rounds = 0;
  while (!done) {
    auto passing = std::make_unique<KeepingSink>();
    receiving.track->add_sink(*passing);
    receiving.settle();
    receiving.track->remove_sink(*passing);
    const size_t count = passing->count();
    receiving.settle();
    EXPECT_EQ(passing->count(), count);
    ++rounds;
  }
  pusher.join();
  receiving.feed.finish();
  EXPECT_EQ(receiving.sink.count(), 4000u);
  EXPECT_GT(rounds, 1);
}

TEST(Track, CanBeDestroyedWhileFramesFlowAndThePadGoesOn) {
  const RtpStream stream = make_rtp("vp8", {.frames = 60});
  Receiving receiving(stream.caps);
  const TrackId id = receiving.track->info().id;
  std::thread pusher([&] { receiving.feed.push(stream.packets); });
  EXPECT_TRUE(receiving.feed.loop.run_until([&] { return receiving.sink.count() > 0; }, 5s));
  receiving.track.reset();
  const size_t count = receiving.sink.count();
  EXPECT_THAT(receiving.sink.removed(), ElementsAre(id));
  pusher.join();
  receiving.feed.finish();
  EXPECT_EQ(receiving.sink.count(), count);
}

TEST(Track, SendsNoEventOnceItIsGone) {
  const RtpStream stream = make_rtp("vp8", {.frames = 10});
  Receiving receiving(stream.caps);
  receiving.feed.push(stream.packets);
  while (receiving.sink.count() < 10) std::this_thread::yield();
  receiving.track.reset();  // its event about the size is posted, but was not handled yet
  receiving.settle();
  EXPECT_TRUE(receiving.events.sizes.empty());
}

TEST(Track, AsksForAKeyFrameOnceASecondHoweverOftenItIsTold) {
  const RtpStream stream = make_rtp("vp8", {.frames = 3});
  Receiving receiving(stream.caps);
  receiving.push_all(stream.packets);
  for (int i = 0; i < 10; ++i) receiving.track->request_key_frame();
  EXPECT_EQ(receiving.feed.requests, 1);
  EXPECT_EQ(receiving.track->stats().key_frame_requests, 1u);
}

TEST(Track, OfAnUnknownCodecIsRefusedAndItsPadCanBeDiscarded) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_from_string(
      "application/x-rtp,media=video,encoding-name=AV1,clock-rate=90000,payload=45"));
  const auto info = describe_track(caps.get());
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().message, "a track of codec AV1/90000");
  Feed feed(caps);
  ASSERT_TRUE(discard_pad(feed.bin(), feed.pad.get()));
  feed.start();
  const RtpStream stream = make_rtp("vp8", {.frames = 3});
  feed.push(stream.packets);
  feed.finish();
  Seen events;
  TrackInfo av1;
  av1.codec = "av1";
  const auto refused =
      Track::create(feed.loop, Log("test"), av1, feed.bin(), feed.pad.get(), events);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
}

TEST(DescribeTrack, GivesEveryTrackAnIdOfItsOwn) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_from_string(
      "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111,"
      "ssrc=(uint)4000000000"));
  const auto one = describe_track(caps.get()), two = describe_track(caps.get());
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->id, two->id);
  EXPECT_EQ(one->codec, "opus");
  EXPECT_EQ(one->clock_rate, 48000);
  EXPECT_EQ(one->channels, 2);
  EXPECT_EQ(one->ssrc, 4000000000u);
}

}  // namespace
}  // namespace callbot::pipelines
