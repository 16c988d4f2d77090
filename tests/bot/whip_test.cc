#include "bot/whip.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/files.h"
#include "recordings/verify.h"
#include "signaling/http.h"
#include "tests/support/loopback.h"
#include "tests/support/media_on_disk.h"
#include "tests/support/recorded.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using pipelines::Peer;
using signaling::HttpCall;
using signaling::HttpReply;
using test::Recorded;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::chrono::milliseconds kPatience{60000};

// A publisher as OBS is one: offers once, with all its candidates.
class Publisher final : public pipelines::PeerEvents {
 public:
  Publisher(Loop& loop, pipelines::Source& source) {
    pipelines::PeerConfig config;
    config.name = "publisher";
    config.offers = true;
    config.trickles = false;
    config.receives = false;
    config.source = &source;
    auto made = Peer::create(loop, Log("publisher"), config, *this);
    EXPECT_TRUE(made);
    peer = std::move(*made);
    peer->negotiate();
    EXPECT_TRUE(loop.run_until([&] { return !offer.empty() || failure; }, kPatience));
  }

  std::string offer;
  bool is_connected = false;
  std::optional<Error> failure;
  std::unique_ptr<Peer> peer;

 private:
  void local_description(bool, const std::string& sdp) override { offer = sdp; }
  void local_candidate(uint32_t, const std::string&, const std::string&) override {}
  void connected() override { is_connected = true; }
  void track_added(const TrackInfo&) override {}
  void track_removed(TrackId) override {}
  void key_frame_wait(TrackId) override {}
  void key_frame_found(TrackId, std::chrono::nanoseconds) override {}
  void size_changed(TrackId, uint32_t, uint32_t) override {}
  void channel_opened(pipelines::ChannelId, const std::string&) override {}
  void channel_message(pipelines::ChannelId, bool, std::string) override {}
  void channel_closed(pipelines::ChannelId) override {}
  void needs_negotiation() override {}
  void failed(const Error& error) override { failure = error; }
};

class WhipTest : public testing::Test {
 protected:
  void SetUp() override { serve({.out = folder_.path()}); }

  void serve(WhipConfig config) {
    whip_.reset();
    http_ = std::move(*signaling::HttpServer::create(loop_, Log("http"), {}));
    whip_ = std::make_unique<Whip>(loop_, console_, *http_, std::move(config), uint64_t{1} << 40);
  }
  HttpReply call(HttpCall what, const std::string& path = "/whip") {
    what.url = http_->url() + path;
    what.deadline = kPatience;
    std::optional<Result<HttpReply>> reply;
    client_.call(std::move(what), [&](auto r) { reply = std::move(r); });
    EXPECT_TRUE(loop_.run_until([&] { return reply.has_value(); }, kPatience));
    if (!reply || !*reply) {
      ADD_FAILURE() << (reply ? reply->error().message : "no reply");
      return {};
    }
    return **reply;
  }
  HttpReply post(const std::string& sdp, const std::string& token = "") {
    return call(
        {.method = "POST", .content_type = "application/sdp", .body = sdp, .bearer = token});
  }
  HttpReply remove(const std::string& location, const std::string& token = "") {
    return call({.method = "DELETE", .bearer = token}, location);
  }
  std::unique_ptr<Publisher> publish(std::string* location) {
    auto publisher = std::make_unique<Publisher>(loop_, *pattern_);
    const HttpReply reply = post(publisher->offer);
    EXPECT_EQ(reply.status, 201) << reply.body;
    *location = reply.header("location");
    publisher->peer->remote_description(false, reply.body);
    EXPECT_TRUE(
        loop_.run_until([&] { return publisher->is_connected || publisher->failure; }, kPatience));
    EXPECT_FALSE(publisher->failure) << publisher->failure->message;
    return publisher;
  }
  bool until_recorded(const fs::path& folder, uintmax_t bytes) {
    return loop_.run_until([&] { return test::media_on_disk(folder, "publisher") >= bytes; },
                           kPatience);
  }
  bool all_ended() {
    return loop_.run_until([&] { return whip_->sessions() == 0; }, kPatience);
  }
  std::vector<fs::path> folders() const {
    return {fs::directory_iterator(folder_.path()), fs::directory_iterator()};
  }

  Loop loop_;
  Console console_{false};
  test::TempFolder folder_;
  std::unique_ptr<pipelines::TestPattern> pattern_ = pipelines::small_pattern(loop_);
  std::unique_ptr<signaling::HttpServer> http_;
  std::unique_ptr<Whip> whip_;
  signaling::HttpClient client_{loop_, {}};
};

constexpr uintmax_t kSomeMedia = 100'000;  // bytes

void expect_whole(const fs::path& folder, const std::string& reason) {
  const auto verdict = recordings::verify(folder);
  ASSERT_TRUE(verdict) << verdict.error().message;
  ASSERT_EQ(verdict->tracks.size(), 2u);
  for (const auto& track : verdict->tracks) {
    EXPECT_GT(track.frames, 20u) << track.media;
    EXPECT_EQ(track.marks_missing, 0u) << recordings::to_text(*verdict);
  }
  const Recorded recorded(folder);
  EXPECT_EQ(recorded.manifest.state, "finished");
  EXPECT_EQ(recorded.manifest.ending->reason, reason);
  EXPECT_EQ(recorded.manifest.facts.protocol, "whip");
}

TEST_F(WhipTest, RecordsWhatIsPublishedUntilItIsDeleted) {
  std::string location;
  const auto publisher = publish(&location);
  EXPECT_THAT(location, StartsWith("/whip/"));
  ASSERT_EQ(folders().size(), 1u);
  ASSERT_TRUE(until_recorded(folders()[0], kSomeMedia));
  EXPECT_EQ(remove(location).status, 200);
  ASSERT_TRUE(all_ended());
  expect_whole(folders()[0], "stopped");
  EXPECT_EQ(remove(location).status, 404) << "it is gone";
}

TEST_F(WhipTest, JudgesEachRecordingAndSaysSo) {
  testing::internal::CaptureStdout();
  std::string location;
  const auto publisher = publish(&location);
  const bool recorded = until_recorded(folders()[0], kSomeMedia);
  remove(location);
  const bool ended = all_ended();
  const std::string said = testing::internal::GetCapturedStdout();
  ASSERT_TRUE(recorded && ended) << said;
  EXPECT_THAT(said, HasSubstr("whip-end"));
  const auto verdict = recordings::verify(folders()[0]);
  ASSERT_TRUE(verdict);
  EXPECT_THAT(said, HasSubstr(folders()[0].string() + ": " + name_of(verdict->severity)));
}

TEST_F(WhipTest, APublisherThatVanishesEndsItsOwnRecordingAlone) {
  std::string lost_location, kept_location;
  auto lost = publish(&lost_location);
  const fs::path lost_folder = folders()[0];
  const auto kept = publish(&kept_location);
  ASSERT_EQ(folders().size(), 2u);
  const fs::path kept_folder = folders()[0] == lost_folder ? folders()[1] : folders()[0];
  ASSERT_TRUE(until_recorded(lost_folder, kSomeMedia));
  lost.reset();  // without DELETE
  ASSERT_TRUE(loop_.run_until([&] { return whip_->sessions() == 1; }, kPatience));
  EXPECT_EQ(Recorded(lost_folder).manifest.ending->reason, "peer-lost");
  ASSERT_TRUE(until_recorded(kept_folder, kSomeMedia));
  EXPECT_EQ(remove(kept_location).status, 200);
  ASSERT_TRUE(all_ended());
  expect_whole(kept_folder, "stopped");
}

TEST_F(WhipTest, StopEndsEveryRecordingAndTakesNoMore) {
  std::string location;
  const auto publisher = publish(&location);
  ASSERT_TRUE(until_recorded(folders()[0], kSomeMedia));
  bool stopped = false;
  whip_->stop([&] { stopped = true; });
  EXPECT_EQ(post(publisher->offer).status, 503);
  ASSERT_TRUE(loop_.run_until([&] { return stopped; }, kPatience));
  expect_whole(folders()[0], "stopped");
  EXPECT_EQ(post(publisher->offer).status, 503) << "with no session left, too";
  EXPECT_EQ(folders().size(), 1u);
}

TEST_F(WhipTest, RefusesWhatIsNoOfferAndLeavesNothingOfItOnDisk) {
  const Publisher publisher(loop_, *pattern_);
  const std::string& offer = publisher.offer;
  const struct {
    const char* name;
    HttpCall call;
    int status;
    const char* says;
  } cases[] = {
      {"no content type", {.method = "POST", .body = offer}, 415, "application/sdp"},
      {"JSON", {.method = "POST", .content_type = "application/json", .body = "{}"}, 415, "sdp"},
      {"another type that begins so",
       {.method = "POST", .content_type = "application/sdpfrag", .body = offer},
       415,
       "application/sdp"},
      {"nothing", {.method = "POST", .content_type = "application/sdp"}, 400, "SDP"},
      {"garbage",
       {.method = "POST", .content_type = "application/sdp", .body = "hello\x01\xff world"},
       400,
       "SDP"},
      {"1 MB of one line",
       {.method = "POST", .content_type = "application/sdp", .body = std::string(1'000'000, 'x')},
       400,
       "SDP"},
      {"more than the server takes",
       {.method = "POST",
        .content_type = "application/sdp",
        .body = offer + std::string(2u << 20, 'x')},
       413,
       ""},
      {"without a fingerprint",
       {.method = "POST",
        .content_type = "application/sdp",
        .body = pipelines::without_lines(offer, "a=fingerprint")},
       400,
       "fingerprint"},
      {"read", {.method = "GET"}, 405, ""},
  };
  for (const auto& one : cases) {
    const HttpReply reply = call(one.call);
    EXPECT_EQ(reply.status, one.status) << one.name << ": " << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(one.says)) << one.name;
    EXPECT_TRUE(all_ended()) << one.name;
  }
  EXPECT_EQ(folders().size(), 0u);
  EXPECT_EQ(remove("/whip/1-0000000000000000").status, 404);
  std::string location;
  publish(&location);
  EXPECT_EQ(remove(location).status, 200) << "and it still takes what is one";
}

TEST_F(WhipTest, TakesTheContentTypeInAnyCaseAndWithParameters) {
  const Publisher publisher(loop_, *pattern_);
  const HttpReply reply = call({.method = "POST",
                                .content_type = "Application/SDP; charset=utf-8",
                                .body = publisher.offer});
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.header("content-type"), "application/sdp");
  remove(reply.header("location"));
  EXPECT_TRUE(all_ended());
}

TEST_F(WhipTest, ATokenIsAskedForWhateverIsWanted) {
  serve({.out = folder_.path(), .token = "open sesame"});
  const Publisher publisher(loop_, *pattern_);
  for (const char* token : {"", "wrong", "open sesam", "open sesame!"}) {
    const HttpReply reply = post(publisher.offer, token);
    EXPECT_EQ(reply.status, 401) << token;
    EXPECT_EQ(reply.header("www-authenticate"), "Bearer");
    EXPECT_THAT(reply.body, HasSubstr("Bearer TOKEN"));
    EXPECT_EQ(remove("/whip/1", token).status, 401) << token;
  }
  const HttpReply reply = post(publisher.offer, "open sesame");
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(remove(reply.header("location")).status, 401);
  EXPECT_EQ(whip_->sessions(), 1u);
  EXPECT_EQ(remove(reply.header("location"), "open sesame").status, 200);
  EXPECT_TRUE(all_ended());
}

TEST_F(WhipTest, ThereIsAnEndToTheSessions) {
  serve({.out = folder_.path(), .most_sessions = 1});
  const Publisher publisher(loop_, *pattern_);
  const HttpReply first = post(publisher.offer);
  ASSERT_EQ(first.status, 201) << first.body;
  const HttpReply second = post(publisher.offer);
  EXPECT_EQ(second.status, 503);
  EXPECT_THAT(second.body, HasSubstr("1 session is all there can be"));
  remove(first.header("location"));
  ASSERT_TRUE(all_ended());
  const HttpReply third = post(publisher.offer);
  EXPECT_EQ(third.status, 201) << third.body;
  remove(third.header("location"));
  EXPECT_TRUE(all_ended());
}

TEST_F(WhipTest, AFolderThatCannotBeMadeIsSaid) {
  std::ofstream(folder_.path() / "file") << "x";
  serve({.out = folder_.path() / "file"});
  const Publisher publisher(loop_, *pattern_);
  const HttpReply reply = post(publisher.offer);
  EXPECT_EQ(reply.status, 507) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr((folder_.path() / "file").string()));
  EXPECT_TRUE(all_ended());
}

TEST_F(WhipTest, WhatIsDoneIsGivenToAProgram) {
  const fs::path program = folder_.path() / "program";
  std::ofstream(program) << "#!/bin/sh\necho \"$1 $2\" > \"$0.out\"\n";
  fs::permissions(program, fs::perms::owner_all);
  const fs::path out = folder_.path() / "out";
  serve({.out = out, .on_finish = program.string()});
  std::string location;
  const auto publisher = publish(&location);
  remove(location);
  ASSERT_TRUE(all_ended());
  const std::string told = read_file(program.string() + ".out", 1000).value_or("");
  EXPECT_THAT(told, StartsWith((out / "whip-").string()));
}

TEST_F(WhipTest, ASessionEndsByTheServersLimits) {
  struct Case {
    Limits::Config limits;
    const char* reason;
  };
  for (const Case& c : {Case{{.duration = 2s}, "duration"}, Case{{.most_bytes = 50'000}, "size"}}) {
    test::TempFolder out;
    serve({.out = out.path(), .limits = c.limits});
    std::string location;
    const auto publisher = publish(&location);
    EXPECT_TRUE(all_ended());
    for (const auto& folder : fs::directory_iterator(out.path()))
      expect_whole(folder.path(), c.reason);
  }
}

}  // namespace
}  // namespace callbot::bot
