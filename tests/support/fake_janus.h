// tests/support/fake_janus.h: a Janus that does what a test tells it, on a FakeWebSocketServer.
// Left alone it answers create, info, attach, keepalive, trickle, detach, hangup and destroy as a
// good server does; what goes to the plugin is the test's to answer.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   never.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/support/fake_websocket_server.h"

namespace callbot::test {

class FakeJanus {
 public:
  explicit FakeJanus(uint16_t port = 0);

  struct Request {
    size_t client = 0;
    std::string type;  // "create", "message" ...
    std::string transaction;
    int64_t handle = 0;
    Json whole;
    Json body;  // of a message
    std::string what() const { return body.at("request").text().value_or(""); }
    std::string sdp() const { return whole.at("jsep").at("sdp").text().value_or(""); }
  };
  // Everything that came, in order.
  std::vector<Request> requests;
  // Says whether it took care of the request; otherwise the good server answers.
  std::function<bool(const Request&)> on_request;
  int session_timeout = 60;

  std::string url() const { return server_.url("/janus"); }
  std::string room_url(const std::string& query = "room=1234") const {
    return "janus+" + url() + "?" + query;
  }
  uint16_t port() const { return server_.port(); }
  FakeWebSocketServer& server() { return server_; }
  size_t count(const std::string& type_or_request) const;
  const Request* last(const std::string& type_or_request) const;

  void raw(size_t client, const std::string& text) { server_.text(client, text); }
  void send(size_t client, const Json& message) { server_.text(client, message.dump()); }
  void ack(const Request& request);
  void error(const Request& request, int code, const std::string& reason);
  // The plugin's answer to a message: as "event" (or "success"), perhaps with a description.
  void reply(const Request& request, const std::string& data, const std::string& jsep_type = "",
             const std::string& sdp = "", const std::string& as = "event");
  // An event of the plugin's own.
  void event(size_t client, int64_t handle, const std::string& data,
             const std::string& jsep_type = "", const std::string& sdp = "");
  // An event of Janus itself: webrtcup, hangup ...
  void core_event(size_t client, int64_t handle, const std::string& type);
  int64_t session() const { return session_; }

 private:
  void received(size_t client, const std::string& text);
  void answer(const Request& request);

  FakeWebSocketServer server_;
  int64_t session_ = 1000;
  int64_t handles_ = 0;
};

}  // namespace callbot::test
