#include "bot/serve.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "base/files.h"
#include "bot/send.h"
#include "bot/web_files.h"
#include "signaling/http.h"
#include "tests/support/media_on_disk.h"
#include "tests/support/program.h"
#include "tests/support/recorded.h"
#include "tests/support/room_host.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using signaling::HttpCall;
using signaling::HttpReply;
using test::Program;
using test::RawMember;
using test::Recorded;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{60000};

ServeOptions on_free_port() {
  ServeOptions options;
  options.port = 0;
  return options;
}

class ServeTest : public testing::Test {
 protected:
  Result<> start(ServeOptions options) {
    serve_ = std::make_unique<Serve>(loop_, console_, std::move(options));
    return serve_->start();
  }
  bool stop() {
    bool stopped = false;
    serve_->stop([&] { stopped = true; });
    return loop_.run_until([&] { return stopped; }, kPatience);
  }
  HttpReply call(HttpCall what, const std::string& path) {
    what.url = serve_->url() + path;
    std::optional<Result<HttpReply>> reply;
    client_.call(std::move(what), [&](auto r) { reply = std::move(r); });
    EXPECT_TRUE(loop_.run_until([&] { return reply.has_value(); }, kPatience));
    if (reply && *reply) return **reply;
    ADD_FAILURE() << (reply ? reply->error().message : "no reply");
    return {};
  }
  std::string room(const std::string& name) const {
    return "ws" + serve_->url().substr(4) + "/rooms/" + name;
  }

  Loop loop_;
  Console console_{false};
  test::TempFolder folder_;
  std::unique_ptr<Serve> serve_;
  signaling::HttpClient client_{loop_, {}};
};

TEST_F(ServeTest, ServesEveryFileOfThePage) {
  ASSERT_TRUE(start(on_free_port()));
  ASSERT_FALSE(web_files().empty());
  for (const WebFile& file : web_files()) {
    const HttpReply reply = call({}, "/" + std::string(file.path));
    EXPECT_EQ(reply.status, 200) << file.path;
    EXPECT_EQ(reply.body, file.content) << file.path;
    EXPECT_EQ(reply.header("content-type"), file.content_type) << file.path;
  }
  EXPECT_THAT(call({}, "/").body, HasSubstr("<html"));
  EXPECT_EQ(call({}, "/nowhere").status, 404);
  EXPECT_TRUE(stop());
}

TEST_F(ServeTest, LetsMembersIntoItsRooms) {
  ASSERT_TRUE(start(on_free_port()));
  RawMember alice(loop_, room("r")), bob(loop_, room("r"));
  EXPECT_EQ(alice.join("alice").at("type").text(), "joined");
  EXPECT_EQ(bob.join("bob").at("members").size(), 1u);
  EXPECT_TRUE(stop());
  EXPECT_TRUE(alice.wait_closed() && bob.wait_closed());
  EXPECT_EQ(alice.next_error(), "shutting-down");
}

TEST_F(ServeTest, ATokenIsAskedForInRooms) {
  auto options = on_free_port();
  options.token = "open sesame";
  ASSERT_TRUE(start(options));
  RawMember stranger(loop_, room("r"));
  ASSERT_TRUE(stranger.open());
  stranger.send(RawMember::join_message("stranger"));
  EXPECT_EQ(stranger.next_error(), "bad-token");
  RawMember guest(loop_, room("r"));
  EXPECT_EQ(
      guest.join(RawMember::join_message("guest").set("token", "open sesame")).at("type").text(),
      "joined");
  EXPECT_TRUE(stop());
}

TEST_F(ServeTest, ARoomTakesSoManyMembersAndNoMore) {
  auto options = on_free_port();
  options.most_members = 2;
  ASSERT_TRUE(start(options));
  RawMember a(loop_, room("r")), b(loop_, room("r")), c(loop_, room("r"));
  a.join("a");
  b.join("b");
  ASSERT_TRUE(c.open());
  c.send(RawMember::join_message("c"));
  EXPECT_EQ(c.next_error(), "room-full");
  EXPECT_TRUE(stop());
}

TEST_F(ServeTest, WhipIsThereOnlyWhereThereIsAFolder) {
  ASSERT_TRUE(start(on_free_port()));
  EXPECT_EQ(call({.method = "POST", .content_type = "application/sdp"}, "/whip").status, 404);
  ASSERT_TRUE(stop());
  auto options = on_free_port();
  options.record = folder_.path() / "recordings";
  ASSERT_TRUE(start(options));
  EXPECT_EQ(call({.method = "POST", .content_type = "application/sdp"}, "/whip").status, 400);
  EXPECT_TRUE(fs::is_directory(folder_.path() / "recordings"));
  EXPECT_TRUE(stop());
}

TEST_F(ServeTest, WhatCannotBeServedIsSaid) {
  std::ofstream(folder_.path() / "file") << "x";
  ASSERT_TRUE(start(on_free_port()));
  const auto first = std::move(serve_);
  const auto taken =
      static_cast<uint16_t>(std::stoi(first->url().substr(first->url().rfind(':') + 1)));
  const struct {
    const char* name;
    std::function<void(ServeOptions&)> change;
    Code code;
    const char* says;
  } cases[] = {
      {"others reach it", [](ServeOptions& o) { o.address = "0.0.0.0"; }, Code::kUsage, "--token"},
      {"no address", [](ServeOptions& o) { o.address = "example"; }, Code::kUsage, "example"},
      {"taken", [&](ServeOptions& o) { o.port = taken; }, Code::kConnect, "in use"},
      {"no folder", [&](ServeOptions& o) { o.record = folder_.path() / "file" / "below"; },
       Code::kStorage, "file"},
      {"no certificate", [&](ServeOptions& o) { o.tls_cert = o.tls_key = folder_.path() / "file"; },
       Code::kUsage, "file"},
  };
  for (const auto& one : cases) {
    auto options = on_free_port();
    one.change(options);
    const auto started = start(options);
    ASSERT_FALSE(started) << one.name;
    EXPECT_EQ(started.error().code, one.code) << one.name << ": " << started.error().message;
    EXPECT_THAT(started.error().message, HasSubstr(one.says)) << one.name;
    EXPECT_TRUE(stop()) << one.name << ": it did not start, and is still to be stopped";
  }
  // Open to everybody, because it was said so.
  auto open = on_free_port();
  open.address = "0.0.0.0";
  open.open = true;
  EXPECT_TRUE(start(open));
  EXPECT_TRUE(stop());
}

// The recorders are processes of the program itself, over TLS and with a token as well.
TEST_F(ServeTest, RecordsItsRoomsOverTlsWithAToken) {
  const fs::path out = folder_.path() / "recordings", tls = folder_.path() / "tls";
  Program server(loop_,
                 Program::callbot({"serve", "--listen", "127.0.0.1:0", "--record", out,
                                   "--tls-auto", "--tls-dir", tls}),
                 {{"CALLBOT_TOKEN", "open sesame"}});
  const auto url = server.event("serving").at("url").text();
  ASSERT_TRUE(url) << server.output();
  ASSERT_THAT(*url, testing::StartsWith("https://"));
  SendOptions options;
  options.join.url = "wss" + url->substr(5) + "/rooms/safe";
  options.join.name = "alice";
  options.join.token = "open sesame";
  options.join.insecure = true;
  options.width = 320;
  options.height = 180;
  options.bitrate = 300'000;
  std::optional<Send::Done> done;
  Send alice(loop_, console_, options, [&](auto how) { done = std::move(how); });
  alice.start();
  const Json recording = server.event("recording");
  ASSERT_TRUE(recording.at("folder").text()) << server.output();
  const fs::path folder = *recording.at("folder").text();
  ASSERT_TRUE(
      loop_.run_until([&] { return test::media_on_disk(folder, "alice") > 60'000; }, kPatience));
  alice.interrupt();
  ASSERT_TRUE(loop_.run_until([&] { return done.has_value(); }, kPatience));
  EXPECT_TRUE(server.event("verdict").at("verdict").is_object()) << server.output();
  EXPECT_THAT(server.output(), Not(HasSubstr("open sesame")));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(kPatience), kExitGood) << server.output();
}

}  // namespace
}  // namespace callbot::bot
