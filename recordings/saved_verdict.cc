// verdict.json: a verdict as it was, and whether it still holds.
#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/manifest.h"
#include "recordings/recording_folder.h"
#include "recordings/thresholds.h"
#include "recordings/verify.h"

namespace callbot::recordings {
namespace {

constexpr uint64_t kMostBytes = 64u << 20;
constexpr const char* kName = "verdict.json";

Severity read_severity(Fields& f, const char* key) {
  const auto text = f.need<std::string>(key);
  for (const Severity s : {Severity::kPass, Severity::kWarn, Severity::kFail}) {
    if (text == name_of(s)) return s;
  }
  f.complain(key, "expected PASS, WARN or FAIL");
  return Severity::kFail;
}

std::optional<double> maybe(Fields& f, const char* key) {
  if (!f.has(key)) return std::nullopt;
  return f.need<double>(key);
}

TrackMeasure read_track(Fields& f) {
  TrackMeasure t;
  t.participant = f.need<std::string>("participant");
  t.name = f.need<std::string>("name");
  t.media = f.need<std::string>("media");
  t.codec = f.need<std::string>("codec");
  t.expected = f.need<double>("expected_s");
  t.covered = f.need<double>("covered_s");
  t.frames = f.need<uint64_t>("frames");
  t.undecodable = f.need<uint64_t>("undecodable");
  t.marked = f.need<bool>("marked");
  t.marks = f.get<uint64_t>("marks", 0);
  t.marks_missing = f.get<uint64_t>("marks_missing", 0);
  t.marks_duplicated = f.get<uint64_t>("marks_duplicated", 0);
  t.marks_reordered = f.get<uint64_t>("marks_reordered", 0);
  t.av_offset = maybe(f, "av_offset_s");
  return t;
}

Finding read_finding(Fields& f) {
  Finding out;
  out.code = f.need<std::string>("code");
  out.severity = read_severity(f, "severity");
  out.participant = f.get<std::string>("participant", "");
  out.name = f.get<std::string>("name", "");
  out.file = f.get<std::string>("file", "");
  out.start = maybe(f, "start_s");
  out.end = maybe(f, "end_s");
  out.value = maybe(f, "value");
  out.threshold = maybe(f, "threshold");
  out.text = f.need<std::string>("text");
  return out;
}

DamageSpan read_damage(Fields& f) {
  DamageSpan d;
  d.kind = f.need<std::string>("kind");
  d.severity = read_severity(f, "severity");
  d.participant = f.need<std::string>("participant");
  d.name = f.get<std::string>("name", "");
  d.media = f.need<std::string>("media");
  d.from = f.need<double>("start_s");
  d.to = f.need<double>("end_s");
  d.value = f.need<double>("value");
  d.count = f.get<uint64_t>("count", 1);
  f.get<std::string>("unit", "");
  return d;
}

template <class T>
std::vector<T> read_list(Fields& f, const char* key, T (*read)(Fields&)) {
  std::vector<T> out;
  f.list(key, [&](const Json& json, const std::string& path) {
    Fields element(json, path);
    out.push_back(read(element));
    f.absorb(element);
  });
  return out;
}

// Of everything that a verdict is made from. None: something is not there.
std::optional<fs::file_time_type> last_change(const fs::path& folder) {
  std::error_code failed;
  auto latest = fs::last_write_time(folder / kManifest, failed);
  if (failed) return std::nullopt;
  const auto look = [&](const fs::path& path) {
    const auto time = fs::last_write_time(path, failed);
    if (!failed) latest = std::max(latest, time);
  };
  look(folder / kJournal);
  for (const char* below : {"media", "files"}) {
    look(folder / below);  // a file that was removed or added
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder / below, none)) look(entry.path());
  }
  return latest;
}

}  // namespace

Result<Verdict> parse_verdict(std::string_view text) {
  auto json = Json::parse(text, {.most_bytes = kMostBytes, .deepest = 8});
  if (!json) return tl::unexpected(json.error());
  Fields f(*json);
  if (f.need<std::string>("format") != "callbot-verdict")
    f.complain("format", "expected \"callbot-verdict\"");
  if (f.need<int64_t>("version") > kFormatVersion)
    return fail(Code::kUnsupported, "a verdict of a later version");
  Verdict v;
  v.severity = read_severity(f, "verdict");
  v.folder = f.need<std::string>("folder");
  v.duration = f.need<double>("duration_s");
  v.tracks = read_list(f, "tracks", read_track);
  v.findings = read_list(f, "findings", read_finding);
  v.damage = read_list(f, "damage", read_damage);
  Fields set = f.object("thresholds");
  for (const Threshold& t : thresholds()) {
    if (set.has(t.key)) v.thresholds[t.key] = set.need<double>(t.key);
  }
  f.absorb(set);
  f.get<std::string>("judged", "");
  return f.done().map([&] { return v; });
}

Result<> save_verdict(const fs::path& folder, const Verdict& verdict) {
  Json json = to_json(verdict);
  json.set("judged", rfc3339(wall_ns()));
  return write_atomically(folder / kName, json.dump(true) + "\n");
}

bool verdict_holds(const fs::path& folder) {
  std::error_code missing;
  const auto saved = fs::last_write_time(folder / kName, missing);
  const auto changed = last_change(folder);
  return !missing && changed && *changed <= saved;
}

std::optional<Verdict> saved_verdict(const fs::path& folder) {
  if (!verdict_holds(folder)) return std::nullopt;
  const auto text = read_file(folder / kName, kMostBytes);
  if (!text) return std::nullopt;
  auto verdict = parse_verdict(*text);
  if (!verdict) return std::nullopt;
  verdict->folder = folder.string();
  return std::move(*verdict);
}

}  // namespace callbot::recordings
