#include "base/clock.h"

#include <fmt/core.h>
#include <time.h>

#include <atomic>
#include <cmath>
#include <cstdlib>

namespace callbot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::atomic<bool> g_fake{false};
std::atomic<int64_t> g_fake_monotonic{0};
std::atomic<int64_t> g_fake_wall{0};

int64_t read(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

}  // namespace

int64_t monotonic_ns() { return g_fake ? g_fake_monotonic.load() : read(CLOCK_MONOTONIC); }
int64_t wall_ns() { return g_fake ? g_fake_wall.load() : read(CLOCK_REALTIME); }

std::string rfc3339(int64_t wall) {
  int64_t seconds = wall / kSecond;
  int64_t rest = wall % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  const time_t t = seconds;
  tm parts{};
  gmtime_r(&t, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     rest);
}

Result<int64_t> parse_rfc3339(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  const auto no = [&] {
    return fail(Code::kBadInput,
                fmt::format("\"{}\": expected a time such as 2026-11-21T04:20:42.5Z", text));
  };
  if (rest == nullptr) return no();
  int64_t fraction = 0;
  if (*rest == '.') {
    int digits = 0;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, ++digits) {
      if (digits < 9) fraction = fraction * 10 + (*rest - '0');
    }
    if (digits == 0) return no();
    for (; digits < 9; ++digits) fraction *= 10;
  }
  int64_t offset = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0;
    int minutes = 0;
    int used = 0;
    if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5) return no();
    offset = (*rest == '+' ? 1 : -1) * (hours * 60L + minutes) * 60;
    rest += 6;
  } else if (*rest == 'Z') {
    ++rest;
  } else {
    return no();
  }
  if (*rest != '\0') return no();
  const int64_t seconds = timegm(&parts) - offset;
  if (seconds < kEarliestWallNs / kSecond || seconds > kLatestWallNs / kSecond) return no();
  return seconds * kSecond + fraction;
}

Result<std::chrono::milliseconds> parse_duration(const std::string& text) {
  const auto no = [&] {
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected a duration such as 10s, 1.5m, 2h or 250ms", text));
  };
  double total_ms = 0;
  const char* at = text.c_str();
  if (*at == '\0') return no();
  while (*at != '\0') {
    if ((*at < '0' || *at > '9') && *at != '.') return no();  // strtod takes "inf" and "-1"
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    if (end == at) return no();
    const std::string_view unit(end);
    const auto is = [&](std::string_view u) {
      return unit.substr(0, u.size()) == u &&
             (unit.size() == u.size() || std::isdigit(static_cast<unsigned char>(unit[u.size()])));
    };
    if (unit.empty() && at == text.c_str()) {
      total_ms = value * 1000;
      at = end;
    } else if (is("ms")) {
      total_ms += value;
      at = end + 2;
    } else if (is("s")) {
      total_ms += value * 1000;
      at = end + 1;
    } else if (is("m")) {
      total_ms += value * 60'000;
      at = end + 1;
    } else if (is("h")) {
      total_ms += value * 3'600'000;
      at = end + 1;
    } else if (is("d")) {
      total_ms += value * 86'400'000;
      at = end + 1;
    } else {
      return no();
    }
  }
  if (!std::isfinite(total_ms) || total_ms > 1e14) return no();
  return std::chrono::milliseconds(std::llround(total_ms));
}

std::string clock_text(int64_t ns) {
  const int64_t tenths = (ns + kSecond / 20) / (kSecond / 10);
  const int64_t s = tenths / 10;
  if (s >= 3600)
    return fmt::format("{}:{:02}:{:02}.{}", s / 3600, s / 60 % 60, s % 60, tenths % 10);
  return fmt::format("{}:{:02}.{}", s / 60, s % 60, tenths % 10);
}

FakeClock::FakeClock(int64_t monotonic, int64_t wall) {
  g_fake_monotonic = monotonic;
  g_fake_wall = wall;
  g_fake = true;
}
FakeClock::~FakeClock() { g_fake = false; }
void FakeClock::advance(std::chrono::nanoseconds by) {
  g_fake_monotonic += by.count();
  g_fake_wall += by.count();
}

}  // namespace callbot
