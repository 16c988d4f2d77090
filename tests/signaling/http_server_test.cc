#include "signaling/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "signaling/http.h"
#include "signaling/tls_auto.h"
#include "signaling/websocket.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temp_folder.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::RawSocket;
using testing::HasSubstr;

class HttpServerTest : public testing::Test {
 protected:
  void serve(HttpServerConfig config = {}) {
    auto made = HttpServer::create(loop_, Log("test"), std::move(config));
    ASSERT_TRUE(made) << made.error().message;
    server_ = std::move(*made);
  }
  HttpReply call(HttpCall call, TlsTrust trust = {}) {
    HttpClient client(loop_, trust);
    std::optional<Result<HttpReply>> result;
    if (call.url.starts_with("/")) call.url = server_->url() + call.url;
    client.call(call, [&](Result<HttpReply> r) { result = std::move(r); });
    EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }, 15s));
    if (!result || !*result) {
      ADD_FAILURE() << (result ? result->error().message : "no answer");
      return {};
    }
    return **result;
  }
  HttpReply get(const std::string& path) { return call({.url = path}); }
  HttpReply post(const std::string& path, const std::string& body) {
    return call({.method = "POST", .url = path, .content_type = "text/plain", .body = body});
  }
  static HttpResponse text(const std::string& body) { return {200, "text/plain", body, {}}; }
  void echo(const std::string& method, const std::string& pattern, size_t most = 0) {
    server_->route(
        method, pattern,
        [](const HttpRequest& request, Responder respond) {
          std::string parts;
          for (const auto& [key, value] : request.parts) parts += key + "=" + value + ";";
          for (const auto& [key, value] : request.query) parts += key + "?" + value + ";";
          respond.send(
              text(request.method + " " + parts + " " + std::to_string(request.body.size())));
        },
        most);
  }

  Loop loop_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, RoutesByMethodAndPathWithDecodedParts) {
  serve();
  echo("GET", "/");
  echo("GET", "/things/{id}/parts/{part}");
  echo("POST", "/things");
  EXPECT_EQ(get("/").body, "GET  0");
  EXPECT_EQ(get("/things/a%20b/parts/%C3%A9?x=1%262&y=a+b").body,
            "GET id=a b;part=é;x?1&2;y?a b; 0");
  EXPECT_EQ(post("/things", "hello").body, "POST  5");
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/things/a/parts/").status, 404);
  EXPECT_EQ(get("/things/%FF/parts/x").status, 400);
  EXPECT_EQ(get("/things/%00/parts/x").status, 400);
  const auto wrong = get("/things");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "POST");
}

TEST_F(HttpServerTest, DotsInAPathReachNothing) {
  serve();
  echo("GET", "/files/{name}");
  RawSocket raw(loop_, server_->port());
  raw.send("GET /files/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(raw.wait_for("HTTP/1.1 404"));
  // An encoded slash stays within its segment.
  RawSocket other(loop_, server_->port());
  other.send("GET /files/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(other.wait_for("name=../../etc;"));
}

TEST_F(HttpServerTest, HeadIsServedByGetWithoutABody) {
  serve();
  echo("GET", "/");
  RawSocket raw(loop_, server_->port());
  raw.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(raw.wait_for_end());
  EXPECT_THAT(raw.received(), testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(raw.received(), testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, HandlersMayAnswerLaterAndOnlyOnce) {
  serve();
  server_->route("POST", "/slow", [&](const HttpRequest&, Responder respond) {
    loop_.after(20ms, [respond] {
      EXPECT_FALSE(respond.done());
      respond.send({201, "text/plain", "late", {{"Location", "/slow/1"}}});
      EXPECT_TRUE(respond.done());
      respond.send(text("again"));
    });
  });
  const auto reply = post("/slow", "x");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "late");
  EXPECT_EQ(reply.header("location"), "/slow/1");
}

TEST_F(HttpServerTest, AnAnswerThatNeverComesIsA500) {
  serve();
  server_->route("GET", "/now", [](const HttpRequest&, Responder) {});
  server_->route("GET", "/later", [&](const HttpRequest&, Responder respond) {
    loop_.after(20ms, [respond] {});  // holds it for a while
  });
  EXPECT_EQ(get("/now").status, 500);
  EXPECT_EQ(get("/later").status, 500);
}

TEST_F(HttpServerTest, AClientThatGoesAwayEndsItsResponder) {
  serve();
  std::optional<Responder> kept;
  server_->route("GET", "/slow", [&](const HttpRequest&, Responder respond) { kept = respond; });
  {
    RawSocket raw(loop_, server_->port());
    raw.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(loop_.run_until([&] { return kept.has_value(); }, 5s));
  }
  kept->send(text("to nobody"));
  kept.reset();
  echo("GET", "/");
  EXPECT_EQ(get("/").status, 200);
}

TEST_F(HttpServerTest, RespondersMayOutliveTheServer) {
  serve();
  std::optional<Responder> kept;
  server_->route("GET", "/slow", [&](const HttpRequest&, Responder respond) { kept = respond; });
  RawSocket raw(loop_, server_->port());
  raw.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(loop_.run_until([&] { return kept.has_value(); }, 5s));
  server_.reset();
  EXPECT_TRUE(raw.wait_for_end());
  kept->send(text("too late"));
  kept.reset();
}

TEST_F(HttpServerTest, BodiesBeyondTheLimitAre413) {
  serve({.most_body = 1000});
  echo("POST", "/small");
  echo("POST", "/large", 200000);
  EXPECT_EQ(post("/small", std::string(1000, 'x')).status, 200);
  const auto refused = post("/small", std::string(1001, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("1000 bytes"));
  EXPECT_EQ(post("/large", std::string(100000, 'x')).body, "POST  100000");
  EXPECT_EQ(post("/small", std::string(3u << 20, 'x')).status, 413);
  EXPECT_EQ(post("/nowhere", std::string(2u << 20, 'x')).status, 413);
}

TEST_F(HttpServerTest, ChunkedBodiesAreCountedToo) {
  serve({.most_body = 1000});
  echo("POST", "/small");
  RawSocket raw(loop_, server_->port());
  raw.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) raw.send("200\r\n" + std::string(512, 'x') + "\r\n");
  raw.send("0\r\n\r\n");
  EXPECT_TRUE(raw.wait_for("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, ABodyWithoutEndIsCutOff) {
  serve({.most_body = 1000});
  echo("POST", "/small");
  RawSocket raw(loop_, server_->port());
  raw.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(1u << 20, 'x') + "\r\n";
  bool taken = true;
  for (int i = 0; i < 64 && taken; ++i) taken = raw.send(chunk);
  EXPECT_FALSE(taken);
  echo("GET", "/");
  EXPECT_EQ(get("/").status, 200);
}

TEST_F(HttpServerTest, GarbageIsA400AndOthersGoOn) {
  serve();
  echo("GET", "/");
  RawSocket raw(loop_, server_->port());
  raw.send(std::string("\x16\x03\x01garbage\0\r\n\r\n", 15));
  RawSocket headers(loop_, server_->port());
  headers.send("GET / HTTP/1.1\r\n" + std::string(1u << 20, 'a'));
  EXPECT_EQ(get("/").status, 200);
  EXPECT_TRUE(raw.wait_for_end());
}

TEST_F(HttpServerTest, ReadsTheBearerToken) {
  serve();
  std::string seen;
  server_->route("GET", "/", [&](const HttpRequest& request, Responder respond) {
    seen = request.bearer();
    respond.send({204, "", "", {}});
  });
  EXPECT_EQ(call({.url = "/", .bearer = "s3cret"}).status, 204);
  EXPECT_EQ(seen, "s3cret");
  EXPECT_EQ(call({.url = "/", .headers = {{"Authorization", "Basic abc"}}}).status, 204);
  EXPECT_EQ(seen, "");
}

TEST_F(HttpServerTest, AddressesThatCannotBeUsed) {
  serve();
  auto taken = HttpServer::create(loop_, Log("test"), {.port = server_->port()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kConnect);
  EXPECT_THAT(taken.error().message, HasSubstr(std::to_string(server_->port())));
  auto wrong = HttpServer::create(loop_, Log("test"), {.address = "not-an-address"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kUsage);
  auto no_certificate = HttpServer::create(
      loop_, Log("test"), {.cert_file = "/nowhere/cert.pem", .key_file = "/nowhere/key.pem"});
  ASSERT_FALSE(no_certificate);
  EXPECT_EQ(no_certificate.error().code, Code::kUsage);
  EXPECT_THAT(no_certificate.error().message, HasSubstr("/nowhere/cert.pem"));
}

TEST_F(HttpServerTest, ServesHttpsWithACertificateOfOurOwn) {
  test::TempFolder folder;
  auto made = auto_certificate(folder.path(), {"localhost", "127.0.0.1"});
  ASSERT_TRUE(made);
  serve({.cert_file = made->cert_file, .key_file = made->key_file});
  echo("GET", "/");
  EXPECT_TRUE(server_->tls());
  EXPECT_THAT(server_->url(), testing::StartsWith("https://127.0.0.1:"));
  EXPECT_EQ(call({.url = "/"}, {.ca_file = made->ca_file}).status, 200);
}

TEST_F(HttpServerTest, ListensOnIpv6Too) {
  serve({.address = "::1"});
  EXPECT_THAT(server_->url(), testing::StartsWith("http://[::1]:"));
  echo("GET", "/");
  EXPECT_EQ(get("/").status, 200);
}

// --- WebSockets

struct Client {
  explicit Client(Loop& loop, const std::string& url,
                  std::vector<std::pair<std::string, std::string>> headers = {}) {
    WebSocketConfig config;
    config.url = url;
    config.headers = std::move(headers);
    config.most_incoming = 64u << 20;
    WebSocketHandlers handlers;
    handlers.text = [this](std::string_view text) { texts.emplace_back(text); };
    handlers.closed = [this](const WebSocketClosed& how) { closed = how; };
    socket = WebSocket::connect(loop, config, handlers);
  }
  std::unique_ptr<WebSocket> socket;
  std::vector<std::string> texts;
  std::optional<WebSocketClosed> closed;
};

class ServerWebSocketTest : public HttpServerTest {
 protected:
  // Keeps the server's end of every connection and echoes what comes.
  void listen(WebSocketLimits limits = {}, HttpServerConfig config = {}) {
    serve(std::move(config));
    server_->websocket(
        "/ws/{name}",
        [this](const HttpRequest& request, std::unique_ptr<ServerWebSocket> socket) {
          names_.push_back(request.parts.at("name"));
          auto* raw = socket.get();
          ends_.push_back(std::move(socket));
          raw->on_message([raw](std::string_view text) { raw->send("echo " + std::string(text)); });
          raw->on_closed([this](int code, std::string) { codes_.push_back(code); });
          raw->on_offence([this, raw](int code) {
            offences_.push_back(code);
            raw->send("last words");
          });
        },
        limits);
  }
  std::string ws_url(const std::string& name = "a") {
    return "ws://127.0.0.1:" + std::to_string(server_->port()) + "/ws/" + name;
  }
  bool until(const std::function<bool()>& condition) { return loop_.run_until(condition, 10s); }
  void expect_others_go_on() {
    Client other(loop_, ws_url("other"));
    ASSERT_TRUE(until([&] { return other.socket->open(); }));
    other.socket->send("hello");
    EXPECT_TRUE(until([&] { return !other.texts.empty(); }));
    EXPECT_THAT(other.texts, testing::ElementsAre("echo hello"));
  }

  std::vector<std::unique_ptr<ServerWebSocket>> ends_;
  std::vector<std::string> names_;
  std::vector<int> codes_;
  std::vector<int> offences_;
};

TEST_F(ServerWebSocketTest, TextGoesBothWaysAndGoodbyesArrive) {
  listen();
  Client client(loop_, ws_url("r%C3%A4um"));
  ASSERT_TRUE(until([&] { return client.socket->open(); }));
  client.socket->send("one");
  client.socket->send("two");
  ASSERT_TRUE(until([&] { return client.texts.size() == 2; }));
  EXPECT_THAT(client.texts, testing::ElementsAre("echo one", "echo two"));
  EXPECT_THAT(names_, testing::ElementsAre("räum"));
  client.socket->close(1000, "bye");
  ASSERT_TRUE(until([&] { return client.closed && !codes_.empty(); }));
  EXPECT_EQ(codes_[0], 1000);
  EXPECT_TRUE(client.closed->how);
}

TEST_F(ServerWebSocketTest, TheServerMayCloseWithItsOwnCode) {
  listen();
  Client client(loop_, ws_url());
  ASSERT_TRUE(until([&] { return client.socket->open() && !ends_.empty(); }));
  ends_[0]->send("before");
  ends_[0]->close(4001, "replaced");
  ends_[0]->send("after");
  ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed->code, 4001);
  EXPECT_EQ(client.closed->reason, "replaced");
  EXPECT_THAT(client.texts, testing::ElementsAre("before"));
}

TEST_F(ServerWebSocketTest, ACallbackMayDestroyItsSocket) {
  serve();
  std::unique_ptr<ServerWebSocket> end;
  server_->websocket("/ws/{name}",
                     [&](const HttpRequest&, std::unique_ptr<ServerWebSocket> socket) {
                       end = std::move(socket);
                       end->on_message([&](std::string_view) { end.reset(); });
                     });
  Client client(loop_, ws_url());
  ASSERT_TRUE(until([&] { return client.socket->open(); }));
  for (int i = 0; i < 10; ++i) client.socket->send("x");
  EXPECT_TRUE(until([&] { return client.closed.has_value(); }));
}

TEST_F(ServerWebSocketTest, SocketsMayOutliveTheServer) {
  listen();
  Client client(loop_, ws_url());
  ASSERT_TRUE(until([&] { return client.socket->open() && !ends_.empty(); }));
  server_.reset();
  client.socket->send("still here");
  EXPECT_TRUE(until([&] { return !client.texts.empty(); }));
  ends_.clear();
  EXPECT_TRUE(until([&] { return client.closed.has_value(); }));
}

TEST_F(ServerWebSocketTest, ALargeMessageIsRefusedWithLastWordsAnd1009) {
  listen({.most_incoming = 100000});
  Client client(loop_, ws_url());
  ASSERT_TRUE(until([&] { return client.socket->open(); }));
  client.socket->send(std::string(100000, 'x'));
  ASSERT_TRUE(until([&] { return client.texts.size() == 1; }));
  client.socket->send(std::string(5u << 20, 'x'));
  ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
  EXPECT_THAT(offences_, testing::ElementsAre(1009));
  EXPECT_EQ(client.texts.back(), "last words");
  EXPECT_EQ(client.closed->code, 1009);
  expect_others_go_on();
}

TEST_F(ServerWebSocketTest, AMessageInEndlessFragmentsIsRefused) {
  listen({.most_incoming = 100000});
  RawSocket raw(loop_, server_->port());
  ASSERT_TRUE(raw.open_websocket("/ws/a"));
  bool taken = raw.send(RawSocket::frame(1, std::string(1000, 'x'), false));
  for (int i = 0; i < 300 && taken; ++i)
    taken = raw.send(RawSocket::frame(0, std::string(1000, 'x'), false));
  EXPECT_TRUE(raw.wait_for_end());
  EXPECT_THAT(offences_, testing::ElementsAre(1009));
  expect_others_go_on();
}

TEST_F(ServerWebSocketTest, PingsWithoutEndAreRefused) {
  listen({.most_incoming = 1000, .burst_bytes = 200000, .bytes_per_second = 1000});
  RawSocket raw(loop_, server_->port());
  ASSERT_TRUE(raw.open_websocket("/ws/a"));
  bool taken = true;
  for (int i = 0; i < 10000 && taken; ++i) {
    taken = raw.send(RawSocket::frame(9, std::string(100, 'p'))) &&
            (i % 100 != 0 || raw.send(RawSocket::frame(1, "between")));
  }
  EXPECT_TRUE(raw.wait_for_end());
  EXPECT_EQ(offences_.size(), 1U);
  expect_others_go_on();
}

TEST_F(ServerWebSocketTest, BrokenFramesEndOnlyTheirConnection) {
  const std::vector<std::string> broken = {
      RawSocket::frame(1, "unmasked", true, false),
      RawSocket::frame(1, std::string(300, 'u'), true, false),
      std::string("\xc1\x80\0\0\0\0", 6),                                   // reserved bit
      RawSocket::frame(3, "reserved opcode"),                               //
      RawSocket::frame(0, "a continuation of nothing"),                     //
      RawSocket::frame(9, std::string(200, 'p')),                           // too long a ping
      RawSocket::frame(8, "x"),                                             // half a close code
      RawSocket::frame(1, "\xff\xfe"),                                      // no UTF-8
      std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14),  // 2^64-1 bytes
      std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14),  // 2^63-1 bytes
  };
  listen();
  Client bystander(loop_, ws_url("bystander"));
  ASSERT_TRUE(until([&] { return bystander.socket->open(); }));
  for (const std::string& bytes : broken) {
    RawSocket raw(loop_, server_->port());
    ASSERT_TRUE(raw.open_websocket("/ws/a"));
    const size_t before = codes_.size();
    raw.send(bytes);
    ASSERT_TRUE(until([&] {
      raw.received();
      return codes_.size() > before || raw.ended();
    })) << testing::PrintToString(bytes);
  }
  bystander.socket->send("still here");
  EXPECT_TRUE(until([&] { return bystander.texts.size() == 1; }));
}

TEST_F(ServerWebSocketTest, BinaryMessagesAreRefused) {
  listen();
  RawSocket raw(loop_, server_->port());
  ASSERT_TRUE(raw.open_websocket("/ws/a"));
  raw.send(RawSocket::frame(2, "binary"));
  EXPECT_TRUE(raw.wait_for(std::string("\x03\xeb", 2)));  // 1003
  EXPECT_THAT(offences_, testing::ElementsAre(1003));
}

TEST_F(ServerWebSocketTest, AClientThatReadsNothingIsDroppedAndItsQueueBounded) {
  listen({.most_queued = 1u << 20});
  RawSocket deaf(loop_, server_->port());
  ASSERT_TRUE(deaf.open_websocket("/ws/a"));
  ASSERT_EQ(ends_.size(), 1U);
  const std::string text(100000, 'x');
  size_t most = 0;
  for (int i = 0; i < 2000 && codes_.empty(); ++i) {
    ends_[0]->send(text);
    most = std::max(most, ends_[0]->queued());
    bool turned = false;
    loop_.post([&] { turned = true; });
    loop_.run_until([&] { return turned; }, 1s);
  }
  EXPECT_TRUE(until([&] { return codes_.size() == 1; }));
  EXPECT_EQ(codes_[0], 0);
  EXPECT_GT(most, 500000U);
  EXPECT_LE(most, (1u << 20) + 10);
  expect_others_go_on();
}

TEST_F(ServerWebSocketTest, TheQueueIsEmptyWhenEverythingWasTaken) {
  listen();
  Client client(loop_, ws_url());
  ASSERT_TRUE(until([&] { return client.socket->open() && !ends_.empty(); }));
  size_t count = 0;
  while (ends_[0]->queued() < 1000000) {
    for (size_t size : {0, 1, 125, 126, 65535, 65536}) {
      ends_[0]->send(std::string(size, 'x'));
      ++count;
    }
  }
  ASSERT_TRUE(until([&] { return client.texts.size() == count; }));
  EXPECT_EQ(ends_[0]->queued(), 0U);
}

TEST_F(ServerWebSocketTest, AFloodDoesNotStarveTheLoop) {
  listen({.burst_bytes = 1e9, .bytes_per_second = 1e9});
  Client flood(loop_, ws_url("flood"));
  Client other(loop_, ws_url("other"));
  ASSERT_TRUE(until([&] { return flood.socket->open() && other.socket->open(); }));
  const std::string text(900000, 'x');
  for (int i = 0; i < 30; ++i) flood.socket->send(text);
  other.socket->send("hello");
  ASSERT_TRUE(until([&] { return !other.texts.empty(); }));
  EXPECT_LT(flood.texts.size(), 25U) << "the small message waited for the whole flood";
}

TEST_F(ServerWebSocketTest, WebPagesFromElsewhereMayNotConnect) {
  listen({}, {.origins = {"https://friend.example"}});
  const std::string own = server_->url();
  auto status = [&](const std::string& origin) {
    Client client(loop_, ws_url(), {{"Origin", origin}});
    EXPECT_TRUE(until([&] { return client.socket->open() || client.closed; }));
    return client.closed ? client.closed->status : 101;
  };
  EXPECT_EQ(status(own), 101);
  EXPECT_EQ(status("https://friend.example"), 101);
  EXPECT_EQ(status("https://evil.example"), 403);
  EXPECT_EQ(status("null"), 403);
  EXPECT_EQ(status("http://127.0.0.1"), 403);  // another port
}

TEST_F(ServerWebSocketTest, TooManyConnectionsAreRefused) {
  listen({}, {.most_sockets = 2});
  Client one(loop_, ws_url());
  Client two(loop_, ws_url());
  ASSERT_TRUE(until([&] { return one.socket->open() && two.socket->open(); }));
  Client three(loop_, ws_url());
  ASSERT_TRUE(until([&] { return three.closed.has_value(); }));
  EXPECT_EQ(three.closed->status, 503);
  ends_.clear();
  Client four(loop_, ws_url());
  EXPECT_TRUE(until([&] { return four.socket->open(); }));
}

TEST_F(ServerWebSocketTest, APlainRequestIsTold) {
  listen();
  const auto reply = get("/ws/a");
  EXPECT_EQ(reply.status, 426);
  EXPECT_EQ(reply.header("upgrade"), "websocket");
}

TEST(SameSecret, ComparesWhole) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
  EXPECT_FALSE(same_secret("abc", std::string_view("abc\0", 4)));
}

}  // namespace
}  // namespace callbot::signaling
