// bot/scenario_other.h: an actor of a scenario that another program plays, on another host maybe:
// who it is, whether it is there, and what its clock is.
//
// Thread:  loop.
// Owner:   bot::Cast, for the whole run.
// Fails:   never: what it does not tell is not known of it, and tells "trouble".
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/remote_clock.h"
#include "bot/scenario_actor.h"

namespace callbot::bot {

class ScenarioOther final : public ScenarioActor {
 public:
  ScenarioOther(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
                std::string url, uint16_t number, ScenarioMeasuring& measuring, Hears hears);

  // Nothing that it does is done here: the checker of scenarios has seen to that.
  void join() override {}
  void leave() override {}
  void crash() override {}
  void send(MediaKind, bool) override {}
  void share_screen(bool) override {}
  Result<std::string> switch_to(const scenarios::Step& step) override;
  Result<> post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) override;
  PostState go_on_posting() override { return {}; }
  void sample(int64_t) override {}
  bool is_measured() const override { return true; }

  bool is_elsewhere() const override { return true; }
  const ScenarioActor* origin() const override;
  void seen(const ScenarioActor& by, const signaling::Member& member, int64_t since_ns) override;
  void seen_no_longer(const ScenarioActor& by) override;
  void meet(const ScenarioActor& other) override;
  void hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted, int64_t at_ns) override;
  void hear_of_stop(const ScenarioActor& other, const std::string& stream, bool stops) override;
  void told_clock(const ClockAnswer& answer, int64_t asked_ns) override;

  bool sends() const override;
  bool on(MediaKind kind) const override;
  bool connected_to(const ScenarioActor& other) const override {
    return !other.is_elsewhere() && other.connected_to(*this);
  }
  const signaling::Member* member(const std::string&) const override { return nullptr; }
  std::vector<Stream> streams_of(const std::string&) const override { return {}; }
  const quality::PresenceLog* senses() const override { return nullptr; }
  std::vector<scenarios::Presence> presence() const override { return {}; }
  KnownSender known() const override;

 private:
  void forget_clock();

  std::set<std::string> seen_by_;  // names of actors
  RemoteClock clock_{kHostClock};
  bool foreign_marks_ = false;  // and that was said
};

}  // namespace callbot::bot
