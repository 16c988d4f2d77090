// recordings/thresholds.h: what verify judges by, as people may set it: every key of VerifyConfig
// by its name, with its unit.
//
// Thread:  any; load blocks on the file system.
// Owner:   the caller.
// Fails:   kBadInput that names the file, the key and what was expected (kUsage for a SETTING);
//          kStorage if the file cannot be read.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "recordings/verify.h"

namespace callbot::recordings {

struct Threshold {
  const char* key;
  const char* unit;  // "s", "share", "dBFS", ...
  double VerifyConfig::*value;
  double least, most;
};
std::span<const Threshold> thresholds();

// A JSON object: {"gap_warn": 1, "threads": 2}. What it does not name stays as in `base`.
Result<VerifyConfig> load_thresholds(const std::filesystem::path& file, VerifyConfig base = {});
// "gap_warn=1".
Result<> set_threshold(VerifyConfig& config, std::string_view setting);
// A limit that fails before it warns makes no sense.
Result<> check_thresholds(const VerifyConfig& config);

}  // namespace callbot::recordings
