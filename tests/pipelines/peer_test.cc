#include "pipelines/peer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/clock.h"
#include "tests/support/loopback.h"
#include "tests/support/udp_end.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto kAudio = MediaKind::kAudio;
constexpr auto kVideo = MediaKind::kVideo;

class PeerTest : public testing::Test {
 protected:
  Loop loop;
  std::unique_ptr<TestPattern> pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};
};

TEST_F(PeerTest, TheAnswererGetsWhatTheOffererSends) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
  ASSERT_NE(link.b.track(kVideo), nullptr);
  EXPECT_EQ(link.b.track(kVideo)->codec, "vp8");
  EXPECT_EQ(link.b.track(kAudio)->codec, "opus");
  EXPECT_NE(link.b.track(kVideo)->mid, link.b.track(kAudio)->mid);
  EXPECT_EQ(link.a.connected_count, 1);
  EXPECT_EQ(link.b.connected_count, 1);
}

TEST_F(PeerTest, TheOffererGetsWhatTheAnswererSends) {
  config = {.offerer = {}, .answerer = {.source = pattern.get()}};
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_TRUE(link.flows(link.a, kVideo)) << link.log() << link.b.said[0];
  EXPECT_TRUE(link.flows(link.a, kAudio)) << link.log() << link.b.said[0];
}

TEST_F(PeerTest, BothSendAndReceiveOnTheSameMlines) {
  auto other = small_pattern(loop);
  config.answerer.source = other.get();
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  for (LoopbackEnd* end : {&link.a, &link.b})
    for (const MediaKind kind : {kAudio, kVideo}) EXPECT_TRUE(link.flows(*end, kind)) << link.log();
  EXPECT_EQ(sections(link.a.said[0]).size(), 3u) << link.a.said[0];
}

TEST_F(PeerTest, EachVideoCodecThatCanBeSentArrives) {
  for (const char* codec : {"vp8", "vp9", "h264"}) {
    auto source = small_pattern(loop, false, true, codec);
    config.offerer.source = source.get();
    Loopback link(loop, config);
    ASSERT_TRUE(link.connect()) << codec << "\n" << link.log();
    EXPECT_TRUE(link.flows(link.b, kVideo)) << codec << "\n" << link.log();
    ASSERT_NE(link.b.track(kVideo), nullptr);
    EXPECT_EQ(link.b.track(kVideo)->codec, codec);
  }
}

TEST_F(PeerTest, WithoutTrickleTheDescriptionsCarryAllCandidates) {
  config.offerer.trickles = config.answerer.trickles = false;
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  for (const LoopbackEnd* end : {&link.a, &link.b}) {
    EXPECT_THAT(end->said[0], HasSubstr("a=candidate:"));
    EXPECT_THAT(end->said[0], HasSubstr("a=end-of-candidates"));
    EXPECT_TRUE(end->local_candidates.empty());
  }
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
}

TEST_F(PeerTest, GatheringThatTakesTooLongIsNotWaitedFor) {
  const test::UdpEnd silent;  // a STUN server that never answers
  config.offerer.trickles = false;
  config.offerer.gather_deadline = 300ms;
  config.offerer.ice.servers = {{.url = "stun:" + silent.own().text()}};
  Loopback link(loop, config);
  const int64_t begin = monotonic_ns();
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return !link.a.said.empty(); })) << link.log();
  const double took_s = static_cast<double>(monotonic_ns() - begin) / 1e9;
  EXPECT_GE(took_s, 0.29);
  EXPECT_LT(took_s, 2.0);
  EXPECT_THAT(link.a.said[0], HasSubstr("127.0.0.1"));
}

TEST_F(PeerTest, TrickledCandidatesEndOnBothSides) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  for (const LoopbackEnd* end : {&link.a, &link.b}) {
    ASSERT_GE(end->local_candidates.size(), 2u);
    EXPECT_EQ(end->local_candidates.back(), "");
    EXPECT_THAT(end->log[0], testing::AnyOf("offer", "answer"));
  }
}

TEST_F(PeerTest, GathersOnTheInterfaceThatWasNamedAndNoOther) {
  config.offerer.ice.interfaces = {"lo"};
  config.answerer.ice.interfaces = {"127.0.0.1"};
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  for (const LoopbackEnd* end : {&link.a, &link.b})
    for (const std::string& candidate : end->local_candidates)
      EXPECT_THAT(candidate, testing::AnyOf("", HasSubstr(" 127.0.0.1 "), HasSubstr(" ::1 ")));
}

TEST_F(PeerTest, OfferPutsAudioFirstAndRejectsNothing) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  const auto parts = sections(link.a.said[0]);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_THAT(parts[1], testing::StartsWith("m=audio 9 "));
  EXPECT_THAT(parts[2], testing::StartsWith("m=video 9 "));
  EXPECT_THAT(link.a.said[0], Not(HasSubstr("bundle-only")));
  for (const size_t i : {1, 2}) EXPECT_THAT(parts[i], HasSubstr("a=msid:"));
}

TEST_F(PeerTest, OffersToReceiveEveryCodecOfTheTable) {
  config = {};
  Loopback link(loop, config);
  link.a.peer->negotiate();
  ASSERT_TRUE(link.run_until([&] { return !link.a.said.empty(); }));
  for (const char* codec : {"OPUS/48000/2", "PCMU/8000", "PCMA/8000", "G722/8000", "VP8/90000",
                            "VP9/90000", "H264/90000"})
    EXPECT_THAT(link.a.said[0], HasSubstr(codec));
  EXPECT_THAT(link.a.said[0], HasSubstr("a=recvonly"));
}

TEST_F(PeerTest, AnswersWithTheExtensionIdsOfTheOffer) {
  Loopback link(loop, config);
  link.a.munge = [](std::string sdp) {
    sdp = replaced(sdp, "a=extmap:2 ", "a=extmap:7 ");
    return replaced(sdp, "a=extmap:4 ", "a=extmap:12 ");
  };
  ASSERT_TRUE(link.connect()) << link.log();
  const auto parts = sections(link.b.said[0]);
  ASSERT_EQ(parts.size(), 3u);
  for (const size_t i : {1, 2}) {
    EXPECT_THAT(parts[i], HasSubstr("a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat"));
    EXPECT_THAT(parts[i], HasSubstr("transport-cc"));
    EXPECT_THAT(parts[i], HasSubstr("abs-capture-time"));
    EXPECT_THAT(parts[i], HasSubstr("a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid"));
  }
  EXPECT_THAT(parts[1], HasSubstr("a=extmap:12 urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
}

TEST_F(PeerTest, AnswersOneCodecTheOneItLikesBest) {
  config = {};
  auto source = small_pattern(loop, false, true, "vp8");
  config.offerer.receive_codecs = {"opus", "vp8", "vp9", "h264"};
  config.answerer.receive_codecs = {"opus", "vp9", "vp8"};
  Loopback link(loop, config);
  link.a.munge = [](std::string sdp) { return replaced(sdp, "a=recvonly", "a=sendrecv"); };
  ASSERT_TRUE(link.connect()) << link.log();
  const auto parts = sections(link.b.said[0]);
  EXPECT_THAT(parts[2], HasSubstr("VP9/90000"));
  EXPECT_THAT(parts[2], Not(HasSubstr("VP8/90000")));
  EXPECT_THAT(parts[2], Not(HasSubstr("H264/90000")));
}

TEST_F(PeerTest, AnswersWithTheOfferersFirstCodecWithoutAWishOfItsOwn) {
  config = {};
  config.offerer.receive_codecs = {"opus", "h264", "vp9", "vp8"};
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  const auto parts = sections(link.b.said[0]);
  EXPECT_THAT(parts[2], HasSubstr("H264/90000"));
  EXPECT_THAT(parts[2], Not(HasSubstr("VP8/90000")));
}

TEST_F(PeerTest, OffersTheSsrcOfEveryStreamAndNoRtxOfAudio) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  const auto parts = sections(link.a.said[0]);
  EXPECT_THAT(parts[1], HasSubstr("m=audio"));
  EXPECT_THAT(parts[1], HasSubstr("a=ssrc:"));
  EXPECT_THAT(parts[1], Not(HasSubstr("a=ssrc-group:FID")));
  EXPECT_THAT(parts[2], HasSubstr("a=ssrc:"));
  EXPECT_THAT(parts[2], HasSubstr("a=ssrc-group:FID"));
}

// Holds back all that appsrcs of this process push, as a busy machine does, while it lives.
class HeldBack {
 public:
  HeldBack() : hook_(g_signal_add_emission_hook(signal(), 0, added, this, nullptr)) {}
  ~HeldBack() {
    g_signal_remove_emission_hook(signal(), hook_);
    for (const auto& [pad, probe] : held_) gst_pad_remove_probe(pad.get(), probe);
  }
  HeldBack(const HeldBack&) = delete;
  HeldBack& operator=(const HeldBack&) = delete;
  size_t count() const { return held_.size(); }

 private:
  static guint signal() { return g_signal_lookup("element-added", GST_TYPE_BIN); }
  static gboolean added(GSignalInvocationHint*, guint, const GValue* values, gpointer self) {
    auto* element = GST_ELEMENT(g_value_get_object(values + 1));
    if (G_OBJECT_TYPE_NAME(element) != std::string_view("GstAppSrc")) return TRUE;
    auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
    const gulong probe = gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, [](auto...) { return GST_PAD_PROBE_OK; },
        nullptr, nullptr);
    static_cast<HeldBack*>(self)->held_.emplace_back(std::move(pad), probe);
    return TRUE;
  }
  gulong hook_;
  std::vector<std::pair<GRef<GstPad>, gulong>> held_;
};

// Chromium drops all packets of an m-line that names another SSRC than theirs, and webrtcbin names
// that of the RTP caps it got so far: none, and 0 for its repair stream, where it got none (1.22 as
// well as its newest source).
TEST_F(PeerTest, AnswersWithTheSsrcOfStreamsBeforeTheirCapsCome) {
  const auto answering = small_pattern(loop);
  config.answerer.source = answering.get();
  auto held = std::make_optional<HeldBack>();
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_GE(held->count(), 2U);
  const auto parts = sections(link.b.said[0]);
  for (const SourceStream& stream : answering->streams()) {
    guint ssrc = 0;
    ASSERT_TRUE(
        gst_structure_get_uint(gst_caps_get_structure(stream.caps.get(), 0), "ssrc", &ssrc));
    const bool video = stream.kind == kVideo;
    const std::string& part = parts[video ? 2 : 1];
    EXPECT_THAT(part, HasSubstr("a=ssrc:" + std::to_string(ssrc) + " "));
    if (!video) continue;
    EXPECT_THAT(part, HasSubstr("a=ssrc-group:FID " + std::to_string(ssrc) + " "));
  }
  held.reset();
  EXPECT_TRUE(link.flows(link.a, kVideo)) << link.log();
  EXPECT_TRUE(link.flows(link.a, kAudio)) << link.log();
}

TEST_F(PeerTest, RejectsVideoWhereItIsNotWanted) {
  config.answerer.receive_video = false;
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(link.b.said[0], HasSubstr("m=video 0 "));
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
  link.run_for(500ms);
  EXPECT_EQ(link.b.track(kVideo), nullptr);
}

TEST_F(PeerTest, GetsNoSoundWhereItIsNotWanted) {
  config.answerer.receive_audio = false;
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(sections(link.b.said[0])[1], HasSubstr("a=inactive"));
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.run_for(500ms);
  EXPECT_EQ(link.b.track(kAudio), nullptr);
}

TEST_F(PeerTest, AnswersInactiveWhereItDoesNotReceive) {
  config.answerer.receives = false;
  config.offerer.receives = false;
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  EXPECT_THAT(link.b.said[0], HasSubstr("a=inactive"));
  EXPECT_THAT(link.b.said[0], Not(HasSubstr("a=recvonly")));
  link.run_for(500ms);
  EXPECT_EQ(link.a.peer->stats().packets_sent, 0u);
}

TEST_F(PeerTest, RefusesACodecThatDoesNotExist) {
  config.answerer.receive_codecs = {"vp8", "theora"};
  LoopbackEnd events;
  const auto peer = Peer::create(loop, Log("x"), config.answerer, events);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().code, Code::kUsage);
  EXPECT_THAT(peer.error().message, HasSubstr("theora"));
}

// --- times

TEST_F(PeerTest, SenderReportsMapRtpToTheSendersClock) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  const auto with_time = [&](MediaKind kind) -> std::optional<CountingSink::Seen> {
    for (const auto& [id, seen] : link.b.sink.seen())
      if (seen.info.kind == kind && seen.last_ntp_ns) return seen;
    return std::nullopt;
  };
  ASSERT_TRUE(link.run_until([&] { return with_time(kAudio) && with_time(kVideo); })) << link.log();
  const int64_t wall_minus_monotonic = wall_ns() - monotonic_ns();
  const auto first = with_time(kVideo);
  link.run_for(8s);
  for (const MediaKind kind : {kAudio, kVideo}) {
    const auto now = with_time(kind);
    const int64_t arrived_at = now->last_arrival_ns + wall_minus_monotonic;
    // On one machine a frame arrives when it was made, give or take encoding and the clock.
    EXPECT_LT(std::abs(*now->last_ntp_ns - arrived_at), 250'000'000) << name_of(kind);
  }
  const auto last = with_time(kVideo);
  const double by_ntp = static_cast<double>(*last->last_ntp_ns - *first->last_ntp_ns) / 1e9;
  const double by_rtp = static_cast<double>(last->last_rtp_time - first->last_rtp_time) / 90000;
  EXPECT_NEAR(by_ntp, by_rtp, 0.05);
  EXPECT_GT(by_rtp, 7.0);
}

TEST_F(PeerTest, LosesNoFrameWhileTheLoopIsBusyWhenTheTrackAppears) {
  Loopback link(loop, config);
  link.b.on_connected = [] { g_usleep(700'000); };
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo, 60)) << link.log();
  const auto stats = link.b.peer->stats();
  for (const TrackStats& track : stats.tracks) {
    EXPECT_EQ(track.packets_lost, 0);
    EXPECT_EQ(track.frames_gated, 0u);
  }
  for (const auto& [id, seen] : link.b.sink.seen()) EXPECT_EQ(seen.gaps, 0u);
}

// --- loss

TEST_F(PeerTest, RetransmissionMendsFivePercentLoss) {
  network::Link line;
  Loopback link(loop, config);
  link.route(line);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  const uint64_t received = link.b.sink.frames(kVideo), sent = pattern->stats().video.encoded;
  line.set({.up = {.loss = 0.05, .loss_of = {network::PacketKind::kRtp}}});
  link.run_for(8s);
  line.set({});
  link.run_for(1s);
  const uint64_t lost = line.stats().up.truth.dropped_all();
  ASSERT_GT(lost, 10u);
  const double share = static_cast<double>(link.b.sink.frames(kVideo) - received) /
                       static_cast<double>(pattern->stats().video.encoded - sent);
  std::string told;
  for (const TrackStats& t : link.b.peer->stats().tracks)
    told += fmt::format("packets {} lost {} repaired {} frames {} gated {} waited {} s, PLI {}\n",
                        t.packets, t.packets_lost, t.packets_repaired, t.frames, t.frames_gated,
                        t.key_frame_wait_s, t.key_frame_requests);
  EXPECT_GT(share, 0.97) << told << "the line lost " << lost;
  int64_t repaired = 0;
  for (const TrackStats& track : link.b.peer->stats().tracks) repaired += track.packets_repaired;
  EXPECT_GT(repaired, 10);
}

TEST_F(PeerTest, AsksForAKeyFrameAtMostOnceASecond) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  const TrackId video = link.b.track(kVideo)->id;
  const uint64_t keys = pattern->stats().video.key_frames;
  const auto asked = [&] {
    for (const TrackStats& track : link.b.peer->stats().tracks)
      if (track.track == video) return track.key_frame_requests;
    return uint64_t{0};
  };
  const uint64_t before = asked();
  for (int i = 0; i < 20; ++i) {
    link.b.peer->request_key_frame(video);
    link.run_for(100ms);
  }
  EXPECT_GE(asked() - before, 1u);
  EXPECT_LE(asked() - before, 3u);
  EXPECT_GT(pattern->stats().video.key_frames, keys) << "the source was not asked";
}

// --- another SSRC

// A source whose video comes with another SSRC when it is told to, as after a camera was exchanged.
class ChangingSource final : public Source {
 public:
  explicit ChangingSource(Source& source) : source_(source) {}
  // With a key frame, as an encoder begins.
  void change() {
    changed_ = true;
    for (size_t i = 0; i < streams().size(); ++i)
      if (streams()[i].kind == kVideo) request_key_frame(i);
  }

  const std::vector<SourceStream>& streams() const override { return source_.streams(); }
  Result<> start() override { return source_.start(); }
  TapId attach(size_t stream, Tap tap) override {
    const bool video = streams()[stream].kind == kVideo;
    return source_.attach(stream, [this, video, tap](const GRef<GstBuffer>& packet) {
      auto copy = GRef<GstBuffer>::adopt(gst_buffer_copy_deep(packet.get()));
      constexpr guint8 kOther[] = {1, 2, 3, 4};
      constexpr gsize kSsrcAt = 8;  // RFC 3550, 5.1
      if (video && changed_) gst_buffer_fill(copy.get(), kSsrcAt, kOther, sizeof kOther);
      tap(copy);
    });
  }
  void detach(size_t stream, TapId tap) override { source_.detach(stream, tap); }
  void request_key_frame(size_t stream) override { source_.request_key_frame(stream); }
  void on_end(std::function<void(Result<>)> ended) override { source_.on_end(std::move(ended)); }

 private:
  Source& source_;
  std::atomic<bool> changed_{false};
};

TEST_F(PeerTest, AnotherSsrcOnTheSameMlineIsAnotherTrackAndEndsTheOne) {
  ChangingSource source(*pattern);
  config.offerer.source = &source;
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  const TrackInfo before = *link.b.track(kVideo);
  source.change();
  ASSERT_TRUE(link.run_until([&] { return link.b.track(kVideo)->id != before.id; })) << link.log();
  const TrackInfo after = *link.b.track(kVideo);
  EXPECT_EQ(after.ssrc, 0x01020304u);
  EXPECT_EQ(after.mid, before.mid);
  EXPECT_EQ(link.b.removed, std::vector<TrackId>{before.id});
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_TRUE(link.flows(link.b, kAudio)) << link.log();
}

// --- sending

TEST_F(PeerTest, StopsSendingAtOnceAndGoesOnLater) {
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo)) << link.log();
  link.a.peer->set_sending(kVideo, false);
  link.a.peer->set_sending(kAudio, false);
  const uint64_t sent = link.a.peer->stats().packets_sent;
  link.run_for(500ms);
  EXPECT_EQ(link.a.peer->stats().packets_sent, sent);
  link.a.peer->set_sending(kVideo, true);
  EXPECT_TRUE(link.flows(link.b, kVideo)) << link.log();
  EXPECT_EQ(link.a.peer->stats().packets_sent > sent, true);
}

TEST_F(PeerTest, StatsSayWhatIsKnown) {
  Loopback link(loop, config);
  EXPECT_EQ(link.b.peer->stats().connection_state, "new");
  EXPECT_EQ(link.b.peer->stats().selected_pair, "");
  ASSERT_TRUE(link.connect()) << link.log();
  ASSERT_TRUE(link.flows(link.b, kVideo, 40)) << link.log();
  const PeerStats stats = link.b.peer->stats();
  EXPECT_EQ(stats.connection_state, "connected");
  EXPECT_THAT(stats.selected_pair, HasSubstr("host 127.0.0.1:"));
  EXPECT_THAT(stats.selected_pair, HasSubstr(" -> "));
  ASSERT_EQ(stats.tracks.size(), 2u);
  for (const TrackStats& track : stats.tracks) {
    EXPECT_GT(track.packets, 0u);
    EXPECT_GT(track.bytes, 0u);
    EXPECT_EQ(track.packets_lost, 0);
    EXPECT_GE(track.jitter_s, 0);
    EXPECT_LT(monotonic_ns() - track.last_packet_ns, 1'000'000'000);
  }
}

}  // namespace
}  // namespace callbot::pipelines
