// tests/support/recorded_events.h: a signaling client's events, kept for a test to look at.
//
// Thread:  loop.
// Owner:   the test; outlives the Signaling it listens to.
// Fails:   the test, when an event comes at a time it must not.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signaling/signaling.h"

namespace callbot::test {

class RecordedEvents : public signaling::Events {
 public:
  struct Received {
    signaling::LegId leg;
    signaling::Message message;
  };

  void joined(const std::string& id) override {
    note("joined");
    EXPECT_EQ(self, "") << "joined twice";
    self = id;
  }
  void members_changed(const std::vector<signaling::Member>& list) override {
    note("members");
    members = list;
  }
  void leg_opened(const signaling::Leg& leg) override {
    note("leg " + leg.name);
    EXPECT_TRUE(legs.emplace(leg.id, leg).second) << "the same leg twice";
  }
  void received(signaling::LegId leg, signaling::Message message) override {
    note("received");
    EXPECT_TRUE(legs.contains(leg)) << "for a leg that is not open";
    got.push_back({leg, std::move(message)});
  }
  void requested(signaling::LegId leg, signaling::Request request) override {
    note("requested");
    EXPECT_TRUE(legs.contains(leg));
    requests.push_back(request);
  }
  void leg_closed(signaling::LegId leg, const std::string& why) override {
    note("leg closed: " + why);
    EXPECT_EQ(legs.erase(leg), 1U);
  }
  void message(const signaling::ChatMessage&) override { note("message"); }
  void interrupted(const std::string&) override { note("interrupted"); }
  void resumed() override { note("resumed"); }
  void closed(Result<> how) override {
    note("closed");
    EXPECT_FALSE(end) << "closed twice";
    end = std::move(how);
  }

  // Wraps calls into the client: no event may come from inside them.
  void within(const std::function<void()>& call) {
    inside_ = true;
    call();
    inside_ = false;
  }
  std::optional<signaling::Leg> leg_to(const std::string& name) const {
    for (const auto& [id, leg] : legs)
      if (leg.name == name) return leg;
    return std::nullopt;
  }
  size_t count(const std::string& event) const {
    size_t n = 0;
    for (const std::string& e : log) n += e == event ? 1 : 0;
    return n;
  }
  std::vector<signaling::Description> descriptions() const { return all<signaling::Description>(); }
  std::vector<signaling::Candidate> candidates() const { return all<signaling::Candidate>(); }

  std::string self;
  std::vector<signaling::Member> members;
  std::map<signaling::LegId, signaling::Leg> legs;
  std::vector<Received> got;
  std::vector<signaling::Request> requests;
  std::optional<Result<>> end;
  std::vector<std::string> log;
  std::function<void(const std::string&)> on_event;  // may destroy the client

 private:
  void note(const std::string& event) {
    EXPECT_FALSE(inside_) << event << " from inside a call";
    EXPECT_FALSE(end) << event << " after closed";
    log.push_back(event);
    if (on_event) on_event(event);
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> list;
    for (const Received& r : got)
      if (const auto* m = std::get_if<T>(&r.message)) list.push_back(*m);
    return list;
  }
  bool inside_ = false;
};

}  // namespace callbot::test
