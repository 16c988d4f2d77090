#include "network/link.h"

#include "base/clock.h"
#include "network/link_impl.h"

namespace callbot::network {
namespace {

// So that the directions do not lose the same packets (the golden ratio's bits, as splitmix64 has).
constexpr uint64_t kOtherSeed = 0x9e3779b97f4a7c15;

}  // namespace

Link::Impl::Impl(Network n)
    : network(std::move(n)),
      up(network.seed, network.conditions.up, monotonic_ns()),
      down(network.seed ^ kOtherSeed, network.conditions.down, monotonic_ns()) {
  begin_phase(monotonic_ns());
}

LinkStats Link::Impl::stats_at(int64_t now) {
  LinkStats stats = counted;
  stats.up.truth = up.truth(now);
  stats.down.truth = down.truth(now);
  return stats;
}

void Link::Impl::apply(const Conditions& conditions) {
  const int64_t now = monotonic_ns();
  thread->move(up, up.change(conditions.up, now));
  thread->move(down, down.change(conditions.down, now));
  begin_phase(now);
}

// Those that are due, and an alarm for the one after.
void Link::Impl::next_step() {
  alarm = 0;
  for (; step < network.schedule.size(); ++step) {
    const int64_t at = schedule_begin_ns + network.schedule[step].at_ns;
    if (at > monotonic_ns()) {
      alarm = thread->alarm(at, [this] { next_step(); });
      return;
    }
    apply(network.schedule[step].conditions);
  }
}

std::vector<std::unique_ptr<Carrier>> Link::Impl::expired(int64_t now) {
  std::vector<std::unique_ptr<Carrier>> gone;
  for (auto& [until, relay] : leaving)
    if (closed || until <= now) gone.push_back(std::move(relay));
  std::erase_if(leaving, [](const auto& entry) { return entry.second == nullptr; });
  return gone;
}

Link::Link(Network network) : impl_(std::make_shared<Impl>(std::move(network))) {}

Link::~Link() {
  std::vector<std::unique_ptr<Carrier>> gone;
  std::lock_guard lock(impl_->thread->mutex());
  impl_->thread->cancel(impl_->alarm);
  impl_->closed = true;
  gone = impl_->expired(monotonic_ns());
}

void Link::set(const Conditions& conditions) {
  std::lock_guard lock(impl_->thread->mutex());
  impl_->thread->cancel(impl_->alarm);
  impl_->step = impl_->network.schedule.size();
  impl_->apply(conditions);
}

Conditions Link::conditions() const {
  std::lock_guard lock(impl_->thread->mutex());
  return impl_->conditions();
}

uint64_t Link::seed() const { return impl_->network.seed; }

void Link::begin_schedule() {
  std::lock_guard lock(impl_->thread->mutex());
  if (std::exchange(impl_->scheduled, true)) return;
  const int64_t now = impl_->schedule_begin_ns = monotonic_ns();
  const LinkStats stats = impl_->stats_at(now);
  if (stats.up.truth.in + stats.down.truth.in == 0) {
    impl_->begins.clear();
    const auto& schedule = impl_->network.schedule;
    if (schedule.empty() || schedule.front().at_ns > 0) impl_->begin_phase(now);
  }
  impl_->next_step();
}

LinkStats Link::stats() const {
  std::lock_guard lock(impl_->thread->mutex());
  return impl_->stats_at(monotonic_ns());
}

std::vector<Phase> Link::phases() const {
  std::lock_guard lock(impl_->thread->mutex());
  const int64_t now = monotonic_ns();
  std::vector<Phase> phases;
  for (const Impl::Begin& begin : impl_->begins) {
    if (!phases.empty()) {
      phases.back().end_ns = begin.at_ns;
      phases.back().after = begin.stats;
    }
    phases.push_back({.conditions = begin.conditions,
                      .begin_ns = begin.at_ns,
                      .end_ns = now,
                      .before = begin.stats,
                      .after = {}});
  }
  if (!phases.empty()) phases.back().after = impl_->stats_at(now);
  return phases;
}

}  // namespace callbot::network
