#include "signaling/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "signaling/tls_auto.h"
#include "tests/support/fake_websocket_server.h"
#include "tests/support/temp_folder.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::FakeWebSocketServer;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto kSoon = 10s;

// A client and what it was told.
struct Client {
  explicit Client(Loop& loop, WebSocketConfig config) {
    socket = WebSocket::connect(loop, std::move(config),
                                {.opened = [this] { opened = true; },
                                 .text = [this](std::string_view t) { texts.emplace_back(t); },
                                 .closed =
                                     [this](const WebSocketClosed& c) {
                                       EXPECT_FALSE(closed) << "closed twice";
                                       closed = c;
                                     }});
    EXPECT_FALSE(opened || closed) << "called from inside connect()";
  }
  bool opened = false;
  std::vector<std::string> texts;
  std::optional<WebSocketClosed> closed;
  std::unique_ptr<WebSocket> socket;
};

Error error_of(Loop& loop, WebSocketConfig config) {
  Client client(loop, std::move(config));
  EXPECT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  EXPECT_FALSE(client.opened);
  if (!client.closed || client.closed->how) return {Code::kInternal, "no error"};
  return client.closed->how.error();
}

TEST(WebSocket, CarriesTextBothWaysWithHeadersAndSubProtocol) {
  Loop loop;
  FakeWebSocketServer server("chat-protocol");
  std::vector<std::string> heard;
  server.on_text = [&](size_t, const std::string& text) { heard.push_back(text); };
  Client client(loop,
                {.url = server.url(), .headers = {{"X-Test", "42"}}, .protocol = "chat-protocol"});
  client.socket->send("before it is open: dropped");
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  EXPECT_EQ(server.header(0, "X-Test"), "42");
  EXPECT_EQ(server.header(0, "Sec-WebSocket-Protocol"), "chat-protocol");

  client.socket->send("grüß dich");
  client.socket->send(std::string("bad \xff utf-8"));
  server.text(0, "hello");
  ASSERT_TRUE(loop.run_until([&] { return heard.size() == 2 && client.texts.size() == 1; }, kSoon));
  EXPECT_THAT(heard, ElementsAre("grüß dich", "bad \xEF\xBF\xBD utf-8"));
  EXPECT_THAT(client.texts, ElementsAre("hello"));
}

TEST(WebSocket, ASubProtocolTheServerDoesNotSpeakIsAnError) {
  Loop loop;
  FakeWebSocketServer server("another");
  const Error error = error_of(loop, {.url = server.url(), .protocol = "janus-protocol"});
  EXPECT_EQ(error.code, Code::kConnect);
}

TEST(WebSocket, OurGoodbyeIsNoError) {
  Loop loop;
  FakeWebSocketServer server;
  int code = 0;
  server.on_close = [&](size_t, int c) { code = c; };
  Client client(loop, {.url = server.url()});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  client.socket->close(1000, std::string(200, 'x'));
  EXPECT_FALSE(client.closed);
  client.socket->send("after the goodbye: dropped");
  ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  EXPECT_TRUE(client.closed->how);
  EXPECT_TRUE(client.closed->was_open);
  EXPECT_EQ(code, 1000);
}

TEST(WebSocket, TheServersGoodbyeBringsItsCodeAndWords) {
  Loop loop;
  FakeWebSocketServer server;
  Client client(loop, {.url = server.url()});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  server.close(0, 1008, "room full");
  ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  EXPECT_EQ(client.closed->code, 1008);
  EXPECT_EQ(client.closed->reason, "room full");
  ASSERT_FALSE(client.closed->how);
  EXPECT_EQ(client.closed->how.error().code, Code::kDenied);
  EXPECT_THAT(client.closed->how.error().message, HasSubstr("room full"));
}

TEST(WebSocket, ALostConnectionIsToldFromAGoodbye) {
  Loop loop;
  FakeWebSocketServer server;
  Client client(loop, {.url = server.url()});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  server.drop(0);
  ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  EXPECT_EQ(client.closed->code, 0);
  EXPECT_TRUE(client.closed->was_open);
  ASSERT_FALSE(client.closed->how);
  EXPECT_EQ(client.closed->how.error().code, Code::kConnect);
}

TEST(WebSocket, NoUrlIsWrongUse) {
  Loop loop;
  for (const char* url : {"", "hello", "ws://", "http://127.0.0.1/", "ws:///path", "ws://[::1/x"}) {
    const Error error = error_of(loop, {.url = url});
    EXPECT_EQ(error.code, Code::kUsage) << url << ": " << error.message;
  }
}

TEST(WebSocket, RefusedAndUnresolvable) {
  Loop loop;
  uint16_t port = 0;
  { port = FakeWebSocketServer().port(); }
  const Error refused = error_of(loop, {.url = "ws://127.0.0.1:" + std::to_string(port) + "/"});
  EXPECT_EQ(refused.code, Code::kConnect);
  EXPECT_THAT(refused.message, HasSubstr("refused"));
  EXPECT_THAT(refused.message, Not(HasSubstr("wss")));
  const Error unknown = error_of(loop, {.url = "ws://no-such-host.invalid/"});
  EXPECT_EQ(unknown.code, Code::kConnect);
  EXPECT_THAT(unknown.message, HasSubstr("no-such-host.invalid"));
}

TEST(WebSocket, HttpAnswersInsteadOfAWebSocket) {
  Loop loop;
  FakeWebSocketServer server;
  for (const auto& [status, code] : {std::pair{401, Code::kDenied},
                                     {403, Code::kDenied},
                                     {404, Code::kConnect},
                                     {503, Code::kConnect},
                                     {302, Code::kConnect},
                                     {200, Code::kConnect}}) {
    server.refuse_with = status;
    Client client(loop, {.url = server.url("/rooms/x")});
    ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
    EXPECT_EQ(client.closed->status, status);
    ASSERT_FALSE(client.closed->how);
    EXPECT_EQ(client.closed->how.error().code, code) << client.closed->how.error().message;
    EXPECT_THAT(client.closed->how.error().message, HasSubstr(std::to_string(status)));
  }
}

// A port that the system takes connections at, and nobody answers.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 5), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    place_ = "://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~SilentPort() { close(fd_); }
  // Answers one connection with this text, whatever it asked.
  void answer_one(const std::string& text) const {
    const int client = accept(fd_, nullptr, nullptr);
    char asked[4096];
    EXPECT_GT(read(client, asked, sizeof(asked)), 0);
    EXPECT_EQ(write(client, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(client);
  }
  std::string url(const std::string& scheme) const { return scheme + place_; }

 private:
  int fd_;
  std::string place_;
};

TEST(WebSocket, AServerThatDoesNotAnswerIsGivenUpAndSaidWhatForItWasWaited) {
  Loop loop;
  const SilentPort port;
  for (const auto& [scheme, words] : {std::pair("ws", "want TLS"), {"wss", "TLS handshake"}}) {
    const Error error = error_of(loop, {.url = port.url(scheme), .deadline = 200ms});
    EXPECT_EQ(error.code, Code::kTimeout);
    EXPECT_THAT(error.message, HasSubstr(words));
  }
}

TEST(WebSocket, GarbageAndPlainTextInsteadOfTls) {
  Loop loop;
  for (const char* scheme : {"ws", "wss"}) {
    const SilentPort port;
    std::thread server([&] { port.answer_one("220 mail.example ESMTP\r\n"); });
    const Error error = error_of(loop, {.url = port.url(scheme)});
    server.join();
    EXPECT_EQ(error.code, Code::kConnect) << scheme << ": " << error.message;
    EXPECT_EQ(error.message.find("does it want wss://") != std::string::npos,
              std::string(scheme) == "ws")
        << error.message;
  }
}

TEST(WebSocket, ClosingBeforeItIsOpenGivesUp) {
  Loop loop;
  FakeWebSocketServer server;
  Client client(loop, {.url = server.url()});
  client.socket->close();
  ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  EXPECT_FALSE(client.opened);
  EXPECT_FALSE(client.closed->was_open);
  EXPECT_TRUE(client.closed->how);
}

TEST(WebSocket, MessagesUpToTheLimitPassAndLargerOnesCloseIt) {
  Loop loop;
  FakeWebSocketServer server;
  Client client(loop, {.url = server.url(), .most_incoming = 1u << 20});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  server.text(0, std::string((1u << 20) - 1, 'a'));
  ASSERT_TRUE(loop.run_until([&] { return client.texts.size() == 1; }, kSoon));
  EXPECT_EQ(client.texts[0].size(), (1u << 20) - 1);

  bool ended = false;
  server.on_close = [&](size_t, int) { ended = true; };
  server.text(0, std::string(5u << 20, 'a'));
  ASSERT_TRUE(loop.run_until([&] { return client.closed.has_value(); }, kSoon));
  ASSERT_TRUE(loop.run_until([&] { return ended; }, kSoon));
  EXPECT_EQ(client.texts.size(), 1U);
  ASSERT_FALSE(client.closed->how);
  EXPECT_EQ(client.closed->how.error().code, Code::kBadInput);
}

TEST(WebSocket, BinaryMessagesCloseIt) {
  Loop loop;
  FakeWebSocketServer server;
  int code = 0;
  server.on_close = [&](size_t, int c) { code = c; };
  Client client(loop, {.url = server.url()});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  server.binary(0, "\x01\x02");
  ASSERT_TRUE(loop.run_until([&] { return client.closed && code != 0; }, kSoon));
  EXPECT_EQ(code, 1003);
  ASSERT_FALSE(client.closed->how);
  EXPECT_EQ(client.closed->how.error().code, Code::kBadInput);
}

TEST(WebSocket, ASilentServerIsDeadAndOneThatAnswersPingsIsNot) {
  Loop loop;
  FakeWebSocketServer server;
  Client no_pings(loop, {.url = server.url(), .keepalive = 0s, .dead_after = 300ms});
  Client pings(loop, {.url = server.url(), .keepalive = 1s, .dead_after = 1800ms});
  ASSERT_TRUE(loop.run_until([&] { return no_pings.closed.has_value(); }, kSoon));
  EXPECT_EQ(no_pings.closed->how.error().code, Code::kTimeout);
  EXPECT_FALSE(loop.run_until([&] { return pings.closed.has_value(); }, 4s));
}

TEST(WebSocket, AHandlerMayDestroyIt) {
  Loop loop;
  FakeWebSocketServer server;
  for (const int when : {0, 1, 2}) {
    std::unique_ptr<WebSocket> socket;
    bool gone = false;
    const auto end = [&](int now) {
      if (now != when) return;
      socket.reset();
      gone = true;
    };
    socket = WebSocket::connect(loop, {.url = server.url()},
                                {.opened = [&] { end(0); },
                                 .text = [&](std::string_view) { end(1); },
                                 .closed = [&](const WebSocketClosed&) { end(2); }});
    server.on_open = [&](size_t client) {
      server.text(client, "hi");
      server.text(client, "after the end nobody hears this");
      if (when == 2) server.close(client, 1001, "");
    };
    EXPECT_TRUE(loop.run_until([&] { return gone; }, kSoon)) << when;
  }
}

TEST(WebSocket, ADestroyedOneSaysNothing) {
  Loop loop;
  FakeWebSocketServer server;
  bool called = false;
  size_t opened = 0;
  server.on_open = [&](size_t) { ++opened; };
  for (int i = 0; i < 3; ++i)
    WebSocket::connect(loop, {.url = i == 0 ? "nonsense" : server.url()},
                       {.opened = [&] { called = true; },
                        .text = [&](std::string_view) { called = true; },
                        .closed = [&](const WebSocketClosed&) { called = true; }});
  Client client(loop, {.url = server.url()});
  ASSERT_TRUE(loop.run_until([&] { return client.opened; }, kSoon));
  EXPECT_FALSE(called);
}

// TLS: a server with a certificate from an authority nobody knows.
class WebSocketTls : public testing::Test {
 protected:
  void SetUp() override {
    auto made = auto_certificate(folder_.path(), {"localhost", "127.0.0.1"});
    ASSERT_TRUE(made) << made.error().message;
    certificate_ = *made;
    server_ = std::make_unique<FakeWebSocketServer>(
        "", FakeWebSocketServer::Tls{certificate_.cert_file, certificate_.key_file});
  }
  Loop loop_;
  TempFolder folder_;
  AutoCertificate certificate_;
  std::unique_ptr<FakeWebSocketServer> server_;
};

TEST_F(WebSocketTls, AnUnknownAuthorityIsRefusedWithAdvice) {
  const Error error = error_of(loop_, {.url = server_->url()});
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("--ca"));
  EXPECT_THAT(error.message, HasSubstr("--insecure"));
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(WebSocketTls, WhoForgetsTheSIsTold) {
  const Error error = error_of(loop_, {.url = "ws" + server_->url().substr(3)});
  EXPECT_EQ(error.code, Code::kConnect);
  EXPECT_THAT(error.message, HasSubstr("does it want wss://"));
}

TEST_F(WebSocketTls, TheAuthoritysFileMakesItTrusted) {
  Client client(loop_, {.url = server_->url(), .trust = {.ca_file = certificate_.ca_file}});
  EXPECT_TRUE(loop_.run_until([&] { return client.opened; }, kSoon));
}

TEST_F(WebSocketTls, InsecureTakesAnything) {
  Client client(loop_, {.url = server_->url(), .trust = {.insecure = true}});
  EXPECT_TRUE(loop_.run_until([&] { return client.opened; }, kSoon));
}

TEST_F(WebSocketTls, TheNameHasToFitEvenWithTheRightAuthority) {
  auto other = auto_certificate(folder_.path(), {"elsewhere.example"});
  ASSERT_TRUE(other) << other.error().message;
  FakeWebSocketServer server("", {other->cert_file, other->key_file});
  const Error error = error_of(loop_, {.url = server.url(), .trust = {.ca_file = other->ca_file}});
  EXPECT_EQ(error.code, Code::kDenied);
  EXPECT_THAT(error.message, HasSubstr("another name"));
}

TEST_F(WebSocketTls, AnotherAuthoritysFileDoesNotHelp) {
  TempFolder elsewhere;
  auto other = auto_certificate(elsewhere.path(), {"localhost"});
  ASSERT_TRUE(other);
  const Error error =
      error_of(loop_, {.url = server_->url(), .trust = {.ca_file = other->ca_file}});
  EXPECT_EQ(error.code, Code::kDenied);
}

TEST_F(WebSocketTls, ACaFileThatIsNoneIsWrongUse) {
  const std::string text = folder_.path() / "text.pem";
  std::ofstream(text) << "not a certificate\n";
  for (const std::string& file : {text, std::string("/no/such/file")}) {
    const Error error = error_of(loop_, {.url = server_->url(), .trust = {.ca_file = file}});
    EXPECT_EQ(error.code, Code::kUsage) << error.message;
    EXPECT_THAT(error.message, HasSubstr(file));
  }
}

}  // namespace
}  // namespace callbot::signaling
