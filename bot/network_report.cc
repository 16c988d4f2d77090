#include "bot/network_report.h"

#include <fmt/core.h>

#include "base/units.h"
#include "network/effect.h"

namespace callbot::bot {

using network::Truth;
using network::WayStats;

Json json_of(const WayStats& way) {
  const Truth& t = way.truth;
  Json dropped = Json::object();
  for (size_t i = 0; i < network::kDrops; ++i) dropped.set(network::kDropNames[i], t.dropped[i]);
  Json passed = Json::object();
  for (size_t i = 0; i < network::kPacketKinds; ++i)
    passed.set(std::string(network::kPacketKindNames[i]).c_str(), way.passed.bytes[i]);
  return Json::object()
      .set("in", t.in)
      .set("out", t.out)
      .set("waiting", t.waiting)
      .set("dropped", dropped)
      .set("duplicated", t.duplicated)
      .set("reordered", t.reordered)
      .set("delayMean", t.delay_mean_s())
      .set("delayMax", t.delay_max_s)
      .set("bytesPassed", passed)
      .set("refused", way.refused)
      .set("overrun", way.overrun)
      .set("overflow", way.overflow)
      .set("strangers", way.strangers)
      .set("lateMean", way.late_mean_s())
      .set("lateMax", way.late_max_s);
}

Json json_of(const std::vector<network::Phase>& phases) {
  Json all = Json::array();
  for (const network::Phase& phase : phases) {
    const auto effects = network::effects_of(phase);
    const auto observed = network::effect_observed(effects);
    Json one = Json::object()
                   .set("at", static_cast<double>(phase.begin_ns - phases[0].begin_ns) / 1e9)
                   .set("conditions", network::text_of(phase.conditions))
                   .set("observed", observed.has_value());
    if (!observed) one.set("why", observed.error().message);
    if (const std::string text = network::text_of(effects); !text.empty()) one.set("effects", text);
    all.add(one);
  }
  return all;
}

std::string text_of(const WayStats& way) {
  const Truth& t = way.truth;
  std::string text = fmt::format("{} packets", t.in);
  const auto say = [&](uint64_t count, const std::string& what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  for (size_t i = 0; i < network::kDrops; ++i)
    say(t.dropped[i], std::string("dropped by ") + network::kDropNames[i]);
  say(t.duplicated, "twice");
  say(t.reordered, "held back");
  say(t.waiting, "waiting");
  text += fmt::format(", delay {} mean {} max", seconds_text(t.delay_mean_s()),
                      seconds_text(t.delay_max_s));
  say(way.refused, "refused by the system");
  say(way.overrun + way.overflow, "lost by the relay itself");
  say(way.strangers, "of nobody known");
  return text;
}

Result<std::string> network_proved(const std::vector<network::Phase>& phases, Result<> path) {
  if (!path) return tl::unexpected(path.error());
  std::string text;
  for (const network::Phase& phase : phases) {
    const auto effects = network::effects_of(phase);
    if (auto observed = network::effect_observed(effects); !observed) {
      Error error = std::move(observed.error());
      if (phases.size() > 1) error = std::move(error).in(network::text_of(phase.conditions));
      return tl::unexpected(std::move(error));
    }
    const std::string one = network::text_of(effects);
    if (!one.empty()) text += (text.empty() ? "" : "; ") + one;
  }
  return text;
}

void say_network(Console& console, const std::string& who, const Call& call) {
  if (call.link() == nullptr) return;
  const auto phases = call.link()->phases();
  const auto& [up, down] = phases.back().after;
  const std::string conditions = network::text_of(phases.back().conditions);
  const auto proved = network_proved(phases, call.network_verified());
  Json fields = Json::object()
                    .set("bot", who)
                    .set("conditions", conditions)
                    .set("seed", call.link()->seed())
                    .set("phases", json_of(phases))
                    .set("up", json_of(up))
                    .set("down", json_of(down))
                    .set("verified", proved.has_value());
  if (!proved) fields.set("why", proved.error().message);
  console.event("network",
                fmt::format("{}: {} (seed {}); up {}; down {}; {}", who, conditions,
                            call.link()->seed(), text_of(up), text_of(down),
                            !proved           ? "not proved: " + proved.error().message
                            : proved->empty() ? "verified"
                                              : "verified (" + *proved + ")"),
                fields);
}

}  // namespace callbot::bot
