#include "pipelines/fan_out.h"

#include <algorithm>
#include <utility>

namespace callbot::pipelines {
namespace {

// Unique in the process: a detach on the wrong stream removes nothing.
TapId next_id() {
  static std::atomic<TapId> last{0};
  return ++last;
}

}  // namespace

struct FanOut::Entry {
  Entry(TapId id, Tap tap) : id(id), tap(std::move(tap)) {}

  void call(const GRef<GstBuffer>& packet) {
    const std::lock_guard lock(mutex);
    if (gone) return;
    calling = true;
    tap(packet);
    calling = false;
    if (gone) tap = nullptr;
  }
  void stop() {
    const std::lock_guard lock(mutex);
    gone = true;
    if (!calling) tap = nullptr;
  }

  const TapId id;
  std::recursive_mutex mutex;  // recursive: a tap may detach itself
  Tap tap;
  bool gone = false, calling = false;
};

FanOut::FanOut() : list_(std::make_shared<const List>()) {}

std::shared_ptr<const FanOut::List> FanOut::list() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

TapId FanOut::attach(Tap tap) {
  auto entry = std::make_shared<Entry>(next_id(), std::move(tap));
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<List>(*list_);
  next->push_back(entry);
  list_ = std::move(next);
  return entry->id;
}

void FanOut::detach(TapId id) {
  std::shared_ptr<Entry> found;
  {
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<List>(*list_);
    const auto at = std::find_if(next->begin(), next->end(), [&](auto& e) { return e->id == id; });
    if (at == next->end()) return;
    found = *at;
    next->erase(at);
    list_ = std::move(next);
  }
  found->stop();
}

void FanOut::push(const GRef<GstBuffer>& packet) {
  const auto now = list();  // holds the list while we walk it
  for (const auto& entry : *now) entry->call(packet);
}

size_t FanOut::taps() const { return list()->size(); }

}  // namespace callbot::pipelines
