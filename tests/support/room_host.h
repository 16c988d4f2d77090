// tests/support/room_host.h: a room server that can be killed and started again on its port, and a
// member of its rooms that speaks the wire format by hand.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   the test, through EXPECT.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/loop.h"
#include "signaling/http_server.h"
#include "signaling/room_server.h"
#include "signaling/websocket.h"

namespace callbot::test {

class RoomHost {
 public:
  explicit RoomHost(Loop& loop, signaling::RoomServerConfig config = {},
                    signaling::HttpServerConfig http = {}, signaling::RoomHooks hooks = {})
      : loop_(loop),
        config_(std::move(config)),
        http_config_(std::move(http)),
        hooks_(std::move(hooks)) {
    start();
  }
  void start() {
    auto made = signaling::HttpServer::create(loop_, Log("host"), http_config_);
    ASSERT_TRUE(made) << made.error().message;
    http_ = std::move(*made);
    http_config_.port = http_->port();
    rooms_ = std::make_unique<signaling::RoomServer>(loop_, Log("host"), *http_, config_, hooks_);
  }
  // Without goodbye, as if the process were gone.
  void kill() {
    rooms_.reset();
    http_.reset();
  }
  signaling::RoomServer& rooms() { return *rooms_; }
  signaling::HttpServer& http() { return *http_; }
  std::string url(const std::string& room = "demo") const {
    return std::string(http_config_.cert_file.empty() ? "ws" : "wss") +
           "://127.0.0.1:" + std::to_string(http_config_.port) + "/rooms/" + room;
  }
  uint16_t port() const { return http_config_.port; }

 private:
  Loop& loop_;
  signaling::RoomServerConfig config_;
  signaling::HttpServerConfig http_config_;
  signaling::RoomHooks hooks_;
  std::unique_ptr<signaling::HttpServer> http_;
  std::unique_ptr<signaling::RoomServer> rooms_;
};

class RawMember {
 public:
  RawMember(Loop& loop, const std::string& url) : loop_(loop) {
    signaling::WebSocketConfig config;
    config.url = url;
    config.most_incoming = 8u << 20;
    signaling::WebSocketHandlers handlers;
    handlers.text = [this](std::string_view text) {
      auto json = Json::parse(text, {8u << 20, 16});
      ASSERT_TRUE(json) << text;
      got_.push_back(*json);
    };
    handlers.closed = [this](const signaling::WebSocketClosed& how) { closed_ = how; };
    socket_ = signaling::WebSocket::connect(loop, std::move(config), std::move(handlers));
  }
  bool open() {
    return loop_.run_until([&] { return socket_->open() || closed_; }, kPatience) && !closed_;
  }
  void send(const std::string& text) { socket_->send(text); }
  void send(const Json& json) { send(json.dump()); }

  static Json join_message(const std::string& name) {
    return Json::object()
        .set("type", "join")
        .set("version", 1)
        .set("name", name)
        .set("sends", true)
        .set("receives", true);
  }
  // Opens, joins and gives "joined", or null.
  Json join(const std::string& name) { return join(join_message(name)); }
  Json join(const Json& message) {
    if (!open()) return {};
    send(message);
    Json joined = next("joined");
    id_ = joined.at("id").text().value_or("");
    key_ = joined.at("key").text().value_or("");
    since_ = joined.at("since").whole().value_or(0);
    return joined;
  }
  Json comeback_message(const std::string& name) const {
    return join_message(name).set("id", id_).set("key", key_).set("since", since_);
  }
  // The next message of this type; others before it are dropped. Null when none comes.
  Json next(const std::string& type, std::chrono::milliseconds within = kPatience) {
    Json found;
    loop_.run_until([&] { return take(type, found) || (closed_ && !take(type, found)); }, within);
    return found;
  }
  // The oldest message that nobody took, whatever it is; null when there is none.
  Json pop() {
    if (got_.empty()) return {};
    Json first = got_.front();
    got_.erase(got_.begin());
    return first;
  }
  // The code of the next error; empty when none comes.
  std::string next_error() { return next("error").at("code").text().value_or(""); }
  bool wait_closed() {
    return loop_.run_until([&] { return closed_.has_value(); }, kPatience);
  }
  // A round trip: the server has seen all we sent, and we have got all it sent before.
  bool ping() {
    send(Json::object().set("type", "ping").set("n", ++pings_));
    return next("pong").at("n").whole() == pings_;
  }
  size_t count(const std::string& type) const {
    return static_cast<size_t>(std::count_if(got_.begin(), got_.end(), [&](const Json& json) {
      return json.at("type").text() == type;
    }));
  }
  void close() { socket_->close(); }
  void drop() { socket_.reset(); }
  const std::optional<signaling::WebSocketClosed>& closed() const { return closed_; }
  const std::string& id() const { return id_; }
  const std::string& key() const { return key_; }
  int64_t since() const { return since_; }

 private:
  static constexpr std::chrono::milliseconds kPatience{10000};

  bool take(const std::string& type, Json& found) {
    for (size_t i = 0; i < got_.size(); ++i) {
      if (got_[i].at("type").text() != type) continue;
      found = got_[i];
      got_.erase(got_.begin(), got_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      return true;
    }
    return false;
  }

  Loop& loop_;
  std::unique_ptr<signaling::WebSocket> socket_;
  std::vector<Json> got_;
  std::optional<signaling::WebSocketClosed> closed_;
  std::string id_;
  std::string key_;
  int64_t since_ = 0;
  int64_t pings_ = 0;
};

}  // namespace callbot::test
