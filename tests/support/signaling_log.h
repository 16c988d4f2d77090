// tests/support/signaling_log.h: Events of a Signaling, remembered.
//
// Thread:  loop.
// Owner:   the test; outlives the Signaling.
// Fails:   a call after closed(), or a second closed(), fails the test.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signaling/signaling.h"

namespace callbot::test {

class SignalingLog : public signaling::Events {
 public:
  void joined(const std::string& id) override {
    note("joined");
    self = id;
  }
  void members_changed(const std::vector<signaling::Member>& list) override {
    note("members");
    members = list;
  }
  void leg_opened(const signaling::Leg& leg) override {
    note("leg-opened");
    legs.push_back(leg);
  }
  void received(signaling::LegId leg, signaling::Message message) override {
    note("received");
    if (auto* description = std::get_if<signaling::Description>(&message))
      descriptions.emplace_back(leg, *description);
    else
      candidates.emplace_back(leg, std::get<signaling::Candidate>(message));
  }
  void requested(signaling::LegId leg, signaling::Request request) override {
    note("requested");
    requests.emplace_back(leg, request.what);
  }
  void leg_closed(signaling::LegId leg, const std::string&) override {
    note("leg-closed");
    std::erase_if(legs, [leg](const signaling::Leg& one) { return one.id == leg; });
  }
  void message(const signaling::ChatMessage&) override { note("message"); }
  void interrupted(const std::string&) override {
    note("interrupted");
    ++interruptions;
  }
  void resumed() override {
    note("resumed");
    ++resumptions;
  }
  void closed(Result<> how) override {
    note("closed");
    end = std::move(how);
  }

  const signaling::Leg* leg(signaling::Direction direction) const {
    for (const auto& leg : legs)
      if (leg.direction == direction) return &leg;
    return nullptr;
  }

  std::vector<std::string> calls;
  std::string self;
  std::vector<signaling::Member> members;
  std::vector<signaling::Leg> legs;  // that are open
  std::vector<std::pair<signaling::LegId, signaling::Description>> descriptions;
  std::vector<std::pair<signaling::LegId, signaling::Candidate>> candidates;
  std::vector<std::pair<signaling::LegId, signaling::Request::What>> requests;
  int interruptions = 0, resumptions = 0;
  std::optional<Result<>> end;

 private:
  void note(const char* call) {
    EXPECT_FALSE(end) << call << " after closed";
    calls.emplace_back(call);
  }
};

}  // namespace callbot::test
