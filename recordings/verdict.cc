// Findings and verdicts, as text and as JSON.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

std::string whose(const Finding& f) {
  std::string text;
  for (const std::string& part : {f.name.empty() ? f.participant : f.name, f.file}) {
    if (!part.empty()) text += " " + printable(part, 64);
  }
  if (f.start && f.end && *f.end > *f.start)
    text += fmt::format(" {:.2f}-{:.2f} s", *f.start, *f.end);
  else if (f.start)
    text += fmt::format(" {:.2f} s", *f.start);
  return text;
}

std::string track_line(const TrackMeasure& t) {
  std::string line = fmt::format(
      "  {} {} {}: {}, {:.1f} of {:.1f} s", printable(t.name.empty() ? t.participant : t.name, 64),
      t.media, t.codec.empty() ? "-" : t.codec, counted(t.frames, "frame"), t.covered, t.expected);
  if (t.undecodable > 0) line += fmt::format(", {} undecodable", t.undecodable);
  if (t.marked) line += fmt::format(", marks {}/{}", t.marks, t.marks + t.marks_missing);
  if (t.av_offset) line += fmt::format(", A/V {:+.0f} ms", *t.av_offset * 1000);
  return line + "\n";
}

Json damage_json(const std::vector<DamageSpan>& damage) {
  Json list = Json::array();
  for (const DamageSpan& d : damage) {
    const DamageKind* kind = damage_kind(d.kind);
    Json span = Json::object();
    span.set("kind", d.kind)
        .set("severity", name_of(d.severity))
        .set("participant", d.participant)
        .set_if(!d.name.empty(), "name", d.name)
        .set("media", d.media)
        .set("start_s", d.from)
        .set("end_s", d.to)
        .set("value", d.value)
        .set("unit", kind == nullptr ? "" : kind->unit)
        .set_if(d.count > 1, "count", d.count);
    list.add(span);
  }
  return list;
}

}  // namespace

void Findings::add(Finding finding) { list_.push_back(std::move(finding)); }

void Findings::add(const Lane& lane, Finding finding) {
  finding.participant = lane.participant;
  finding.name = lane.name;
  list_.push_back(std::move(finding));
}

void Findings::add_span(const Lane& lane, Finding finding, const SpanRule& rule) {
  const double value = finding.value.value_or(0);
  if (value < rule.listed) return;
  finding.severity = value >= std::max(rule.fail, rule.warn) ? Severity::kFail
                     : value >= rule.warn                    ? Severity::kWarn
                                                             : Severity::kPass;
  finding.threshold = rule.warn;
  harm(lane, {.kind = finding.code,
              .severity = finding.severity,
              .from = finding.start.value_or(0),
              .to = finding.end.value_or(0),
              .value = value});
  if (finding.severity != Severity::kPass) add(lane, std::move(finding));
}

void Findings::harm(const Lane& lane, DamageSpan span) {
  span.participant = lane.participant;
  span.name = lane.name;
  span.media = name_of(lane.media);
  damage_.push_back(std::move(span));
}

std::vector<Finding> Findings::take() {
  std::vector<Finding> out;
  std::map<std::string, size_t> alike;
  std::map<std::string, size_t> last;
  for (Finding& f : list_) {
    const auto key = f.code + "/" + f.participant;
    if (alike[key]++ >= kMostAlike) {
      Finding& more = out[last[key]];
      more.severity = std::max(more.severity, f.severity);
      continue;
    }
    last[key] = out.size();
    out.push_back(std::move(f));
  }
  for (const auto& [key, count] : alike) {
    if (count > kMostAlike)
      out[last[key]].text += fmt::format(" (and {} more such)", count - kMostAlike);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return out;
}

namespace {

// Nothing good can be said of what was not looked at.
const char* word_of(const Verdict& v) {
  return !v.unmeasured.empty() && v.severity != Severity::kFail ? "UNMEASURED"
                                                                : name_of(v.severity);
}

}  // namespace

std::string to_text(const Verdict& v) {
  std::set<std::string> participants;
  uint64_t frames = 0;
  for (const TrackMeasure& t : v.tracks) {
    participants.insert(t.participant);
    frames += t.frames;
  }
  std::string text = fmt::format(
      "{} {}: {:.1f} s, {}, {}, {}, {}\n", word_of(v), v.folder, v.duration,
      counted(participants.size(), "participant"), counted(v.tracks.size(), "track"),
      counted(frames, "frame"),
      v.findings.empty() ? "nothing found" : fmt::format("{} found", v.findings.size()));
  for (const TrackMeasure& t : v.tracks) text += track_line(t);
  for (const Finding& f : v.findings)
    text += fmt::format("  {} {}{}: {}\n", name_of(f.severity), f.code, whose(f),
                        printable(f.text, 400));
  for (const std::string& line : damage_lines(v.damage)) text += "  damage " + line + "\n";
  text.pop_back();
  return text;
}

Json to_json(const Verdict& v) {
  Json tracks = Json::array();
  for (const TrackMeasure& t : v.tracks) {
    Json track = Json::object();
    track.set("participant", t.participant)
        .set("name", t.name)
        .set("media", t.media)
        .set("codec", t.codec)
        .set("expected_s", t.expected)
        .set("covered_s", t.covered)
        .set("frames", t.frames)
        .set("undecodable", t.undecodable)
        .set("marked", t.marked);
    if (t.marked) {
      track.set("marks", t.marks)
          .set("marks_missing", t.marks_missing)
          .set("marks_duplicated", t.marks_duplicated)
          .set("marks_reordered", t.marks_reordered);
    }
    if (t.av_offset) track.set("av_offset_s", *t.av_offset);
    tracks.add(track);
  }
  Json findings = Json::array();
  for (const Finding& f : v.findings) {
    Json finding = Json::object();
    finding.set("code", f.code).set("severity", name_of(f.severity));
    finding.set_if(!f.participant.empty(), "participant", f.participant)
        .set_if(!f.name.empty(), "name", f.name)
        .set_if(!f.file.empty(), "file", f.file)
        .set_if(f.start.has_value(), "start_s", f.start.value_or(0))
        .set_if(f.end.has_value(), "end_s", f.end.value_or(0))
        .set_if(f.value.has_value(), "value", f.value.value_or(0))
        .set_if(f.threshold.has_value(), "threshold", f.threshold.value_or(0));
    findings.add(finding.set("text", f.text));
  }
  Json thresholds = Json::object();
  for (const auto& [key, value] : v.thresholds) thresholds.set(key.c_str(), value);
  return Json::object()
      .set("format", "callbot-verdict")
      .set("version", kFormatVersion)
      .set("verdict", word_of(v))
      .set_if(!v.unmeasured.empty(), "unmeasured", v.unmeasured)
      .set("folder", v.folder)
      .set("duration_s", v.duration)
      .set("tracks", tracks)
      .set("findings", findings)
      .set("damage", damage_json(v.damage))
      .set_if(!v.thresholds.empty(), "thresholds", thresholds);
}

}  // namespace callbot::recordings
