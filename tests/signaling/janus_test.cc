#include "signaling/janus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/fake_janus.h"
#include "tests/support/janus_process.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::FakeJanus;
using test::JanusProcess;
using testing::HasSubstr;

constexpr auto kSoon = 10s;
constexpr const char* kPlugin = "janus.plugin.videoroom";

// A session and what it told.
struct Client {
  Client(Loop& loop, JanusConfig config)
      : loop_(loop),
        session(loop, Log("test"), std::move(config),
                {.established = [this] { ++established; },
                 .event = [this](const JanusEvent& event) { events.push_back(event); },
                 .lost = [this](const Error& error) { lost.push_back(error); },
                 .failed =
                     [this](const Error& error) {
                       EXPECT_FALSE(failed);
                       failed = error;
                     }}) {
    session.start();
  }
  bool up() {
    return loop_.run_until([this] { return established > 0 || failed; }, kSoon) && !failed;
  }
  JanusHandle attach() {
    std::optional<JanusResult<JanusHandle>> handle;
    session.attach(kPlugin, [&](auto result) { handle = result; });
    EXPECT_FALSE(handle) << "called from inside attach()";
    EXPECT_TRUE(loop_.run_until([&] { return handle.has_value(); }, kSoon));
    EXPECT_TRUE(*handle);
    return *handle ? **handle : JanusHandle{};
  }
  JanusResult<JanusEvent> ask(JanusHandle handle, const std::string& body) {
    std::optional<JanusResult<JanusEvent>> reply;
    session.message(handle, Json::parse(body).value(), nullptr,
                    [&](auto result) { reply = std::move(result); });
    EXPECT_TRUE(loop_.run_until([&] { return reply.has_value(); }, kSoon));
    return reply.value_or(tl::unexpected(JanusFailure{0, {Code::kInternal, "no reply"}}));
  }
  bool close() {
    bool done = false;
    session.close([&] { done = true; });
    EXPECT_FALSE(done) << "called from inside close()";
    return loop_.run_until([&] { return done; }, kSoon);
  }

  Loop& loop_;
  int established = 0;
  std::vector<JanusEvent> events;
  std::vector<Error> lost;
  std::optional<Error> failed;
  JanusSession session;
};

JanusConfig config_for(const FakeJanus& janus) {
  return {.url = janus.url(),
          .transaction = 2s,
          .keepalive = 10s,
          .reconnect_for = 5s,
          .first_retry = 20ms,
          .longest_retry = 100ms};
}

TEST(JanusSession, CreatesAttachesAndSaysGoodbye) {
  Loop loop;
  FakeJanus janus;
  JanusConfig config = config_for(janus);
  config.api_secret = "s3cret";
  config.token = "t0ken";
  Client client(loop, config);
  ASSERT_TRUE(client.up());
  EXPECT_EQ(client.attach(), JanusHandle{1});
  EXPECT_TRUE(client.close());
  EXPECT_EQ(janus.count("destroy"), 1U);
  for (const auto& request : janus.requests) {
    EXPECT_EQ(request.whole.at("apisecret").text(), "s3cret") << request.whole.dump();
    EXPECT_EQ(request.whole.at("token").text(), "t0ken");
  }
}

TEST(JanusSession, TheReplyMayComeBeforeItsAcknowledgement) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  const JanusHandle handle = client.attach();
  janus.on_request = [&](const FakeJanus::Request& request) {
    if (request.type != "message") return false;
    janus.reply(request, R"({"videoroom":"joined","id":5})", "offer", "v=0");
    janus.ack(request);
    return true;
  };
  const auto reply = client.ask(handle, R"({"request":"join"})");
  ASSERT_TRUE(reply) << reply.error().error.message;
  EXPECT_EQ(reply->data.at("id").whole(), 5);
  EXPECT_EQ(reply->jsep_type, "offer");
  EXPECT_EQ(reply->sdp, "v=0");
  // The late acknowledgement, and a second reply to what is answered, disturb nothing.
  janus.reply(*janus.last("join"), R"({"videoroom":"event","started":"ok"})");
  ASSERT_TRUE(loop.run_until([&] { return client.events.size() == 1; }, kSoon));
  EXPECT_EQ(client.events[0].data.at("started").text(), "ok");
}

TEST(JanusSession, TheAcknowledgementAloneIsNoReply) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  const JanusHandle handle = client.attach();
  bool answered = false;
  client.session.message(handle, Json::object().set("request", "join"), nullptr,
                         [&](auto) { answered = true; });
  ASSERT_TRUE(loop.run_until([&] { return janus.count("join") == 1; }, kSoon));
  EXPECT_FALSE(loop.run_until([&] { return answered; }, 200ms));
  janus.reply(*janus.last("join"), R"({"videoroom":"joined"})");
  EXPECT_TRUE(loop.run_until([&] { return answered; }, kSoon));
}

TEST(JanusSession, ErrorsComeInThreeShapes) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  const JanusHandle handle = client.attach();
  janus.on_request = [&](const FakeJanus::Request& request) {
    const std::string failed = R"({"videoroom":"event","error_code":426,"error":"No such room"})";
    if (request.what() == "as-event") janus.reply(request, failed);
    if (request.what() == "as-success") janus.reply(request, failed, "", "", "success");
    if (request.what() == "as-error") janus.error(request, 459, "No such handle");
    return request.type == "message";
  };
  for (const auto& [request, code] :
       {std::pair{"as-event", 426}, {"as-success", 426}, {"as-error", 459}}) {
    const auto reply = client.ask(handle, std::string(R"({"request":")") + request + "\"}");
    ASSERT_FALSE(reply) << request;
    EXPECT_EQ(reply.error().code, code);
    EXPECT_EQ(reply.error().error.code, Code::kConnect);
    EXPECT_THAT(reply.error().error.message, HasSubstr("No such"));
  }
}

TEST(JanusSession, ARequestWithoutReplyTimesOut) {
  Loop loop;
  FakeJanus janus;
  JanusConfig config = config_for(janus);
  config.transaction = 100ms;
  Client client(loop, config);
  ASSERT_TRUE(client.up());
  const auto reply = client.ask(client.attach(), R"({"request":"join"})");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, 0);
  EXPECT_EQ(reply.error().error.code, Code::kTimeout);
  EXPECT_TRUE(client.lost.empty());
}

TEST(JanusSession, KeepsTheSessionAliveAsOftenAsTheServerWants) {
  Loop loop;
  FakeJanus janus;
  janus.session_timeout = 1;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  EXPECT_TRUE(loop.run_until([&] { return janus.count("keepalive") >= 3; }, kSoon));
  EXPECT_TRUE(client.lost.empty());
}

TEST(JanusSession, AServerThatStopsAnsweringIsLost) {
  Loop loop;
  FakeJanus janus;
  JanusConfig config = config_for(janus);
  config.keepalive = 50ms;
  config.transaction = 100ms;
  Client client(loop, config);
  ASSERT_TRUE(client.up());
  bool silent = true;
  janus.on_request = [&](const FakeJanus::Request& r) { return silent && r.type == "keepalive"; };
  ASSERT_TRUE(loop.run_until([&] { return !client.lost.empty(); }, kSoon));
  silent = false;
  EXPECT_TRUE(loop.run_until([&] { return client.established == 2; }, kSoon));
}

TEST(JanusSession, ALostSessionIsCreatedAnew) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  const JanusHandle handle = client.attach();
  janus.on_request = [&](const FakeJanus::Request& request) {
    if (request.what() != "join") return false;
    janus.error(request, 458, "No such session 1001");
    return true;
  };
  const auto reply = client.ask(handle, R"({"request":"join"})");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, 458);
  ASSERT_TRUE(loop.run_until([&] { return client.established == 2; }, kSoon));
  EXPECT_EQ(client.lost.size(), 1U);

  janus.core_event(janus.server().clients() - 1, 0, "timeout");
  ASSERT_TRUE(loop.run_until([&] { return client.established == 3; }, kSoon));
  EXPECT_EQ(client.lost.size(), 2U);
  EXPECT_FALSE(client.failed);
}

TEST(JanusSession, OpenRequestsFailFirstAndThenTheLossIsTold) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  const JanusHandle handle = client.attach();
  size_t lost_before = 99;
  client.session.message(handle, Json::object().set("request", "join"), nullptr, [&](auto reply) {
    EXPECT_FALSE(reply);
    lost_before = client.lost.size();
  });
  ASSERT_TRUE(loop.run_until([&] { return janus.count("join") == 1; }, kSoon));
  janus.server().drop(0);
  ASSERT_TRUE(loop.run_until([&] { return client.established == 2; }, kSoon));
  EXPECT_EQ(lost_before, 0U);
  EXPECT_EQ(client.lost.size(), 1U);
}

TEST(JanusSession, AServerThatIsStartedAgainIsFoundAgain) {
  Loop loop;
  auto janus = std::make_unique<FakeJanus>();
  Client client(loop, config_for(*janus));
  ASSERT_TRUE(client.up());
  const uint16_t port = janus->port();
  janus.reset();
  ASSERT_TRUE(loop.run_until([&] { return !client.lost.empty(); }, kSoon));
  EXPECT_FALSE(loop.run_until([&] { return client.established == 2; }, 300ms));
  janus = std::make_unique<FakeJanus>(port);
  EXPECT_TRUE(loop.run_until([&] { return client.established == 2; }, kSoon));
  EXPECT_EQ(client.lost.size(), 1U);
  EXPECT_FALSE(client.failed);
}

TEST(JanusSession, AServerThatStaysAwayIsGivenUp) {
  Loop loop;
  auto janus = std::make_unique<FakeJanus>();
  JanusConfig config = config_for(*janus);
  config.reconnect_for = 300ms;
  Client client(loop, config);
  ASSERT_TRUE(client.up());
  janus.reset();
  ASSERT_TRUE(loop.run_until([&] { return client.failed.has_value(); }, kSoon));
  EXPECT_EQ(client.failed->code, Code::kConnect);
  EXPECT_EQ(client.lost.size(), 1U);
}

TEST(JanusSession, AWrongSecretIsDenied) {
  Loop loop;
  FakeJanus janus;
  janus.on_request = [&](const FakeJanus::Request& request) {
    janus.error(request, 403, "Unauthorized request (wrong or missing secret/token)");
    return true;
  };
  Client client(loop, config_for(janus));
  EXPECT_FALSE(client.up());
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->code, Code::kDenied);
  EXPECT_THAT(client.failed->message, HasSubstr("secret"));
}

TEST(JanusSession, AServerThatSpeaksSomethingElse) {
  const std::string deep(100000, '[');
  for (const std::string& text :
       {std::string("hello"), std::string("[1,2]"), std::string("{\"janus\":"), deep,
        std::string(R"({"janus":"success","transaction":"1","data":{"id":"x"}})")}) {
    Loop loop;
    FakeJanus janus;
    janus.on_request = [&](const FakeJanus::Request& request) {
      janus.raw(request.client, text);
      return true;
    };
    Client client(loop, config_for(janus));
    EXPECT_FALSE(client.up());
    ASSERT_TRUE(client.failed) << text.substr(0, 50);
    EXPECT_EQ(client.failed->code, Code::kBadInput) << client.failed->message;
  }
}

TEST(JanusSession, GarbageLaterOnIsIgnored) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  for (const char* text :
       {"hello", "[1,2]", "{}", "null", "{\"janus\":5}", R"({"janus":"event"})",
        R"({"janus":"ack"})", R"({"janus":"success","transaction":"999"})",
        R"({"janus":"event","plugindata":[],"jsep":7,"sender":"x"})",
        R"({"janus":"error","error":"no"})", R"({"janus":"timeout","session_id":5})",
        R"({"janus":"unheard-of","transaction":{}})"})
    janus.raw(0, text);
  janus.raw(0, std::string(100000, '['));
  EXPECT_EQ(client.attach(), JanusHandle{1});
  EXPECT_TRUE(client.lost.empty());
}

TEST(JanusSession, AMessageOfFiveMegabytesCostsTheConnectionButNotTheCall) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  janus.raw(0, "\"" + std::string(5u << 20, 'x') + "\"");
  EXPECT_TRUE(loop.run_until([&] { return client.established == 2; }, kSoon));
}

TEST(JanusSession, NothingListens) {
  Loop loop;
  uint16_t port = 0;
  { port = FakeJanus().port(); }
  Client client(loop, {.url = "ws://127.0.0.1:" + std::to_string(port) + "/janus"});
  EXPECT_FALSE(client.up());
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->code, Code::kConnect);
}

TEST(JanusSession, NoSessionWithinTheDeadline) {
  Loop loop;
  FakeJanus janus;
  janus.on_request = [](const FakeJanus::Request&) { return true; };
  JanusConfig config = config_for(janus);
  config.deadline = 200ms;
  Client client(loop, config);
  EXPECT_FALSE(client.up());
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->code, Code::kTimeout);
}

TEST(JanusSession, ADeadServerDoesNotHoldUpTheGoodbye) {
  Loop loop;
  FakeJanus janus;
  Client client(loop, config_for(janus));
  ASSERT_TRUE(client.up());
  janus.on_request = [](const FakeJanus::Request&) { return true; };
  EXPECT_TRUE(client.close());
}

TEST(JanusSession, ItMayBeDestroyedInAnyOfItsCalls) {
  for (const int when : {0, 1, 2, 3}) {
    Loop loop;
    FakeJanus janus;
    std::unique_ptr<JanusSession> session;
    bool gone = false;
    const auto end = [&](int now) {
      if (now != when || gone) return;
      session.reset();
      gone = true;
    };
    session = std::make_unique<JanusSession>(
        loop, Log("test"), config_for(janus),
        JanusHandlers{.established =
                          [&] {
                            if (when != 0) session->attach(kPlugin, [&](auto) { end(1); });
                            end(0);
                          },
                      .event = [&](const JanusEvent&) { end(2); },
                      .lost = [&](const Error&) { end(3); },
                      .failed = [&](const Error&) {}});
    janus.on_request = [&](const FakeJanus::Request& request) {
      if (request.type == "info" && when == 2) janus.event(0, 1, R"({"videoroom":"event"})");
      if (request.type == "info" && when == 3) janus.server().close(0, 1001, "");
      return false;
    };
    session->start();
    EXPECT_TRUE(loop.run_until([&] { return gone; }, kSoon)) << when;
  }
}

// The real one.

TEST(JanusServer, SessionHandleAndRoom) {
  if (const auto why = JanusProcess::unavailable(); !why.empty()) GTEST_SKIP() << why;
  Loop loop;
  auto janus = JanusProcess::start(loop);
  ASSERT_TRUE(janus) << janus.error().message;
  Client client(loop, {.url = (*janus)->url()});
  ASSERT_TRUE(client.up()) << client.failed->message;
  const JanusHandle handle = client.attach();
  const auto joined = client.ask(
      handle, R"({"request":"join","ptype":"publisher","room":1234,"display":"tester"})");
  ASSERT_TRUE(joined) << joined.error().error.message;
  EXPECT_EQ(joined->data.at("videoroom").text(), "joined");
  const auto unknown = client.ask(handle, R"({"request":"no-such-request"})");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, 423);
  const auto no_room =
      client.ask(client.attach(), R"({"request":"join","ptype":"publisher","room":9})");
  ASSERT_FALSE(no_room);
  EXPECT_EQ(no_room.error().code, 426);
  EXPECT_TRUE(client.close());
}

TEST(JanusServer, AnUnknownPluginIsAnError) {
  if (const auto why = JanusProcess::unavailable(); !why.empty()) GTEST_SKIP() << why;
  Loop loop;
  auto janus = JanusProcess::start(loop);
  ASSERT_TRUE(janus) << janus.error().message;
  Client client(loop, {.url = (*janus)->url()});
  ASSERT_TRUE(client.up()) << client.failed->message;
  std::optional<JanusResult<JanusHandle>> handle;
  client.session.attach("janus.plugin.none", [&](auto result) { handle = result; });
  ASSERT_TRUE(loop.run_until([&] { return handle.has_value(); }, kSoon));
  ASSERT_FALSE(*handle);
  EXPECT_EQ(handle->error().code, 460);
}

TEST(JanusServer, ASessionThatTheServerEndedIsCreatedAnew) {
  if (const auto why = JanusProcess::unavailable(); !why.empty()) GTEST_SKIP() << why;
  Loop loop;
  auto janus = JanusProcess::start(loop);
  ASSERT_TRUE(janus) << janus.error().message;
  Client client(loop, {.url = (*janus)->url(), .reconnect_for = 30s});
  ASSERT_TRUE(client.up()) << client.failed->message;
  (*janus)->kill();
  ASSERT_TRUE(loop.run_until([&] { return !client.lost.empty(); }, kSoon));
  ASSERT_TRUE((*janus)->run());
  EXPECT_TRUE(loop.run_until([&] { return client.established == 2; }, 20s));
}

}  // namespace
}  // namespace callbot::signaling
