#include "bot/control.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gio/gunixsocketaddress.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/loop.h"
#include "recordings/catalogue_entry.h"
#include "recordings/recording_folder.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMostConnections = 16;
constexpr auto kIdle = 60s;  // of a connection that says nothing
constexpr size_t kChunk = 4096;

// The socket's path, as far as an address can carry it (108 bytes, unix(7)). A longer one is said
// by way of the open folder.
class SocketPath {
 public:
  explicit SocketPath(const fs::path& folder) : path_((folder / kControlSocket).string()) {
    if (path_.size() < sizeof sockaddr_un{}.sun_path) return;
    folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    path_ = fmt::format("/proc/self/fd/{}/{}", folder_, kControlSocket);
  }
  ~SocketPath() {
    if (folder_ >= 0) ::close(folder_);
  }
  SocketPath(const SocketPath&) = delete;
  SocketPath& operator=(const SocketPath&) = delete;
  const std::string& text() const { return path_; }

 private:
  std::string path_;
  int folder_ = -1;
};

std::string refusal(const Error& error) {
  return Json::object()
      .set("ok", false)
      .set("error", Json::object().set("code", name_of(error.code)).set("text", error.message))
      .dump();
}

Code code_named(const std::string& name) {
  for (const Code code :
       {Code::kUsage, Code::kConnect, Code::kDenied, Code::kTimeout, Code::kBadInput,
        Code::kStorage, Code::kUnsupported, Code::kUnmeasured, Code::kInterrupted})
    if (name == name_of(code)) return code;
  return Code::kInternal;
}

}  // namespace

// --- one client

class ControlServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ControlServer& server, GSocketConnection* connection)
      : server_(&server),
        connection_(GRef<GIOStream>::share(G_IO_STREAM(connection))),
        cancel_(GRef<GCancellable>::adopt(g_cancellable_new())) {}

  void read() {
    idle_.once(kIdle, [this] { end(); });
    g_input_stream_read_bytes_async(
        g_io_stream_get_input_stream(connection_.get()), kChunk, G_PRIORITY_DEFAULT, cancel_.get(),
        [](GObject* stream, GAsyncResult* result, gpointer data) {
          const auto self = back(data);
          GBytes* bytes = g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, nullptr);
          if (self) self->got(bytes);
          if (bytes != nullptr) g_bytes_unref(bytes);
        },
        boxed());
  }
  // Nothing of it comes back any more.
  void close() {
    server_ = nullptr;
    idle_.stop();
    g_cancellable_cancel(cancel_.get());
  }

 private:
  using Weak = std::weak_ptr<Connection>;
  gpointer boxed() { return std::make_unique<Weak>(weak_from_this()).release(); }
  static std::shared_ptr<Connection> back(gpointer data) {
    const std::unique_ptr<Weak> weak(static_cast<Weak*>(data));
    auto self = weak->lock();
    return self && self->server_ != nullptr ? self : nullptr;
  }
  void end() {
    if (server_ != nullptr) server_->drop(this);
  }

  void got(GBytes* bytes) {
    gsize size = 0;
    const auto* data =
        bytes == nullptr ? nullptr : static_cast<const char*>(g_bytes_get_data(bytes, &size));
    if (size == 0) return end();  // closed, or broken
    incoming_.append(data, size);
    next();
  }

  void next() {
    const size_t end_of_line = incoming_.find('\n');
    if (std::min(end_of_line, incoming_.size()) > kMostControlLine) {
      last_ = true;
      return write(refusal(
          {Code::kBadInput, fmt::format("a line of more than {} bytes", kMostControlLine)}));
    }
    if (end_of_line == std::string::npos) return read();
    const std::string line = incoming_.substr(0, end_of_line);
    incoming_.erase(0, end_of_line + 1);
    server_->ask(line, [weak = weak_from_this()](std::string answer) {
      if (const auto self = weak.lock()) self->write(std::move(answer));
    });
  }

  void write(std::string line) {
    if (server_ == nullptr) return;  // it all ended meanwhile
    outgoing_ = std::make_shared<const std::string>(std::move(line) + "\n");
    struct Writing {
      gpointer connection;
      std::shared_ptr<const std::string> bytes;
    };
    auto writing = std::make_unique<Writing>(Writing{boxed(), outgoing_});
    g_output_stream_write_all_async(
        g_io_stream_get_output_stream(connection_.get()), outgoing_->data(), outgoing_->size(),
        G_PRIORITY_DEFAULT, cancel_.get(),
        [](GObject* stream, GAsyncResult* result, gpointer data) {
          const std::unique_ptr<Writing> done(static_cast<Writing*>(data));
          const auto self = back(done->connection);
          const bool written = g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result,
                                                                nullptr, nullptr) != FALSE;
          if (self) self->wrote(written);
        },
        writing.release());
  }
  void wrote(bool well) {
    if (!well || last_) return end();
    next();
  }

  ControlServer* server_;
  GRef<GIOStream> connection_;
  GRef<GCancellable> cancel_;
  std::string incoming_;
  std::shared_ptr<const std::string> outgoing_;
  bool last_ = false;
  Timer idle_;
};

// --- all of them

ControlServer::ControlServer(Log log, fs::path folder, Handler handler)
    : log_(std::move(log)),
      folder_(std::move(folder)),
      handler_(std::move(handler)),
      service_(GRef<GSocketService>::adopt(g_socket_service_new())) {}

Result<std::unique_ptr<ControlServer>> ControlServer::create(Log log, const fs::path& folder,
                                                             Handler handler) {
  std::unique_ptr<ControlServer> server(
      new ControlServer(std::move(log), folder, std::move(handler)));
  if (auto listening = server->listen(); !listening) return tl::unexpected(listening.error());
  return server;
}

Result<> ControlServer::listen() {
  GError* error = nullptr;
  const auto broken = [&](const char* doing) {
    const ErrorPtr why(std::exchange(error, nullptr));
    return fail(Code::kStorage, fmt::format("{}: {}: {}", (folder_ / kControlSocket).string(),
                                            doing, why ? why->message : strerror(errno)));
  };
  const auto socket = GRef<GSocket>::adopt(
      g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error));
  if (!socket) return broken("cannot make a socket");
  const SocketPath path(folder_);
  std::error_code ignored;
  fs::remove(folder_ / kControlSocket, ignored);  // of one that was killed
  const auto address = GRef<GSocketAddress>::adopt(g_unix_socket_address_new(path.text().c_str()));
  if (!g_socket_bind(socket.get(), address.get(), FALSE, &error)) return broken("cannot bind");
  // Nobody can connect before it listens, so nobody gets in before it is ours alone.
  if (chmod(path.text().c_str(), S_IRUSR | S_IWUSR) != 0) return broken("cannot be made private");
  if (!g_socket_listen(socket.get(), &error)) return broken("cannot listen");
  if (!g_socket_listener_add_socket(G_SOCKET_LISTENER(service_.get()), socket.get(), nullptr,
                                    &error))
    return broken("cannot listen");
  const auto incoming = [](GSocketService*, GSocketConnection* connection, GObject*,
                           gpointer self) -> gboolean {
    static_cast<ControlServer*>(self)->take(connection);
    return TRUE;
  };
  g_signal_connect(
      service_.get(), "incoming",
      G_CALLBACK(
          +static_cast<gboolean (*)(GSocketService*, GSocketConnection*, GObject*, gpointer)>(
              incoming)),
      this);
  g_socket_service_start(service_.get());
  return {};
}

ControlServer::~ControlServer() {
  g_signal_handlers_disconnect_by_data(service_.get(), this);
  g_socket_service_stop(service_.get());
  g_socket_listener_close(G_SOCKET_LISTENER(service_.get()));
  for (const auto& connection : std::exchange(connections_, {})) connection->close();
  std::error_code ignored;
  fs::remove(folder_ / kControlSocket, ignored);
}

void ControlServer::take(GSocketConnection* connection) {
  if (connections_.size() >= kMostConnections) return log_.warn("too many control connections");
  const auto made = std::make_shared<Connection>(*this, connection);
  connections_.insert(made);
  made->read();
}

void ControlServer::drop(Connection* connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& one) { return one.get() == connection; });
  if (found == connections_.end()) return;
  const auto last = connections_.extract(found);  // it is on the stack
  last.value()->close();
}

void ControlServer::ask(const std::string& line,
                        const std::function<void(std::string)>& answer) const {
  auto request = Json::parse(line, {.most_bytes = kMostControlLine, .deepest = 8});
  if (!request) return answer(refusal(request.error()));
  if (!request->is_object()) return answer(refusal({Code::kBadInput, "expected an object"}));
  handler_(*request, [answer](Result<Json> answered) {
    answer(answered ? answered->set("ok", true).dump() : refusal(answered.error()));
  });
}

// --- the other end

namespace {

std::string why_nobody(const fs::path& folder) {
  const auto entry = recordings::read_entry(folder);
  if (entry.state == "finished" || entry.state == "failed") return "the recording has ended";
  if (entry.state == "cut-off")
    return "nobody records there: the recording was cut off (callbot repair finishes it)";
  return "nobody answers there";
}

class Client {
 public:
  Client(const fs::path& folder, std::chrono::milliseconds within)
      : folder_(folder.string()),
        until_ns_(monotonic_ns() + std::chrono::nanoseconds(within).count()),
        fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<> connect(const fs::path& folder) {
    const SocketPath path(folder);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.text().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return {};
    if (errno == EACCES || errno == EPERM)
      return fail(Code::kDenied, folder_ + ": the recorder is another user's");
    if (errno == EAGAIN) return fail(Code::kTimeout, folder_ + ": the recorder is busy");
    return fail(Code::kConnect, folder_ + ": " + why_nobody(folder));
  }
  Result<> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n >= 0)
        bytes.remove_prefix(static_cast<size_t>(n));
      else if (auto ready = wait(POLLOUT); !ready)
        return ready;
    }
    return {};
  }
  Result<std::string> line() {
    std::string got;
    char buffer[kChunk];
    for (;;) {
      const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
      if (n == 0) return fail(Code::kConnect, folder_ + ": the recorder ended");
      if (n > 0) got.append(buffer, static_cast<size_t>(n));
      if (const size_t end = got.find('\n'); end != std::string::npos) return got.substr(0, end);
      if (n < 0) {
        if (auto ready = wait(POLLIN); !ready) return tl::unexpected(ready.error());
      }
    }
  }

 private:
  // After a call that did not go through.
  Result<> wait(short events) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
      return fail(Code::kConnect, fmt::format("{}: {}", folder_, strerror(errno)));
    const int64_t left_ms = (until_ns_ - monotonic_ns()) / 1'000'000;
    pollfd poll_for{fd_, events, 0};
    if (left_ms <= 0 || poll(&poll_for, 1, static_cast<int>(left_ms)) == 0)
      return fail(Code::kTimeout, folder_ + ": the recorder does not answer");
    return {};
  }

  std::string folder_;
  int64_t until_ns_;
  int fd_;
};

}  // namespace

Result<Json> control_request(const fs::path& folder, const Json& request,
                             std::chrono::milliseconds within) {
  std::error_code ignored;
  if (!fs::exists(folder / recordings::kManifest, ignored))
    return tl::unexpected(recordings::no_recording(folder));
  Client client(folder, within);
  auto line = client.connect(folder)
                  .and_then([&] { return client.send(request.dump() + "\n"); })
                  .and_then([&] { return client.line(); });
  if (!line) return tl::unexpected(line.error());
  auto answer = Json::parse(*line);
  if (!answer) return fail(Code::kInternal, "the recorder's answer is no JSON: " + *line);
  if (answer->at("ok").boolean().value_or(false)) return answer;
  const Json error = answer->at("error");
  const Code code = code_named(error.at("code").text().value_or(""));
  // What it could not take is what our caller asked for: nobody of that name, paused already.
  return fail(code == Code::kBadInput ? Code::kUsage : code,
              error.at("text").text().value_or("refused"));
}

}  // namespace callbot::bot
