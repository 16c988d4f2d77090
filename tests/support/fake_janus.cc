#include "tests/support/fake_janus.h"

#include <gtest/gtest.h>

namespace callbot::test {
namespace {

Json plugin_message(const std::string& as, int64_t session, int64_t handle, const std::string& data,
                    const std::string& jsep_type, const std::string& sdp) {
  auto parsed = Json::parse(data);
  EXPECT_TRUE(parsed) << data;
  Json message = Json::object()
                     .set("janus", as)
                     .set("session_id", session)
                     .set("sender", handle)
                     .set("plugindata", Json::object()
                                            .set("plugin", "janus.plugin.videoroom")
                                            .set("data", parsed.value_or(Json::object())));
  if (!jsep_type.empty())
    message.set("jsep", Json::object().set("type", jsep_type).set("sdp", sdp));
  return message;
}

}  // namespace

FakeJanus::FakeJanus(uint16_t port) : server_("janus-protocol", {}, port) {
  server_.on_text = [this](size_t client, const std::string& text) { received(client, text); };
}

void FakeJanus::received(size_t client, const std::string& text) {
  auto message = Json::parse(text);
  ASSERT_TRUE(message) << text;
  Request request{client,
                  message->at("janus").text().value_or(""),
                  message->at("transaction").text().value_or(""),
                  message->at("handle_id").whole().value_or(0),
                  *message,
                  message->at("body")};
  EXPECT_NE(request.transaction, "") << text;
  requests.push_back(request);
  if (!on_request || !on_request(request)) answer(request);
}

void FakeJanus::answer(const Request& request) {
  Json message = Json::object().set("janus", "success").set("transaction", request.transaction);
  if (request.type == "create") {
    message.set("data", Json::object().set("id", ++session_));
  } else if (request.type == "attach") {
    message.set("session_id", session_).set("data", Json::object().set("id", ++handles_));
  } else if (request.type == "info") {
    message.set("janus", "server_info").set("session-timeout", session_timeout);
  } else if (request.type == "keepalive" || request.type == "trickle" ||
             request.type == "message") {
    message.set("janus", "ack");
  }
  send(request.client, message);
}

size_t FakeJanus::count(const std::string& name) const {
  size_t found = 0;
  for (const auto& request : requests) found += request.type == name || request.what() == name;
  return found;
}

const FakeJanus::Request* FakeJanus::last(const std::string& name) const {
  for (auto request = requests.rbegin(); request != requests.rend(); ++request)
    if (request->type == name || request->what() == name) return &*request;
  return nullptr;
}

void FakeJanus::ack(const Request& request) {
  send(request.client, Json::object()
                           .set("janus", "ack")
                           .set("session_id", session_)
                           .set("transaction", request.transaction));
}

void FakeJanus::error(const Request& request, int code, const std::string& reason) {
  send(request.client, Json::object()
                           .set("janus", "error")
                           .set("transaction", request.transaction)
                           .set("error", Json::object().set("code", code).set("reason", reason)));
}

void FakeJanus::reply(const Request& request, const std::string& data, const std::string& jsep_type,
                      const std::string& sdp, const std::string& as) {
  send(request.client, plugin_message(as, session_, request.handle, data, jsep_type, sdp)
                           .set("transaction", request.transaction));
}

void FakeJanus::event(size_t client, int64_t handle, const std::string& data,
                      const std::string& jsep_type, const std::string& sdp) {
  send(client, plugin_message("event", session_, handle, data, jsep_type, sdp));
}

void FakeJanus::core_event(size_t client, int64_t handle, const std::string& type) {
  send(client, Json::object().set("janus", type).set("session_id", session_).set("sender", handle));
}

}  // namespace callbot::test
