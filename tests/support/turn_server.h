// tests/support/turn_server.h: coturn on 127.0.0.1 and a port that was free, as Debian packages it.
//
// Thread:  any.
// Owner:   the test. Destroying it ends the server.
// Fails:   up() stays false where coturn is not installed.
#pragma once

#include <arpa/inet.h>
#include <glib.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/gref.h"

namespace callbot::test {

class TurnServer {
 public:
  static constexpr char kUser[] = "ann@bot";  // characters that a URI has to escape
  static constexpr char kPassword[] = "p@ss:w%rd";

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
  uint16_t port() const { return port_; }
  // RFC 7065.
  std::string url(const std::string& transport) const { return url(transport, port_); }
  // As --ice-server takes it; `port`: of who stands before it.
  std::string flag(const std::string& transport) const { return flag(transport, port_); }
  std::string flag(const std::string& transport, uint16_t port) const {
    const auto escaped = [](const char* text) {
      return std::string(Text(g_uri_escape_string(text, nullptr, FALSE)).get());
    };
    return "turn:" + escaped(kUser) + ":" + escaped(kPassword) + "@" +
           url(transport, port).substr(5);
  }

 private:
  static std::string url(const std::string& transport, uint16_t port) {
    return "turn:127.0.0.1:" + std::to_string(port) + "?transport=" + transport;
  }
  static sockaddr_in on_loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  static uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = on_loopback(0);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      abort();
    close(fd);
    return ntohs(address.sin_port);
  }

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

}  // namespace callbot::test
