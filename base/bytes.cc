#include "base/bytes.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <string_view>

namespace callbot {
namespace {

constexpr std::string_view kPrefixes = "kMGTP";
constexpr double kMost = 1e18;  // well inside uint64_t and int64_t

}  // namespace

Result<uint64_t> parse_bytes(const std::string& text) {
  const auto no = [&] {
    return fail(
        Code::kUsage,
        fmt::format("\"{}\": expected an amount of bytes such as 500M, 1.5G or 64KiB", text));
  };
  // strtod takes "inf", "0x1" and "-1" too.
  const size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || text.empty()) return no();
  const std::string number = text.substr(0, digits);
  char* end = nullptr;
  double value = std::strtod(number.c_str(), &end);
  if (*end != '\0') return no();
  std::string_view unit = digits == std::string::npos ? "" : std::string_view(text).substr(digits);
  if (!unit.empty() && unit != "B") {
    const size_t power = kPrefixes.find(unit.front() == 'K' ? 'k' : unit.front());
    if (power == std::string_view::npos) return no();
    unit.remove_prefix(1);
    const bool binary = !unit.empty() && unit.front() == 'i';
    if (binary) unit.remove_prefix(1);
    if (!unit.empty() && unit != "B") return no();
    value *= std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  if (!(value <= kMost)) return no();
  return static_cast<uint64_t>(std::llround(value));
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  size_t power = 0;
  // What would be shown as 1000.0 of one unit is 1.0 of the next.
  for (; value >= 999.95 && power < kPrefixes.size(); ++power) value /= 1000;
  return fmt::format("{:.1f} {}B", value, kPrefixes[power - 1]);
}

}  // namespace callbot
