#include "recordings/thresholds.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/files.h"

namespace callbot::recordings {
namespace {

constexpr double kDay = 86400;
constexpr int kMostThreads = 64;
constexpr const char* kThreads = "threads";

constexpr Threshold kRows[] = {
    {"start_slack", "s", &VerifyConfig::start_slack, 0, kDay},
    {"end_slack", "s", &VerifyConfig::end_slack, 0, kDay},
    {"coverage_warn", "share", &VerifyConfig::coverage_warn, 0, 1},
    {"coverage_fail", "share", &VerifyConfig::coverage_fail, 0, 1},
    {"gap_warn", "s", &VerifyConfig::gap_warn, 0.05, kDay},
    {"gap_fail", "s", &VerifyConfig::gap_fail, 0.05, kDay},
    {"screen_gap_warn", "s", &VerifyConfig::screen_gap_warn, 0.05, kDay},
    {"silence_level_db", "dBFS", &VerifyConfig::silence_level_db, -120, 0},
    {"silence_warn", "s", &VerifyConfig::silence_warn, 0.1, kDay},
    {"silence_fail_share", "share", &VerifyConfig::silence_fail_share, 0, 1},
    {"black_luma", "luma 16..235", &VerifyConfig::black_luma, 0, 255},
    {"black_deviation", "luma", &VerifyConfig::black_deviation, 0, 255},
    {"black_warn", "s", &VerifyConfig::black_warn, 0.05, kDay},
    {"black_fail", "s", &VerifyConfig::black_fail, 0.05, kDay},
    {"freeze_difference", "luma", &VerifyConfig::freeze_difference, 0, 255},
    {"freeze_warn", "s", &VerifyConfig::freeze_warn, 0.05, kDay},
    {"freeze_fail", "s", &VerifyConfig::freeze_fail, 0.05, kDay},
    {"undecodable_fail", "s", &VerifyConfig::undecodable_fail, 0, kDay},
    {"key_frame_wait_warn", "s", &VerifyConfig::key_frame_wait_warn, 0.05, kDay},
    {"key_frame_wait_fail", "s", &VerifyConfig::key_frame_wait_fail, 0.05, kDay},
    {"stall_warn", "s", &VerifyConfig::stall_warn, 0.05, kDay},
    {"stall_fail", "s", &VerifyConfig::stall_fail, 0.05, kDay},
    {"loss_warn", "share", &VerifyConfig::loss_warn, 0, 1},
    {"loss_fail", "share", &VerifyConfig::loss_fail, 0, 1},
    {"concealed_warn", "share", &VerifyConfig::concealed_warn, 0, 1},
    {"concealed_fail", "share", &VerifyConfig::concealed_fail, 0, 1},
    {"clipping_share", "share", &VerifyConfig::clipping_share, 0, 1},
    {"clipping_warn", "s", &VerifyConfig::clipping_warn, 0.1, kDay},
    {"clipping_fail", "s", &VerifyConfig::clipping_fail, 0.1, kDay},
    {"low_layer_share", "share", &VerifyConfig::low_layer_share, 0, 1},
    {"low_layer_warn", "s", &VerifyConfig::low_layer_warn, 0.1, kDay},
    {"av_offset_warn", "s", &VerifyConfig::av_offset_warn, 0, 7},
    {"av_offset_fail", "s", &VerifyConfig::av_offset_fail, 0, 7},
    {"alignment_warn", "s", &VerifyConfig::alignment_warn, 0.01, kDay},
    {"marks_warn", "share", &VerifyConfig::marks_warn, 0, 1},
    {"marks_fail", "share", &VerifyConfig::marks_fail, 0, 1},
    {"unread_warn", "share", &VerifyConfig::unread_warn, 0, 1},
};

std::string expected(const Threshold& row) {
  return fmt::format("expected a number from {} to {} ({})", row.least, row.most, row.unit);
}

bool fits(const Threshold& row, double value) { return value >= row.least && value <= row.most; }

const Threshold* row_of(std::string_view key) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Threshold& r) { return key == r.key; });
  return row == std::end(kRows) ? nullptr : row;
}

void read_threads(Fields& f, VerifyConfig& config) {
  const int64_t threads = f.get<int64_t>(kThreads, config.threads);
  if (threads < 0 || threads > kMostThreads)
    f.complain(kThreads, fmt::format("expected a whole number from 0 to {}", kMostThreads));
  else
    config.threads = static_cast<int>(threads);
}

Result<VerifyConfig> read(const std::string& text, VerifyConfig config) {
  auto json = Json::parse(text, {.most_bytes = 1u << 16, .deepest = 4});
  if (!json) return tl::unexpected(json.error());
  if (!json->is_object()) return fail(Code::kBadInput, "expected a JSON object of thresholds");
  Fields f(*json);
  for (const Threshold& row : kRows) {
    if (!f.has(row.key)) continue;
    const auto value = f.raw(row.key).number();
    if (!value || !fits(row, *value))
      f.complain(row.key, expected(row));
    else
      config.*row.value = *value;
  }
  read_threads(f, config);
  return f.done().and_then([&] { return check_thresholds(config); }).map([&] { return config; });
}

}  // namespace

std::span<const Threshold> thresholds() { return kRows; }

Result<VerifyConfig> load_thresholds(const std::filesystem::path& file, VerifyConfig base) {
  const auto text = read_file(file, 1u << 16);
  if (!text) return tl::unexpected(text.error());
  return read(*text, base).map_error([&](Error e) { return std::move(e).in(file.string()); });
}

Result<> set_threshold(VerifyConfig& config, std::string_view setting) {
  const size_t equals = setting.find('=');
  const std::string key(setting.substr(0, equals));
  const std::string text(equals == std::string_view::npos ? "" : setting.substr(equals + 1));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool number = !text.empty() && *end == '\0' && std::isfinite(value);
  if (key == kThreads) {
    if (!number || value != std::floor(value) || value < 0 || value > kMostThreads)
      return fail(Code::kUsage,
                  fmt::format("{}: expected a whole number from 0 to {}", kThreads, kMostThreads));
    config.threads = static_cast<int>(value);
    return {};
  }
  const Threshold* row = row_of(key);
  if (row == nullptr)
    return fail(Code::kUsage,
                fmt::format("{}: unknown threshold; FORMAT.md lists them", printable(key, 64)));
  if (!number || !fits(*row, value))
    return fail(Code::kUsage, fmt::format("{}: {}", key, expected(*row)));
  config.*row->value = value;
  return {};
}

Result<> check_thresholds(const VerifyConfig& config) {
  for (const Threshold& row : kRows) {
    const std::string key(row.key);
    if (!key.ends_with("_warn")) continue;
    const std::string other = key.substr(0, key.size() - 4) + "fail";
    const Threshold* fails = row_of(other);
    if (fails == nullptr) continue;
    const bool falling = key == "coverage_warn";
    const double warn = config.*row.value;
    const double fail_at = config.*fails->value;
    if (falling ? fail_at <= warn : fail_at >= warn) continue;
    return fail(Code::kBadInput, fmt::format("{}: expected {} {} ({}), or nothing could only warn",
                                             other, falling ? "at most" : "at least", key, warn));
  }
  return {};
}

}  // namespace callbot::recordings
