// Two Peers that meet at a TURN server only: coturn, as Debian packages it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/loopback.h"

namespace callbot::pipelines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr char kUser[] = "ann@bot";  // characters that a URI has to escape
constexpr char kPassword[] = "p@ss:w%rd";

sockaddr_in on_loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = on_loopback(0);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    abort();
  close(fd);
  return ntohs(address.sin_port);
}

class TurnServer {
 public:
  TurnServer() : port_(free_port()) {
    folder_ = std::filesystem::temp_directory_path() /
              ("callbot-turn-" + std::to_string(getpid()) + "-" + std::to_string(port_));
    std::filesystem::create_directories(folder_);
    process_ = fork();
    if (process_ == 0) run();
  }
  ~TurnServer() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  bool up() const {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = on_loopback(port_);
    const bool connected =
        connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return connected;
  }
  IceServer server(const std::string& transport) const {
    return {.url = "turn:127.0.0.1:" + std::to_string(port_) + "?transport=" + transport,
            .username = kUser,
            .credential = kPassword};
  }

 private:
  [[noreturn]] void run() {
    const std::string port = "--listening-port=" + std::to_string(port_);
    const std::string user = std::string("--user=") + kUser + ":" + kPassword;
    const std::string pid = "--pidfile=" + (folder_ / "pid").string();
    const std::string log = "--log-file=" + (folder_ / "log").string();
    const std::string data = "--userdb=" + (folder_ / "db").string();
    execlp("turnserver", "turnserver", "-n", "--listening-ip=127.0.0.1", port.c_str(),
           "--relay-ip=127.0.0.1", "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli",
           "--lt-cred-mech", "--realm=callbot.test", user.c_str(), pid.c_str(), log.c_str(),
           data.c_str(), "--simple-log", static_cast<char*>(nullptr));
    _exit(127);
  }

  uint16_t port_;
  std::filesystem::path folder_;
  pid_t process_ = -1;
};

class TurnTest : public testing::TestWithParam<const char*> {};

TEST_P(TurnTest, MediaGoesThroughTheRelayAlone) {
  TurnServer turn;
  Loop loop;
  ASSERT_TRUE(loop.run_until([&] { return turn.up(); }, 10s)) << "is coturn installed?";
  auto pattern = small_pattern(loop);
  LoopbackConfig config{.offerer = {.source = pattern.get()}, .answerer = {}};
  for (PeerConfig* end : {&config.offerer, &config.answerer}) {
    end->ice.servers = {turn.server(GetParam())};
    end->ice.relay_only = true;
  }
  Loopback link(loop, config);
  ASSERT_TRUE(link.connect(30s)) << link.log();
  EXPECT_TRUE(link.flows(link.b, MediaKind::kVideo)) << link.log();
  for (const std::string& candidate : link.a.local_candidates)
    EXPECT_THAT(candidate, Not(HasSubstr("typ host")));
  EXPECT_THAT(link.b.peer->stats().selected_pair, HasSubstr("relay 127.0.0.1"));
  // Nothing to send: the watchdog has to hear the answers to its checks through the relay too.
  link.a.peer->set_sending(MediaKind::kAudio, false);
  link.a.peer->set_sending(MediaKind::kVideo, false);
  link.run_for(7s);
  EXPECT_FALSE(link.a.failure) << link.log();
  EXPECT_FALSE(link.b.failure) << link.log();
}

INSTANTIATE_TEST_SUITE_P(Over, TurnTest, testing::Values("udp", "tcp"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace callbot::pipelines
