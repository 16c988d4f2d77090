#include "bot/scenario_self.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <numeric>

#include "base/units.h"

namespace callbot::bot {
namespace {

constexpr double kMostLateness = 1;
constexpr double kBusy = 0.95;        // share of all processors
constexpr int kMostBusy = 5;          // s
constexpr double kMostLost = 1;       // s, in LastSeconds::kLooks
constexpr double kMostDropped = 10;   // packets, in the same
constexpr double kStandsStill = 0.1;  // s; what is shorter thresholds on delays allow for
// Half a second of it may be the jitterbuffer's, which waits for what is lost.
constexpr double kMostBehind = 3;   // s
constexpr double kMostLimited = 5;  // s

}  // namespace

double process_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

void LastSeconds::add(double lost) {
  last_.push_back(lost);
  if (last_.size() > kLooks) last_.pop_front();
  most_ = std::max(most_, std::accumulate(last_.begin(), last_.end(), 0.0));
}

ScenarioSelf::ScenarioSelf(int64_t now_ns, ScenarioSamples& samples, CpuAllowance allowance)
    : samples_(samples), allowance_(std::move(allowance)), looked_ns_(now_ns) {}

void ScenarioSelf::ticked(double late) {
  latest_ = std::max(latest_, late);
  most_late_ = std::max(most_late_, late);
  if (late >= kStandsStill) stood_ += late;
}

void ScenarioSelf::look(int64_t now_ns, double process_s, uint64_t dropped) {
  samples_.add("bot.lateness", "", "", {now_ns, std::exchange(latest_, 0.0)});
  stood_still_.add(std::exchange(stood_, 0.0));
  const double seconds = static_cast<double>(now_ns - looked_ns_) / 1e9;
  if (process_s_ >= 0 && seconds > 0) {
    const double share = (process_s - process_s_) / seconds / allowance_.processors();
    samples_.add("bot.cpu", "", "", {now_ns, share});
    busy_s_ = share >= kBusy ? busy_s_ + 1 : 0;
    was_busy_ = was_busy_ || busy_s_ >= kMostBusy;
  }
  samples_.add("bot.dropped_packets", "", "", {now_ns, static_cast<double>(dropped)});
  dropped_.add(static_cast<double>(dropped));
  look_at_quota(now_ns);
  looked_ns_ = now_ns;
  process_s_ = process_s;
}

void ScenarioSelf::look_at_quota(int64_t now_ns) {
  const auto held_back = allowance_.take_held_back();
  if (!held_back) return;
  samples_.add("bot.throttled", "", "", {now_ns, *held_back});
  // All processors' times together: at least so long all of them stood.
  held_back_.add(*held_back / allowance_.to_run_on());
}

void ScenarioSelf::overran(const std::string& actor, double frames) {
  if (frames > 0) overran_[actor] += frames;
}

void ScenarioSelf::behind(const std::string& actor, double seconds) {
  if (seconds > kMostBehind) behind_[actor] = seconds;
}

void ScenarioSelf::limited(const std::string& actor, double seconds) {
  if (seconds > 0) limited_[actor] += seconds;
}

void ScenarioSelf::left_out(const std::string& actor, uint64_t frames) {
  if (frames > 0) left_out_[actor] = frames;
}

std::vector<std::string> ScenarioSelf::invalid() const {
  std::vector<std::string> out;
  if (most_late_ > kMostLateness)
    out.push_back(
        fmt::format("the bot was too slow: its loop came {} late", seconds_text(most_late_)));
  else if (stood_still_.most() > kMostLost)
    out.push_back(
        fmt::format("the bot was too slow: its loop stood still again and again, {} within {} s",
                    seconds_text(stood_still_.most()), LastSeconds::kLooks));
  if (was_busy_)
    out.push_back(
        fmt::format("the bot was too slow: it used all processors for {} s and more", kMostBusy));
  if (held_back_.most() > kMostLost)
    out.push_back(
        fmt::format("the bot was too slow: the quota of its control group ({:.3g} processors) held "
                    "it back for {} within {} s",
                    allowance_.processors(), seconds_text(held_back_.most()), LastSeconds::kLooks));
  if (dropped_.most() > kMostDropped)
    out.push_back(fmt::format(
        "the bot was too slow: {:.0f} packets within {} s were dropped, for it did not take them "
        "from their sockets",
        dropped_.most(), LastSeconds::kLooks));
  for (const auto& [actor, frames] : overran_)
    out.push_back(fmt::format(
        "the bot was too slow: {:.0f} frames that {} received were not measured", frames, actor));
  for (const auto& [actor, seconds] : behind_)
    out.push_back(fmt::format("the bot was too slow: what {} received was measured {} late", actor,
                              seconds_text(seconds)));
  for (const auto& [actor, seconds] : limited_)
    if (seconds > kMostLimited)
      out.push_back(
          fmt::format("this machine was too slow: it held back the encoder of {}'s browser for {}",
                      actor, seconds_text(seconds)));
  for (const auto& [actor, frames] : left_out_)
    out.push_back(fmt::format("the bot was too slow: {} frames of {} came too late to be made",
                              frames, actor));
  return out;
}

}  // namespace callbot::bot
