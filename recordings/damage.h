// recordings/damage.h: the damage map: which spans of whose sound and picture are harmed, how, and
// how badly. FORMAT.md lists the kinds.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callbot::recordings {

enum class Severity { kPass, kWarn, kFail };
// "PASS", "WARN", "FAIL".
const char* name_of(Severity severity);

struct DamageSpan {
  std::string kind;                     // "loss"; a row of damage_kinds()
  Severity severity = Severity::kPass;  // kPass: too little for a finding
  std::string participant = {}, name = {};
  std::string media = {};   // "audio", "video"
  double from = 0, to = 0;  // seconds from the recording's start
  double value = 0;         // how bad, in the kind's unit
  uint64_t count = 1;       // spans that were put together into this one
  double length() const { return to - from; }
};

struct DamageKind {
  const char* name;
  const char* unit;                                // of DamageSpan::value
  const char* words;                               // for people
  enum class Merge { kSum, kMost, kLeast } merge;  // what the value of two together is
};
std::span<const DamageKind> damage_kinds();
const DamageKind* damage_kind(std::string_view name);

// A long list stays readable: of more than `most` spans of one lane and kind those nearest to each
// other are put together. Sorted by participant as they came, media, kind, time.
std::vector<DamageSpan> bounded(std::vector<DamageSpan> spans, size_t most = 300);

// One line a lane: "alice video: freeze 3.0 s, loss 12 packets in 2 spans".
std::vector<std::string> damage_lines(const std::vector<DamageSpan>& spans);

}  // namespace callbot::recordings
