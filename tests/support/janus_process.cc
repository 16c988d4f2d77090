#include "tests/support/janus_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

#include "base/files.h"
#include "base/gref.h"

namespace callbot::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kProgram = "/usr/bin/janus";
constexpr auto kUpWithin = 20s;  // a busy machine
constexpr int kMediaPorts = 200;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) abort();
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

bool listens(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  const bool yes = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return yes;
}

// Where Debian puts it, for whatever machine this is.
fs::path plugins_beside(const char* kind) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib", ignored))
    if (fs::exists(entry.path() / "janus" / kind, ignored)) return entry.path() / "janus" / kind;
  return {};
}

// Janus 1.1 never gathers candidates on a loopback interface.
bool host_has_a_network() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next)
    found |= one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
             (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
  freeifaddrs(list);
  return found;
}

// Debian 13 has no package of it.
bool is_left_out() {
  const auto release = read_file("/usr/lib/os-release", 1 << 16);
  return release && ("\n" + *release).find("\nVERSION_CODENAME=trixie\n") != std::string::npos;
}

Result<> write(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) return fail(Code::kStorage, path.string());
  return {};
}

}  // namespace

bool JanusProcess::installed() { return access(kProgram, X_OK) == 0; }

std::string JanusProcess::unavailable() {
  return !installed() && is_left_out() ? "this Debian has no package janus" : "";
}

std::string JanusProcess::unusable() {
  if (auto why = unavailable(); !why.empty()) return why;
  return host_has_a_network() ? "" : "Janus needs an interface besides loopback";
}

Result<std::unique_ptr<JanusProcess>> JanusProcess::start(Loop& loop, JanusSetup setup) {
  if (!installed()) return fail(Code::kUnsupported, kHowTo);
  std::unique_ptr<JanusProcess> process(new JanusProcess(loop, std::move(setup)));
  return process->configure().and_then([&] { return process->run(); }).map([&] {
    return std::move(process);
  });
}

Result<> JanusProcess::configure() {
  Text made(g_dir_make_tmp("callbot-janus-XXXXXX", nullptr));
  if (!made) return fail(Code::kStorage, "no temporary folder");
  folder_ = made.get();
  port_ = free_port();
  first_media_port_ = static_cast<uint16_t>(30000 + (port_ % 150) * kMediaPorts);

  const std::string core = fmt::format(
      "general: {{ configs_folder = \"{0}\" plugins_folder = \"{1}\" transports_folder = \"{2}\"\n"
      "  loggers_folder = \"{0}\" events_folder = \"{0}\" interface = \"127.0.0.1\" debug_level = "
      "4\n"
      "  session_timeout = 60 server_name = \"test\"\n{3} }}\n"
      "certificates: {{ }}\n"
      "media: {{ rtp_port_range = \"{4}-{5}\" }}\n"
      "nat: {{ ice_enforce_list = \"lo\" full_trickle = {6} ice_ignore_list = \"vmnet\" }}\n"
      "plugins: {{ disable = \"libjanus_lua.so,libjanus_duktape.so,libjanus_sip.so,"
      "libjanus_nosip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,"
      "libjanus_voicemail.so,libjanus_recordplay.so,libjanus_audiobridge.so,libjanus_echotest.so\" "
      "}}\n"
      "transports: {{ disable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,"
      "libjanus_pfunix.so,libjanus_rabbitmq.so\" }}\n",
      folder_.string(), plugins_beside("plugins").string(), plugins_beside("transports").string(),
      setup_.general, first_media_port_, first_media_port_ + kMediaPorts - 1, setup_.full_trickle);
  const std::string transport =
      setup_.tls ? fmt::format(
                       "general: {{ ws = false wss = true wss_port = {} wss_ip = "
                       "\"127.0.0.1\" }}\ncertificates: {{ cert_pem = \"{}\" cert_key = "
                       "\"{}\" }}\n",
                       port_, setup_.cert_file, setup_.key_file)
                 : fmt::format(
                       "general: {{ ws = true ws_port = {} ws_ip = \"127.0.0.1\" wss = "
                       "false }}\n",
                       port_);
  const std::string plugin =
      fmt::format("general: {{ {} }}\n{}\n", setup_.plugin_general, setup_.rooms);
  return write(folder_ / "janus.jcfg", core)
      .and_then([&] { return write(folder_ / "janus.transport.websockets.jcfg", transport); })
      .and_then([&] { return write(folder_ / "janus.plugin.videoroom.jcfg", plugin); });
}

Result<> JanusProcess::run() {
  return spawn().and_then([this] { return wait_until_it_listens(); });
}

Result<> JanusProcess::spawn() {
  const std::string configs = folder_.string(), config = (folder_ / "janus.jcfg").string();
  const std::string output = (folder_ / "log").string();
  std::vector<const char*> arguments{kProgram, "-F",           configs.c_str(),
                                     "-C",     config.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error = posix_spawn(&pid_, kProgram, &actions, nullptr,
                                const_cast<char**>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Code::kConnect, fmt::format("cannot start janus: {}", error));
  return {};
}

Result<> JanusProcess::wait_until_it_listens() {
  bool died = false;
  const bool up = loop_.run_until(
      [&] {
        died = waitpid(pid_, nullptr, WNOHANG) == pid_;
        return died || listens(port_);
      },
      kUpWithin);
  if (died) pid_ = 0;
  if (up && !died) return {};
  return fail(Code::kConnect, "janus did not come up:\n" + log());
}

std::string JanusProcess::log() const {
  return read_file(folder_ / "log", 1 << 20).value_or("no log");
}

JanusProcess::~JanusProcess() {
  end(SIGTERM);
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

void JanusProcess::kill() { end(SIGKILL); }

void JanusProcess::end(int signal) {
  if (pid_ == 0) return;
  ::kill(pid_, signal);
  const auto gone = [this] { return waitpid(pid_, nullptr, WNOHANG) != 0; };
  if (!loop_.run_until(gone, 5s)) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_ = 0;
}

std::string JanusProcess::url() const {
  return fmt::format("{}://127.0.0.1:{}/janus", setup_.tls ? "wss" : "ws", port_);
}

std::string JanusProcess::room_url(const std::string& query) const {
  return fmt::format("janus+{}?{}", url(), query);
}

}  // namespace callbot::test
