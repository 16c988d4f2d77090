#include "bot/network_report.h"

#include <fmt/core.h>

#include "base/units.h"

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
      .set("lateMean", way.late_mean_s())
      .set("lateMax", way.late_max_s);
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
  return text;
}

void say_network(Console& console, const std::string& who, const Call& call) {
  if (call.link() == nullptr) return;
  const auto conditions = call.link()->conditions();
  const auto stats = call.link()->stats();
  const auto verified = call.network_verified();
  Json fields = Json::object()
                    .set("bot", who)
                    .set("conditions", network::text_of(conditions))
                    .set("up", json_of(stats.up))
                    .set("down", json_of(stats.down))
                    .set("verified", verified.has_value());
  if (!verified) fields.set("why", verified.error().message);
  console.event("network",
                fmt::format("{}: {}; up {}; down {}; {}", who, network::text_of(conditions),
                            text_of(stats.up), text_of(stats.down),
                            verified ? "verified" : "not proved: " + verified.error().message),
                fields);
}

}  // namespace callbot::bot
