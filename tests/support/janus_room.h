// tests/support/janus_room.h: one member of a room on a FakeJanus that lets it in; the test answers
// all the rest.
//
// Thread:  loop.
// Owner:   the test.
// Fails:   the test, through EXPECT; every wait has a deadline.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "signaling/janus_videoroom.h"
#include "tests/support/fake_janus.h"
#include "tests/support/signaling_log.h"

namespace callbot::test {

using namespace std::chrono_literals;
using namespace signaling;
using Type = Description::Type;

constexpr auto kSoon = 10s;
constexpr auto kAMoment = 150ms;  // for what must not happen

inline std::string feed(int id, const std::string& name) {
  return fmt::format(
      R"({{"id":{},"display":"{}","streams":[{{"type":"audio","mid":"a","mindex":0}},)"
      R"({{"type":"video","mid":"v","mindex":1,"description":"camera"}}]}})",
      id, name);
}

// An m-line of a subscription; feed 0: of nobody any more.
inline std::string line(int mid, int feed, const std::string& feed_mid) {
  if (feed == 0) return fmt::format(R"({{"mid":"{}","active":false}})", mid);
  return fmt::format(R"({{"mid":"{}","active":true,"feed_id":{},"feed_mid":"{}",)"
                     R"("feed_display":"name of {}","feed_description":"camera"}})",
                     mid, feed, feed_mid, feed);
}

inline std::string streams(const std::string& event, const std::vector<std::string>& lines) {
  return fmt::format(R"({{"videoroom":"{}","room":1234,"streams":[{}]}})", event,
                     fmt::join(lines, ","));
}

class JanusRoom : public testing::Test {
 protected:
  void start(bool sends, bool receives, const std::string& query = "room=1234") {
    janus_.on_request = [this](const FakeJanus::Request& request) {
      if (on_request_ && on_request_(request)) return true;
      if (request.what() != "join" || request.body.at("ptype").text() != "publisher") return false;
      room_handle_ = request.handle;
      janus_.ack(request);
      janus_.reply(request, fmt::format(R"({{"videoroom":"joined","room":1234,"id":{},)"
                                        R"("private_id":77,"publishers":[{}]}})",
                                        self_, fmt::join(there_, ",")));
      return true;
    };
    config_.url = janus_.room_url(query);
    config_.self = {.name = "tester", .sends = sends, .receives = receives};
    auto made =
        make_janus_videoroom(loop_, Log("test"), config_,
                             {.transaction = 2s, .first_retry = 20ms, .longest_retry = 100ms});
    ASSERT_TRUE(made) << made.error().message;
    signaling_ = std::move(*made);
    signaling_->start(log_);
    EXPECT_TRUE(log_.calls.empty()) << "called from inside start()";
  }
  void enter(bool sends, bool receives, const std::string& query = "room=1234") {
    start(sends, receives, query);
    ASSERT_TRUE(until([this] { return !log_.self.empty() && !log_.calls.empty(); }));
  }
  bool until(const std::function<bool()>& condition) { return loop_.run_until(condition, kSoon); }
  bool never(const std::function<bool()>& condition) {
    return !loop_.run_until(condition, kAMoment);
  }
  // The next request of this name, after those that were taken already.
  FakeJanus::Request next(const std::string& name) {
    const size_t wanted = ++taken_[name];
    EXPECT_TRUE(until([&] { return janus_.count(name) >= wanted; })) << "no " << name;
    const auto* last = janus_.last(name);
    return last == nullptr ? FakeJanus::Request{} : *last;
  }
  FakeJanus::Request next_join_as_subscriber() {
    const size_t wanted = ++subscriptions_;
    const auto joins = [this] {
      std::vector<FakeJanus::Request> found;
      for (const auto& request : janus_.requests)
        if (request.body.at("ptype").text() == "subscriber") found.push_back(request);
      return found;
    };
    EXPECT_TRUE(until([&] { return joins().size() >= wanted; })) << "no subscriber joined";
    const auto found = joins();
    return found.size() < wanted ? FakeJanus::Request{} : found[wanted - 1];
  }
  void offer(const FakeJanus::Request& request, const std::string& event,
             const std::vector<std::string>& lines, const std::string& sdp) {
    janus_.reply(request, streams(event, lines), "offer", sdp);
    wait_for_offer(sdp);
  }
  void wait_for_offer(const std::string& sdp) {
    ASSERT_TRUE(until([&] {
      return !log_.descriptions.empty() && log_.descriptions.back().second.sdp == sdp;
    })) << sdp;
  }
  void answer(const std::string& sdp) {
    const auto& [leg, description] = log_.descriptions.back();
    signaling_->send(leg, Description{Type::kAnswer, sdp, description.generation, {}});
    const auto start = next("start");
    EXPECT_EQ(start.sdp(), sdp);
    EXPECT_EQ(start.whole.at("jsep").at("type").text(), "answer");
    janus_.reply(start, R"({"videoroom":"event","started":"ok"})");
  }
  // Subscribed to feed 7 with an answered offer.
  void subscribe_to_seven() {
    there_ = {feed(7, "Ann")};
    enter(false, true);
    subscriber_ = next_join_as_subscriber();
    offer(subscriber_, "attached", {line(0, 7, "a"), line(1, 7, "v")}, "offer 1");
    answer("answer 1");
  }
  void publishers(const std::string& feeds) {
    janus_.event(client(), room_handle_,
                 fmt::format(R"({{"videoroom":"event","room":1234,"publishers":[{}]}})", feeds));
  }
  void room_event(const std::string& what) {
    janus_.event(client(), room_handle_, R"({"videoroom":"event","room":1234,)" + what + "}");
  }
  size_t client() { return janus_.server().clients() - 1; }
  Error end() {
    EXPECT_TRUE(until([this] { return log_.end.has_value(); }));
    return log_.end && !*log_.end ? log_.end->error() : Error{Code::kInternal, "no error"};
  }
  void send_offer(const std::string& sdp, uint32_t generation) {
    signaling_->send(log_.legs.at(0).id, Description{Type::kOffer, sdp, generation, {}});
  }

  Loop loop_;
  FakeJanus janus_;
  JoinConfig config_;
  std::vector<std::string> there_;  // who is in the room when we come
  int64_t self_ = 50;
  std::function<bool(const FakeJanus::Request&)> on_request_;
  int64_t room_handle_ = 0;
  FakeJanus::Request subscriber_;
  std::map<std::string, size_t> taken_;
  size_t subscriptions_ = 0;
  SignalingLog log_;
  std::unique_ptr<Signaling> signaling_;
};

}  // namespace callbot::test
