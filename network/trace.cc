#include "network/trace.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace callbot::network {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr uint64_t kMostBytes = 64u << 20;  // an hour at 12 Mbit/s has 25 MB
constexpr int64_t kLongestMs =
    int64_t{24} * 3600 * 1000;  // our choice; keeps repetitions within int64

}  // namespace

Result<std::shared_ptr<const Trace>> Trace::parse(std::string_view text, const std::string& name) {
  auto trace = std::make_shared<Trace>();
  trace->name_ = name;
  size_t number = 0;
  const auto bad = [&](const std::string& what) {
    return fail(Code::kBadInput, fmt::format("{}:{}: {}", name, number, what));
  };
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    int64_t ms = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), ms);
    if (line.empty() || error != std::errc() || rest != line.data() + line.size() || ms < 0)
      return bad(
          fmt::format("\"{}\": expected a whole number of milliseconds", printable(line, 40)));
    if (ms > kLongestMs) return bad(fmt::format("{} ms: expected at most a day", ms));
    if (!trace->ms_.empty() && ms < trace->ms_.back())
      return bad(
          fmt::format("{} ms comes after {} ms: expected times in order", ms, trace->ms_.back()));
    trace->ms_.push_back(ms);
  }
  if (trace->ms_.empty()) return fail(Code::kBadInput, name + ": empty, expected a line at least");
  if (trace->ms_.back() == 0) return bad("expected a last time above 0, when it begins again");
  return trace;
}

Result<std::shared_ptr<const Trace>> Trace::load(const fs::path& path) {
  const auto text = read_file(path, kMostBytes);
  if (!text) return tl::unexpected(text.error());
  return parse(*text, path.string());
}

uint64_t Trace::first_at(int64_t since_begin_ns) const {
  const int64_t ms = std::max<int64_t>(0, (since_begin_ns + kMillisecond - 1) / kMillisecond);
  const int64_t period = ms_.back();
  // What lies on the seam belongs to both rounds: the last of one, the 0 of the next.
  int64_t round = ms / period;
  if (round > 0 && ms % period == 0) --round;
  const auto found = std::lower_bound(ms_.begin(), ms_.end(), ms - round * period);
  return static_cast<uint64_t>(round) * ms_.size() + static_cast<uint64_t>(found - ms_.begin());
}

int64_t Trace::time_ns(uint64_t opportunity) const {
  const auto round = static_cast<int64_t>(opportunity / ms_.size());
  return (round * ms_.back() + ms_[opportunity % ms_.size()]) * kMillisecond;
}

double Trace::mean_rate() const {
  return static_cast<double>(ms_.size()) * kOpportunityBytes * 8 * 1000 /
         static_cast<double>(ms_.back());
}

}  // namespace callbot::network
