#include "signaling/http.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "signaling/http_server.h"
#include "signaling/tls_auto.h"
#include "tests/support/temp_folder.h"

namespace callbot::signaling {
namespace {

using namespace std::chrono_literals;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kSoon = 10s;

class Http : public testing::Test {
 protected:
  Http() { serve({}); }
  void serve(HttpServerConfig config) {
    auto made = HttpServer::create(loop_, Log("test"), std::move(config));
    ASSERT_TRUE(made) << made.error().message;
    server_ = std::move(*made);
  }
  // A path that remembers what it is asked and answers this.
  void answer(const std::string& method, const std::string& path, HttpResponse response) {
    server_->route(method, path, [this, response](const HttpRequest& request, Responder responder) {
      asked_.push_back(request);
      responder.send(response);
    });
  }
  void redirect(const std::string& method, const std::string& path, int status,
                const std::string& location) {
    answer(method, path, {.status = status, .headers = {{"Location", location}}});
  }
  Result<HttpReply> call(HttpCall call, TlsTrust trust = {}) {
    HttpClient client(loop_, std::move(trust));
    std::optional<Result<HttpReply>> result;
    if (call.url.starts_with("/")) call.url = server_->url() + call.url;
    client.call(std::move(call), [&](auto reply) { result = std::move(reply); });
    EXPECT_FALSE(result) << "called from inside call()";
    EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }, kSoon));
    return result.value_or(fail(Code::kInternal, "no answer"));
  }

  Loop loop_;
  std::unique_ptr<HttpServer> server_;
  std::vector<HttpRequest> asked_;
};

TEST_F(Http, SendsMethodBodyHeadersAndBearer) {
  answer("POST", "/whip",
         {.status = 201,
          .content_type = "application/sdp",
          .body = "v=0",
          .headers = {{"Location", "/resource/1"}, {"ETag", "\"x\""}}});
  const auto reply = call({.method = "POST",
                           .url = "/whip",
                           .headers = {{"X-Test", "42"}},
                           .content_type = "application/sdp",
                           .body = "offer",
                           .bearer = "t0ken"});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "v=0");
  EXPECT_EQ(reply->header("etag"), "\"x\"");
  EXPECT_EQ(reply->header("no-such-header"), "");
  EXPECT_EQ(resolve_url(reply->url, reply->header("location")).value(),
            server_->url() + "/resource/1");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].body, "offer");
  EXPECT_EQ(asked_[0].bearer(), "t0ken");
  EXPECT_EQ(asked_[0].header("content-type"), "application/sdp");
  EXPECT_EQ(asked_[0].header("x-test"), "42");
}

TEST_F(Http, AStatusIsNoFailureButMeansOne) {
  for (const auto& [status, code] : {std::pair{404, Code::kConnect},
                                     {401, Code::kDenied},
                                     {403, Code::kDenied},
                                     {503, Code::kConnect}}) {
    const std::string path = fmt::format("/{}", status);
    answer("GET", path, {.status = status});
    const auto reply = call({.url = path});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(error_of(*reply).code, code);
    EXPECT_THAT(error_of(*reply).message, HasSubstr(path));
  }
}

TEST_F(Http, TemporaryAndPermanentRedirectsKeepMethodAndBody) {
  redirect("POST", "/a", 307, "/b");
  redirect("POST", "/b", 308, "c");
  answer("POST", "/c", {.status = 201});
  const auto reply = call(
      {.method = "POST", .url = "/a", .content_type = "text/plain", .body = "hi", .bearer = "t"});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->url, server_->url() + "/c");
  ASSERT_EQ(asked_.size(), 3U);
  EXPECT_EQ(asked_[2].body, "hi");
  EXPECT_EQ(asked_[2].bearer(), "t");
}

TEST_F(Http, OtherRedirectsAreFollowedForGetOnly) {
  redirect("GET", "/a", 302, "/b");
  redirect("POST", "/a", 302, "/b");
  answer("GET", "/b", {.content_type = "text/plain", .body = "there"});
  EXPECT_EQ(call({.url = "/a"})->body, "there");
  EXPECT_EQ(call({.method = "POST", .url = "/a"})->status, 302);
}

TEST_F(Http, TheBearerStaysWithItsOrigin) {
  auto other = HttpServer::create(loop_, Log("test"), {});
  ASSERT_TRUE(other);
  std::vector<HttpRequest> elsewhere;
  (*other)->route("GET", "/b", [&](const HttpRequest& request, Responder responder) {
    elsewhere.push_back(request);
    responder.send({.status = 204});
  });
  redirect("GET", "/a", 307, (*other)->url() + "/b");
  const auto reply = call(
      {.url = "/a", .headers = {{"Cookie", "secret"}, {"X-Test", "public"}}, .bearer = "t0ken"});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 204);
  ASSERT_EQ(elsewhere.size(), 1U);
  EXPECT_EQ(elsewhere[0].header("authorization"), "");
  EXPECT_EQ(elsewhere[0].header("cookie"), "");
  EXPECT_EQ(elsewhere[0].header("x-test"), "public");
}

TEST_F(Http, RedirectsWithoutEndOrToNowhere) {
  redirect("GET", "/round", 307, "/round");
  const auto round = call({.url = "/round"});
  ASSERT_FALSE(round);
  EXPECT_EQ(round.error().code, Code::kConnect);
  EXPECT_EQ(asked_.size(), 6U);
  redirect("GET", "/ftp", 307, "ftp://host/x");
  EXPECT_EQ(call({.url = "/ftp"}).error().code, Code::kUsage);
  redirect("GET", "/bad", 307, "http://[::1/x");
  EXPECT_FALSE(call({.url = "/bad"}));
}

TEST_F(Http, AnAnswerThatIsTooLargeIsCutOff) {
  answer("GET", "/big", {.content_type = "text/plain", .body = std::string(5u << 20, 'x')});
  const auto reply = call({.url = "/big"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kBadInput);
  EXPECT_THAT(reply.error().message, HasSubstr("larger"));
  EXPECT_EQ(call({.url = "/big", .most_response = 5u << 20})->body.size(), 5u << 20);
}

TEST_F(Http, NoAnswerWithinTheDeadline) {
  std::vector<Responder> held;
  server_->route("GET", "/slow",
                 [&](const HttpRequest&, Responder responder) { held.push_back(responder); });
  const auto reply = call({.url = "/slow", .deadline = 150ms});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kTimeout);
}

TEST_F(Http, WrongUrlsAndNobodyThere) {
  for (const char* url : {"", "hello", "ws://127.0.0.1/", "http://", "http:///x"})
    EXPECT_EQ(call({.url = url}).error().code, Code::kUsage) << url;
  const std::string gone = server_->url();
  server_.reset();
  const auto refused = call({.url = gone});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnect);
  EXPECT_EQ(call({.url = "http://no-such-host.invalid/"}).error().code, Code::kConnect);
}

TEST_F(Http, TlsIsTrustedByTheAuthoritysFileOnly) {
  TempFolder folder;
  const auto certificate = auto_certificate(folder.path(), {"127.0.0.1"});
  ASSERT_TRUE(certificate) << certificate.error().message;
  serve({.cert_file = certificate->cert_file, .key_file = certificate->key_file});
  answer("GET", "/", {.status = 204});
  EXPECT_EQ(call({.url = "/"}, {.ca_file = certificate->ca_file})->status, 204);
  EXPECT_EQ(call({.url = "/"}, {.insecure = true})->status, 204);
  const auto refused = call({.url = "/"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("--ca"));
  EXPECT_EQ(asked_.size(), 2U);

  redirect("GET", "/down", 307, "http://127.0.0.1:1/");
  const auto down = call({.url = "/down"}, {.ca_file = certificate->ca_file});
  ASSERT_FALSE(down);
  EXPECT_THAT(down.error().message, HasSubstr("https"));
}

TEST_F(Http, ACallbackMayDestroyTheClient) {
  answer("GET", "/", {.status = 204});
  auto client = std::make_unique<HttpClient>(loop_, TlsTrust{});
  bool called = false, other = false;
  client->call({.url = server_->url() + "/"}, [&](auto) {
    called = true;
    client.reset();
  });
  ASSERT_TRUE(loop_.run_until([&] { return called; }, kSoon));

  client = std::make_unique<HttpClient>(loop_, TlsTrust{});
  client->call({.url = server_->url() + "/"}, [&](auto) { other = true; });
  client->call({.url = "nonsense"}, [&](auto) { other = true; });
  client.reset();
  EXPECT_EQ(call({.url = "/"})->status, 204);
  EXPECT_FALSE(other) << "a client that is gone calls nobody";
}

TEST_F(Http, SeveralCallsAtOnce) {
  for (const char* path : {"/a", "/b", "/c"})
    answer("GET", path, {.content_type = "text/plain", .body = path});
  HttpClient client(loop_, {});
  std::vector<std::string> bodies;
  for (const char* path : {"/a", "/b", "/c"})
    client.call({.url = server_->url() + path}, [&](auto reply) { bodies.push_back(reply->body); });
  ASSERT_TRUE(loop_.run_until([&] { return bodies.size() == 3; }, kSoon));
  std::sort(bodies.begin(), bodies.end());
  EXPECT_THAT(bodies, ElementsAre("/a", "/b", "/c"));
}

TEST(ResolveUrl, References) {
  EXPECT_EQ(resolve_url("http://h:1/a/b", "c").value(), "http://h:1/a/c");
  EXPECT_EQ(resolve_url("http://h:1/a/b", "/c?d=1").value(), "http://h:1/c?d=1");
  EXPECT_EQ(resolve_url("http://h/a", "https://other/x").value(), "https://other/x");
  EXPECT_EQ(resolve_url("http://h/a", "http://[::1").error().code, Code::kBadInput);
}

}  // namespace
}  // namespace callbot::signaling
