#include "base/units.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/files.h"

namespace callbot {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kTimes[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                           {"m", 60},    {"min", 60},  {"h", 3600},  {"d", 86400}};
constexpr Unit kRates[] = {{"", 1},       {"k", 1e3},      {"K", 1e3},    {"M", 1e6},
                           {"G", 1e9},    {"bit/s", 1},    {"bps", 1},    {"kbit/s", 1e3},
                           {"kbps", 1e3}, {"Mbit/s", 1e6}, {"Mbps", 1e6}, {"Gbit/s", 1e9},
                           {"Gbps", 1e9}};
constexpr Unit kShares[] = {{"", 1}, {"%", 0.01}};
constexpr Unit kFrequencies[] = {{"", 1}, {"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}};

constexpr double kMostSeconds = 1e9;  // 30 years
constexpr double kMostRate = 1e12;

void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

// Digits with at most one point: what "1e9", "inf" and "0x1" are not.
std::optional<double> take_number(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + end, value);
  if (end == 0 || error != std::errc() || rest != text.data() + end) return std::nullopt;
  text.remove_prefix(end);
  return value;
}

std::optional<double> factor_of(std::string_view name, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (unit.name == name) return unit.factor;
  return std::nullopt;
}

bool take_minus(std::string_view& text) {
  skip_spaces(text);
  const bool minus = text.starts_with('-');
  if (minus) text.remove_prefix(1);
  return minus;
}

std::string_view trimmed(std::string_view text) {
  skip_spaces(text);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "NUMBER [UNIT]".
std::optional<double> plain(std::string_view text, std::span<const Unit> units) {
  text = trimmed(text);
  const auto number = take_number(text);
  const auto factor = factor_of(trimmed(text), units);
  if (!number || !factor) return std::nullopt;
  return *number * *factor;
}

// "1h30m", "1.5 s"; a bare number only alone.
std::optional<double> time_of(std::string_view text) {
  text = trimmed(text);
  double sum = 0;
  bool first = true;
  while (!text.empty() || first) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    skip_spaces(text);
    size_t end = 0;
    while (end < text.size() && text[end] >= 'a' && text[end] <= 'z') ++end;
    const bool bare = end == 0 && first && text.empty();
    const auto factor = bare ? 1.0 : factor_of(text.substr(0, end), kTimes);
    if (!factor) return std::nullopt;
    sum += *number * *factor;
    text.remove_prefix(end);
    skip_spaces(text);
    first = false;
  }
  return sum <= kMostSeconds ? std::optional(sum) : std::nullopt;
}

auto no(std::string_view text, const char* expected) {
  return fail(Code::kUsage, fmt::format("\"{}\": expected {}", printable(text, 60), expected));
}

constexpr const char* kTime = "a time such as 400ms, 1.5s or 2min";
constexpr const char* kRate = "a bit rate such as 300 kbit/s or 2 Mbit/s";
constexpr const char* kShare = "a share such as 10% or 0.1, from 0 to 1";
constexpr const char* kBytes = "an amount of bytes such as 64KiB or 100 kB";

double get(Fields& fields, const char* key, double otherwise,
           Result<double> (*parse)(std::string_view), const char* expected) {
  if (!fields.has(key)) return otherwise;
  const Json json = fields.raw(key);
  const auto number = json.number();
  const auto text = json.text();
  // A number goes through the text's rules too: signs and bounds are said once.
  const auto value = text     ? parse(*text)
                     : number ? parse(fmt::format("{:.9f}", *number))
                              : Result<double>(fail(Code::kUsage, ""));
  if (!value) fields.complain(key, fmt::format("expected {}", expected));
  return value.value_or(otherwise);
}

}  // namespace

Result<double> parse_seconds(std::string_view text) {
  const auto value = time_of(text);
  if (!value) return no(text, kTime);
  return *value;
}

Result<double> parse_bit_rate(std::string_view text) {
  const auto value = plain(text, kRates);
  if (!value || *value > kMostRate) return no(text, kRate);
  return *value;
}

Result<double> parse_share(std::string_view text) {
  const auto value = plain(text, kShares);
  if (!value || *value > 1) return no(text, kShare);
  return *value;
}

Result<double> parse_quantity(std::string_view text, std::string_view unit) {
  std::string_view rest = text;
  const double sign = take_minus(rest) ? -1 : 1;
  std::optional<double> value;
  std::string expected;
  if (unit == "s") {
    value = time_of(rest);
    expected = kTime;
  } else if (unit == "bit/s") {
    value = plain(rest, kRates);
    expected = kRate;
  } else if (unit == "Hz") {
    value = plain(rest, kFrequencies);
    expected = "a frequency such as 30 Hz or 12 kHz";
  } else if (unit == "1") {
    value = plain(rest, kShares);
    expected = "a number such as 3 or 0.1, or a share such as 10%";
  } else {
    const Unit only[] = {{"", 1}, {unit, 1}};
    value = plain(rest, only);
    expected = fmt::format("a number in {}, such as 30 {}", unit, unit);
  }
  if (!value) return no(text, expected.c_str());
  return sign * *value;
}

std::string seconds_text(double s) {
  const double size = std::abs(s);
  if (size >= 1 || size == 0) return fmt::format("{:.3g} s", s);
  return size >= 1e-3 ? fmt::format("{:.3g} ms", s * 1e3) : fmt::format("{:.3g} us", s * 1e6);
}

std::string bit_rate_text(double rate) {
  if (rate >= 1e6) return fmt::format("{:.4g} Mbit/s", rate / 1e6);
  return rate >= 1e3 ? fmt::format("{:.4g} kbit/s", rate / 1e3) : fmt::format("{:.4g} bit/s", rate);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  const std::string_view digits = colon == text.npos ? "" : text.substr(colon + 1);
  ListenAddress out;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return fail(Code::kUsage, fmt::format("\"{}\": expected ADDRESS:PORT", printable(text, 60)));
  out.address = colon == 0 ? "127.0.0.1" : text.substr(0, colon);
  if (out.address.size() > 2 && out.address.front() == '[')
    out.address = out.address.substr(1, out.address.size() - 2);
  return out;
}

std::string share_text(double share) { return fmt::format("{:.3g} %", share * 100); }

double get_seconds(Fields& fields, const char* key, double otherwise) {
  return get(fields, key, otherwise, parse_seconds, kTime);
}

double get_bit_rate(Fields& fields, const char* key, double otherwise) {
  return get(fields, key, otherwise, parse_bit_rate, kRate);
}

double get_share(Fields& fields, const char* key, double otherwise) {
  return get(fields, key, otherwise, parse_share, kShare);
}

uint64_t get_bytes(Fields& fields, const char* key, uint64_t otherwise) {
  if (!fields.has(key)) return otherwise;
  const Json json = fields.raw(key);
  if (const auto whole = json.whole(); whole && *whole >= 0) return static_cast<uint64_t>(*whole);
  std::string text = json.text().value_or("");
  std::erase(text, ' ');
  const auto bytes = parse_bytes(text);
  if (!bytes) fields.complain(key, fmt::format("expected {}", kBytes));
  return bytes.value_or(otherwise);
}

}  // namespace callbot
