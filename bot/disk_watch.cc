#include "bot/disk_watch.h"

#include <fmt/core.h>

#include <limits>

#include "base/bytes.h"
#include "base/files.h"

namespace callbot::bot {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

}  // namespace

DiskWatch::DiskWatch(Loop& loop, fs::path path, std::function<void(uint64_t)> looked,
                     std::chrono::milliseconds every)
    : path_(std::move(path)),
      looked_(std::move(looked)),
      free_(free_space(path_).value_or(kUnknown)),
      worker_(loop, 1) {
  beat_.every(every, [this] { look(); });
}

void DiskWatch::look() {
  if (asking_) return;  // a file system that hangs is asked once
  asking_ = true;
  worker_.run<uint64_t>([path = path_] { return free_space(path); },
                        alive_.guard([this](Result<uint64_t> free) {
                          asking_ = false;
                          free_ = free.value_or(kUnknown);
                          looked_(free_);
                        }));
}

Result<> enough_to_begin(const DiskLimits& limits, const fs::path& out, uint64_t free) {
  if (free >= limits.reserve) return {};
  return fail(Code::kStorage,
              fmt::format("{}: {} are free, a recording begins with {} (--reserve)", out.string(),
                          bytes_text(free), bytes_text(limits.reserve)));
}

Result<> enough_to_go_on(const DiskLimits& limits, const fs::path& out, uint64_t free) {
  if (free >= limits.low()) return {};
  return fail(Code::kStorage,
              fmt::format("{}: {} are free, a recording ends below {} (--low-water)", out.string(),
                          bytes_text(free), bytes_text(limits.low())));
}

Json disk_facts(const DiskLimits& limits, const fs::path& out, uint64_t free) {
  return Json::object()
      .set("out", out.string())
      .set("free_bytes", free)
      .set("reserve_bytes", limits.reserve)
      .set("low_water_bytes", limits.low());
}

}  // namespace callbot::bot
