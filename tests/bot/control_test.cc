#include "bot/control.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "base/loop.h"
#include "tests/support/temp_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A connection that sends exactly what it is told to.
class Raw {
 public:
  Raw(Loop& loop, const fs::path& folder)
      : loop_(loop), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder / kControlSocket).string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Raw() { ::close(fd_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  void send(std::string_view bytes) {
    EXPECT_TRUE(loop_.run_until(
        [&] {
          const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
          if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
          return bytes.empty() || (n < 0 && errno == EPIPE);
        },
        10s));
  }
  std::string line() {
    size_t end = std::string::npos;
    loop_.run_until(
        [&] {
          pull();
          end = got_.find('\n');
          return end != std::string::npos || ended_;
        },
        10s);
    if (end == std::string::npos) return "(none)";
    const std::string line = got_.substr(0, end);
    got_.erase(0, end + 1);
    return line;
  }
  bool ended() {
    return loop_.run_until(
        [&] {
          pull();
          return ended_;
        },
        10s);
  }

 private:
  void pull() {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) got_.append(buffer, static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN)) ended_ = true;
  }
  Loop& loop_;
  int fd_;
  std::string got_;
  bool ended_ = false;
};

class Control : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(folder_.path() / "manifest.json") << "{}"; }
  // Answers with what it was asked; "fail" fails.
  void serve(const fs::path& folder) {
    auto made =
        ControlServer::create(Log("test"), folder, [this](const Json& request, const auto& answer) {
          ++asked_;
          if (request.at("do").text() == "later") return void(later_ = answer);
          if (request.at("do").text() == "fail")
            return answer(fail(Code::kUnsupported, "not here"));
          answer(Json::object().set("was", request));
        });
    ASSERT_TRUE(made) << made.error().message;
    server_ = std::move(*made);
  }
  // The client blocks: it asks on a thread while the loop turns.
  Result<Json> ask(const fs::path& folder, const Json& request,
                   std::chrono::milliseconds within = 10s) {
    auto answer =
        std::async(std::launch::async, [&] { return control_request(folder, request, within); });
    EXPECT_TRUE(
        loop_.run_until([&] { return answer.wait_for(0s) == std::future_status::ready; }, 20s));
    return answer.get();
  }

  Loop loop_;
  test::TempFolder folder_;
  std::unique_ptr<ControlServer> server_;
  ControlServer::Answer later_;
  int asked_ = 0;
};

TEST_F(Control, AnswersWhatItIsAsked) {
  serve(folder_.path());
  const auto answer = ask(folder_.path(), Json::object().set("do", "x").set("text", "a\nb"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->at("was").at("text").text(), "a\nb");
  const auto refused = ask(folder_.path(), Json::object().set("do", "fail"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_EQ(refused.error().message, "not here");
}

TEST_F(Control, TheSocketIsItsOwnersAloneAndGoesWithTheServer) {
  serve(folder_.path());
  struct stat s {};
  ASSERT_EQ(stat((folder_.path() / kControlSocket).c_str(), &s), 0);
  EXPECT_TRUE(S_ISSOCK(s.st_mode));
  EXPECT_EQ(s.st_mode & 0777U, 0600U);
  server_.reset();
  EXPECT_FALSE(fs::exists(folder_.path() / kControlSocket));
}

TEST_F(Control, AFolderWithALongPathHasItsSocketToo) {
  fs::path folder = folder_.path();
  for (int i = 0; i < 4; ++i) folder /= std::string(60, 'x');
  fs::create_directories(folder);
  std::ofstream(folder / "manifest.json") << "{}";
  serve(folder);
  EXPECT_TRUE(fs::exists(folder / kControlSocket));
  EXPECT_TRUE(ask(folder, Json::object().set("do", "x")));
}

TEST_F(Control, NobodyRecordsThere) {
  const auto request = Json::object().set("do", "x");
  const auto nobody = ask(folder_.path(), request);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kConnect);
  EXPECT_THAT(nobody.error().message, HasSubstr("nobody answers there"));
  // A recorder that was killed leaves its socket.
  serve(folder_.path());
  fs::rename(folder_.path() / kControlSocket, folder_.path() / "kept");
  server_.reset();
  fs::rename(folder_.path() / "kept", folder_.path() / kControlSocket);
  const auto dead = ask(folder_.path(), request);
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().code, Code::kConnect);
  serve(folder_.path());
  EXPECT_TRUE(ask(folder_.path(), request)) << "the next one takes the place";

  EXPECT_EQ(ask(folder_.path() / "no", request).error().code, Code::kBadInput);
  fs::remove(folder_.path() / "manifest.json");
  EXPECT_EQ(ask(folder_.path(), request).error().code, Code::kBadInput);
}

TEST_F(Control, ARecorderThatDoesNotAnswerIsNotWaitedForForEver) {
  serve(folder_.path());
  // Nobody turns the loop.
  const auto answer = control_request(folder_.path(), Json::object().set("do", "x"), 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST_F(Control, LinesAreAnsweredInOrderHoweverTheyCome) {
  serve(folder_.path());
  Raw raw(loop_, folder_.path());
  raw.send("{\"do\":\"a\"}\n{\"do\":\"fail\"}\n{\"do\"");
  EXPECT_THAT(raw.line(), HasSubstr("\"do\":\"a\""));
  EXPECT_THAT(raw.line(), HasSubstr("\"unsupported\""));
  raw.send(":\"b\"}\n");
  EXPECT_THAT(raw.line(), HasSubstr("\"do\":\"b\""));
}

TEST_F(Control, AnAnswerMayComeLaterAndWhatIsBehindItWaits) {
  serve(folder_.path());
  Raw raw(loop_, folder_.path());
  raw.send("{\"do\":\"later\"}\n{\"do\":\"a\"}\n");
  ASSERT_TRUE(loop_.run_until([&] { return later_ != nullptr; }, 10s));
  EXPECT_TRUE(ask(folder_.path(), Json::object().set("do", "x"))) << "others are answered";
  EXPECT_EQ(asked_, 2);
  later_(Json::object().set("was", "late"));
  EXPECT_THAT(raw.line(), HasSubstr("\"late\""));
  EXPECT_THAT(raw.line(), HasSubstr("\"do\":\"a\""));
  raw.send("{\"do\":\"later\"}\n");
  later_ = nullptr;
  ASSERT_TRUE(loop_.run_until([&] { return later_ != nullptr; }, 10s));
  server_.reset();
  later_(Json::object());  // to nobody
  EXPECT_TRUE(raw.ended());
}

TEST_F(Control, NonsenseIsRefusedAndTheConnectionGoesOn) {
  serve(folder_.path());
  Raw raw(loop_, folder_.path());
  for (const char* line : {"", "nonsense", "[]", "{\"do\":1,\"do\":2}", "\xff\xfe", "{"}) {
    raw.send(std::string(line) + "\n");
    EXPECT_THAT(raw.line(), HasSubstr("\"bad-input\"")) << line;
  }
  std::string deep(1000, '[');
  raw.send(deep + "\n");
  EXPECT_THAT(raw.line(), HasSubstr("\"bad-input\""));
  EXPECT_EQ(asked_, 0);
  raw.send("{\"do\":\"a\"}\n");
  EXPECT_THAT(raw.line(), HasSubstr("\"ok\":true"));
}

TEST_F(Control, ALineThatIsTooLongEndsTheConnection) {
  serve(folder_.path());
  Raw raw(loop_, folder_.path());
  raw.send(std::string(kMostControlLine + 5000, 'x'));
  EXPECT_THAT(raw.line(), HasSubstr("more than 65536 bytes"));
  EXPECT_TRUE(raw.ended());
  EXPECT_TRUE(ask(folder_.path(), Json::object().set("do", "x"))) << "others go on";
}

TEST_F(Control, ManyConnectionsTakeNothingFromThoseThatAreThere) {
  serve(folder_.path());
  std::vector<std::unique_ptr<Raw>> all;
  for (int i = 0; i < 16; ++i) {
    all.push_back(std::make_unique<Raw>(loop_, folder_.path()));
    all.back()->send("{\"do\":\"a\"}\n");
    EXPECT_THAT(all.back()->line(), HasSubstr("\"ok\":true"));
  }
  Raw one_more(loop_, folder_.path());
  EXPECT_TRUE(one_more.ended());
  all[3]->send("{\"do\":\"a\"}\n");
  EXPECT_THAT(all[3]->line(), HasSubstr("\"ok\":true"));
  all.clear();
  loop_.run_until([&] { return ask(folder_.path(), Json::object().set("do", "x")).has_value(); },
                  10s);
  EXPECT_TRUE(ask(folder_.path(), Json::object().set("do", "x")));
}

TEST_F(Control, TheServerMayEndWhileSomebodyIsConnected) {
  serve(folder_.path());
  Raw raw(loop_, folder_.path());
  raw.send("{\"do\":\"a\"}\n{\"do\"");
  EXPECT_THAT(raw.line(), HasSubstr("\"ok\":true"));
  server_.reset();
  EXPECT_TRUE(raw.ended());
}

}  // namespace
}  // namespace callbot::bot
