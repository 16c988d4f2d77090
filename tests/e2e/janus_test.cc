// The program's own verbs in a VideoRoom of a real Janus: senders, a recorder, and what is
// recorded.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "signaling/tls_auto.h"
#include "tests/support/call_room.h"
#include "tests/support/janus_process.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

using testing::HasSubstr;

class JanusCall : public test::CallRoom {
 protected:
  void SetUp() override {
    if (const auto why = test::JanusProcess::unusable(); !why.empty()) GTEST_SKIP() << why;
    ASSERT_TRUE(test::JanusProcess::installed()) << test::JanusProcess::kHowTo;
    tick_.every(10ms, [this] {
      const int64_t now = monotonic_ns();
      longest_wait_ = std::max(longest_wait_, std::chrono::nanoseconds(now - last_tick_ns_));
      last_tick_ns_ = now;
    });
  }
  void serve(test::JanusSetup setup = {}) {
    auto janus = test::JanusProcess::start(loop_, std::move(setup));
    ASSERT_TRUE(janus) << janus.error().message;
    janus_ = std::move(*janus);
  }
  SendOptions sender(const std::string& name, const std::string& query = "room=1234") {
    SendOptions options = small(name);
    options.join.url = janus_->room_url(query);
    return options;
  }
  RecordOptions recorder(const std::string& query = "room=1234") {
    RecordOptions options = into_folder();
    options.join.url = janus_->room_url(query);
    return options;
  }
  // Until this many frames more are in every live track.
  bool go_on(Recorder& recorder, uint64_t frames) {
    std::map<TrackId, uint64_t> before;
    for (const auto& track : recorder.record->stats().tracks)
      if (track.live) before[track.info.id] = track.frames;
    return loop_.run_until(
        [&] {
          size_t enough = 0;
          for (const auto& track : recorder.record->stats().tracks)
            enough +=
                before.contains(track.info.id) && track.frames >= before[track.info.id] + frames;
          return enough == before.size() || recorder.done;
        },
        kPatience);
  }
  // The recording is good. Where the machine let us wait too long to send or take media in time,
  // what follows from that is nobody's fault; everything else still is.
  void expect_good(const Record::Done& done) {
    ASSERT_TRUE(done.verdict) << text(done);
    const bool starved = longest_wait_ > kStarved;
    for (const auto& finding : done.verdict->findings) {
      // Janus writes sender reports of its own, from when it relayed a packet: the offset between
      // sound and picture is the relay's then, not the recording's.
      const bool excused =
          finding.code == "av-offset" || (starved && kOfStarvation.contains(finding.code));
      EXPECT_TRUE(excused) << finding.code << ", longest wait " << longest_wait_.count() / 1000000
                           << " ms\n"
                           << text(done);
    }
    for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.undecodable, 0U) << text(done);
  }
  static std::set<std::string> codecs(const Record::Done& done) {
    std::set<std::string> all;
    for (const auto& track : done.verdict->tracks) all.insert(track.codec);
    return all;
  }

  static constexpr std::chrono::milliseconds kStarved{150};
  inline static const std::set<std::string> kOfStarvation = {"gap",    "coverage", "frames-missing",
                                                             "freeze", "silence",  "frames-late"};

  std::unique_ptr<test::JanusProcess> janus_;
  std::chrono::nanoseconds longest_wait_{0};  // of a timer of 10 ms
  int64_t last_tick_ns_ = monotonic_ns();
  Timer tick_;
};

TEST_F(JanusCall, TwoSendersAreRecordedWholeOverOnePeerConnection) {
  serve();
  start(sender("alice"));
  start(sender("bob"));
  auto& recording = start(recorder());
  ASSERT_TRUE(tracks(recording, 4));
  ASSERT_TRUE(go_on(recording, 60));
  const auto& done = stopped(recording);
  expect_good(done);
  EXPECT_TRUE(fs::exists(done.folder / "media" / "alice-1.mkv")) << text(done);
  EXPECT_TRUE(fs::exists(done.folder / "media" / "bob-1.mkv"));
  EXPECT_EQ(codecs(done), (std::set<std::string>{"opus", "vp8"}));
}

class JanusCodec : public JanusCall, public testing::WithParamInterface<const char*> {};

TEST_P(JanusCodec, IsPublishedAndRecorded) {
  serve({.rooms = "room-1234: { publishers = 5 videocodec = \"vp8,vp9,h264\" }"});
  auto options = sender("alice");
  options.codec = GetParam();
  start(options);
  auto& recording = start(recorder());
  ASSERT_TRUE(tracks(recording, 2));
  ASSERT_TRUE(go_on(recording, 45));
  const auto& done = stopped(recording);
  expect_good(done);
  EXPECT_EQ(codecs(done), (std::set<std::string>{"opus", GetParam()}));
}

INSTANTIATE_TEST_SUITE_P(Codecs, JanusCodec, testing::Values("vp9", "h264"),
                         [](const auto& codec) { return std::string(codec.param); });

TEST_F(JanusCall, FeedsComeAndGoWhileTheOthersGoOn) {
  serve();
  auto& alice = start(sender("alice"));
  auto& recording = start(recorder());
  ASSERT_TRUE(tracks(recording, 2));
  start(sender("bob"));
  ASSERT_TRUE(tracks(recording, 4));
  ASSERT_TRUE(go_on(recording, 30));
  ASSERT_TRUE(left(alice));
  ASSERT_TRUE(tracks(recording, 2));
  start(sender("carol"));  // takes alice's places in the subscription
  ASSERT_TRUE(tracks(recording, 4));
  ASSERT_TRUE(go_on(recording, 30));
  const auto& done = stopped(recording);
  expect_good(done);
  for (const char* name : {"alice", "bob", "carol"})
    EXPECT_TRUE(fs::exists(done.folder / "media" / (std::string(name) + "-1.mkv"))) << name;
  EXPECT_FALSE(fs::exists(done.folder / "media" / "bob-2.mkv")) << "bob never stopped";
}

TEST_F(JanusCall, AudioOnlySubscribesToNoVideo) {
  serve();
  start(sender("alice"));
  auto options = recorder();
  options.audio_only = true;
  auto& recording = start(options);
  ASSERT_TRUE(tracks(recording, 1));
  ASSERT_TRUE(go_on(recording, 60));
  const auto& done = stopped(recording);
  expect_good(done);
  EXPECT_EQ(codecs(done), std::set<std::string>{"opus"});
}

TEST_F(JanusCall, TheRoomIsEmptyForAWhile) {
  serve();
  auto& alice = start(sender("alice"));
  auto& recording = start(recorder());
  ASSERT_TRUE(tracks(recording, 2));
  ASSERT_TRUE(left(alice));
  ASSERT_TRUE(tracks(recording, 0));
  start(sender("bob"));
  ASSERT_TRUE(tracks(recording, 2));
  const auto& done = stopped(recording);
  expect_good(done);
}

TEST_F(JanusCall, AKilledAndRestartedServerIsComeBackTo) {
  serve();
  start(sender("alice"));
  auto& recording = start(recorder());
  ASSERT_TRUE(tracks(recording, 2));
  ASSERT_TRUE(go_on(recording, 30));
  janus_->kill();
  ASSERT_TRUE(janus_->run());
  // The old tracks end, new ones come: every peer connection was the server's.
  ASSERT_TRUE(loop_.run_until(
      [&] {
        size_t fresh = 0;
        const auto stats = recording.record->stats();
        for (size_t i = 2; i < stats.tracks.size(); ++i)
          fresh += stats.tracks[i].live && stats.tracks[i].frames > 30;
        return fresh == 2 || recording.done;
      },
      kPatience));
  const auto& done = stopped(recording);
  ASSERT_TRUE(done.verdict) << text(done);
  for (const auto& finding : done.verdict->findings)
    EXPECT_NE(finding.code, "undecodable") << text(done);
  for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.name, "alice") << text(done);
}

TEST_F(JanusCall, PinSecretAndTls) {
  const auto certificate = signaling::auto_certificate(folder_.path() / "tls", {"127.0.0.1"});
  ASSERT_TRUE(certificate) << certificate.error().message;
  serve({.rooms = "room-5: { publishers = 1 pin = \"4711\" }",
         .general = "api_secret = \"s3cret\"",
         .tls = true,
         .cert_file = certificate->cert_file,
         .key_file = certificate->key_file});
  auto options = sender("alice", "room=5&secret=s3cret&pin=4711");
  options.join.ca_file = certificate->ca_file;
  const auto refusal = [&](SendOptions refused) {
    auto& one = start(std::move(refused));
    EXPECT_TRUE(loop_.run_until([&] { return one.done.has_value(); }, kPatience));
    EXPECT_EQ(one.done->status, kExitConnect);
    return one.done->error ? one.done->error->message : std::string();
  };
  // Before anybody trusts it: a TLS session that was begun is resumed without a second look.
  auto untrusted = options;
  untrusted.join.ca_file.clear();
  EXPECT_THAT(refusal(untrusted), HasSubstr("--ca"));
  start(options);
  auto with_token = recorder("room=5&secret=s3cret");
  with_token.join.ca_file = certificate->ca_file;
  with_token.join.token = "4711";
  auto& recording = start(with_token);
  ASSERT_TRUE(tracks(recording, 2));

  auto no_pin = options;
  no_pin.join.url = janus_->room_url("room=5&secret=s3cret");
  EXPECT_THAT(refusal(no_pin), HasSubstr("pin"));
  auto no_secret = options;
  no_secret.join.url = janus_->room_url("room=5&pin=4711");
  EXPECT_THAT(refusal(no_secret), HasSubstr("secret"));
  EXPECT_THAT(refusal(options), HasSubstr("no place")) << "the room takes one that sends";
  ASSERT_TRUE(go_on(recording, 10)) << "the others go on";
  expect_good(stopped(recording));
}

}  // namespace
}  // namespace callbot::bot
