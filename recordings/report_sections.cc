// What the page says of the recording as a whole: verdict, findings, facts.
#include "recordings/report_sections.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/clock.h"
#include "base/html.h"
#include "base/page.h"
#include "base/text.h"
#include "recordings/folder_lock.h"

namespace callbot::recordings {
namespace {

struct Tally {
  size_t fails = 0, warns = 0;
};
Tally tally(const Verdict& v) {
  Tally t;
  for (const Finding& f : v.findings) ++(f.severity == Severity::kFail ? t.fails : t.warns);
  return t;
}

std::string sentence(const ReportFacts& facts) {
  if (!facts.verdict) return html(facts.no_verdict);
  const Tally t = tally(*facts.verdict);
  if (t.fails + t.warns == 0) return "Everybody was seen and heard; nothing was found.";
  std::string text;
  if (t.fails > 0) text += counted(t.fails, "finding fails", "findings fail");
  if (t.warns > 0) {
    text += text.empty() ? "" : ", ";
    text += counted(t.warns, "finding warns", "findings warn");
  }
  return text + ".";
}

std::string css_of(const std::optional<Verdict>& verdict) {
  if (!verdict) return "none";
  return verdict->severity == Severity::kPass   ? "pass"
         : verdict->severity == Severity::kWarn ? "warn"
                                                : "fail";
}

std::string summary(const ReportFacts& facts) {
  const Manifest& m = facts.recording.manifest;
  std::vector<Tile> out = {{"Length", clock_text(facts.timeline.duration_ns), ""}};
  std::set<std::string> people;
  for (const ReportPerson& p : facts.people) people.insert(p.who.id);
  out.push_back({"People", std::to_string(people.size()), ""});
  if (facts.verdict && !facts.verdict->tracks.empty()) {
    double on = 0;
    double covered = 0;
    std::optional<double> offset;
    for (const TrackMeasure& t : facts.verdict->tracks) {
      on += t.expected;
      covered += t.covered;
      if (t.av_offset && std::abs(*t.av_offset) >= std::abs(offset.value_or(0)))
        offset = t.av_offset;
    }
    if (on > 0) {
      const double share = std::min(covered / on, 1.0) * 100;
      out.push_back(
          {"Covered", fmt::format("{:.{}f} %", share, share > 99.95 ? 0 : 1), "of the time on"});
    }
    if (offset) out.push_back({"Worst A/V", fmt::format("{:+.0f} ms", *offset * 1000), ""});
  }
  int64_t lost = 0;
  for (const Track& t : m.tracks) lost += t.packets_lost;
  out.push_back({"Packets lost", std::to_string(lost), ""});
  uint64_t bytes = 0;
  for (const MediaFileFacts& f : m.media) bytes += f.bytes.value_or(0);
  if (bytes > 0) out.push_back({"Media", shown_bytes(bytes), counted(m.media.size(), "file")});
  return tiles(out);
}

std::string when_of(const Finding& f) {
  if (!f.start) return "";
  std::string text = clock_text(std::llround(*f.start * 1e9));
  if (f.end && *f.end - *f.start >= 0.05) text += " – " + clock_text(std::llround(*f.end * 1e9));
  return text;
}

const ReportPerson* person_of(const ReportFacts& facts, const std::string& id, size_t& index) {
  for (index = 0; index < facts.people.size(); ++index) {
    if (!id.empty() && facts.people[index].who.id == id) return &facts.people[index];
  }
  return nullptr;
}

// Without scripts the link plays the file itself from there (a media fragment, W3C 2012).
std::string jump(const ReportFacts& facts, const Finding& f, const std::string& base) {
  const std::string when = when_of(f);
  size_t index = 0;
  const ReportPerson* person = person_of(facts, f.participant, index);
  if (when.empty()) return "";
  if (person == nullptr || person->files.empty())
    return fmt::format("<span class=\"at\">{}</span>", when);
  const PlayedFile* file = &person->files.front();
  const int64_t at = std::llround(*f.start * 1e9);
  for (const PlayedFile& candidate : person->files) {
    if (candidate.from_ns <= at) file = &candidate;
  }
  const double in_file = std::max(0.0, *f.start - static_cast<double>(file->from_ns) / 1e9);
  return fmt::format(
      "<a class=\"at\" href=\"{}{}#t={:.2f}\" data-person=\"{}\" data-at=\"{:.3f}\">{}</a>", base,
      html_link(file->path), in_file, index, *f.start, when);
}

std::string finding_row(const ReportFacts& facts, const Finding& f, const std::string& base) {
  const std::string css = f.severity == Severity::kFail ? "fail" : "warn";
  const std::string who = f.name.empty() ? f.participant : f.name;
  std::string what =
      "<p>" + html(f.text, 400) + "</p><p class=\"fine\"><code>" + html(f.code) + "</code>";
  if (!f.file.empty()) what += " · " + html(f.file, 120);
  what += "</p>";
  return fmt::format(
      "<tr><td><span class=\"chip {}\">{}</span></td><td>{}</td><td class=\"who\">{}</td>"
      "<td class=\"what\">{}</td></tr>\n",
      css, name_of(f.severity), jump(facts, f, base), html(who, 40), what);
}

std::string markers_table(const ReportFacts& facts) {
  std::string rows;
  for (const Marker& m : facts.recording.manifest.markers) {
    rows += fmt::format("<tr><td>{}</td><td class=\"who\">{}</td><td class=\"who\">{}</td></tr>\n",
                        clock_text(m.at_ns), html(m.text), html(m.by, 40));
  }
  if (rows.empty()) return "";
  return "<div class=\"scroll\"><table class=\"list\"><thead><tr><th>At</th><th>Marker</th>"
         "<th>By</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>\n";
}

std::string row(const std::string& key, const std::string& value) {
  if (value.empty()) return "";
  return "<tr><th scope=\"row\">" + key + "</th><td>" + value + "</td></tr>\n";
}

std::string call_facts(const ReportFacts& facts) {
  const Manifest& m = facts.recording.manifest;
  std::string out;
  out += row("Room", html(m.facts.room));
  out += row("Label", html(m.facts.label));
  out += row("Address", html(m.facts.url));
  out += row("Recorded by", html(m.facts.recorder, 80));
  out += row("Began", shown_time(m.started_wall_ns));
  if (m.ended_wall_ns) out += row("Ended", shown_time(*m.ended_wall_ns));
  if (m.ending) {
    std::string why = html(m.ending->reason);
    if (!m.ending->by.empty()) why += ", by " + html(m.ending->by, 80);
    if (!m.ending->text.empty()) why += ": " + html(m.ending->text, 400);
    out += row("Because", why);
  }
  out += row("State", html(m.state));
  out += row("Recorded", m.facts.audio && m.facts.video ? "sound and pictures"
                         : m.facts.audio                ? "sound only"
                                                        : "pictures only");
  if (m.chat_messages > 0) out += row("Chat", counted(m.chat_messages, "message"));
  out += row("Software", html(m.software));
  out += row("Folder", html(facts.folder.filename().string()));
  if (facts.verdict) {
    std::string set;
    for (const auto& [key, value] : facts.verdict->thresholds)
      set += (set.empty() ? "" : ", ") + fmt::format("{} = {}", html(key), value);
    out += row("Judged by other limits", set);
  }
  for (const Failure& f : m.failures)
    out += row("Error at " + clock_text(f.at_ns), html(f.text, 400));
  return "<table class=\"facts\">" + out + "</table>\n";
}

struct FileRow {
  std::string path, from, length, bytes, sum;
};

std::string files_table(const ReportFacts& facts) {
  const Manifest& m = facts.recording.manifest;
  std::vector<FileRow> files;
  for (const MediaFileFacts& f : m.media) {
    files.push_back({f.path, clock_text(f.offset_ns),
                     f.duration_ns ? clock_text(*f.duration_ns) : "not closed",
                     f.bytes ? shown_bytes(*f.bytes) : "", ""});
  }
  for (const FileFacts& f : m.received)
    files.push_back({f.path, "", "", shown_bytes(f.bytes), f.sha256});
  if (files.empty()) return "";
  const bool sums =
      std::any_of(files.begin(), files.end(), [](const FileRow& f) { return !f.sum.empty(); });
  std::string rows;
  for (const FileRow& f : files) {
    rows += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td>",
                        html(f.path, 120), f.from, f.length, f.bytes);
    if (sums) rows += "<td class=\"sum\"><code>" + html(f.sum) + "</code></td>";
    rows += "</tr>\n";
  }
  return std::string(
             "<div class=\"scroll\"><table class=\"list\"><thead><tr><th>File</th>"
             "<th>From</th><th>Length</th><th>Size</th>") +
         (sums ? "<th>SHA-256</th>" : "") + "</tr></thead><tbody>" + rows +
         "</tbody></table></div>\n";
}

std::string lanes_table(const ReportFacts& facts) {
  if (!facts.verdict || facts.verdict->tracks.empty()) return "";
  std::string rows;
  for (const TrackMeasure& t : facts.verdict->tracks) {
    int64_t lost = 0;
    for (const Track& track : facts.recording.manifest.tracks) {
      if (track.participant == t.participant && name_of(track.media) == t.media)
        lost += track.packets_lost;
    }
    rows += fmt::format(
        "<tr><td class=\"who\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1f} of {:.1f} s</td>"
        "<td>{}</td><td>{}</td><td>{}</td></tr>\n",
        html(t.name.empty() ? t.participant : t.name, 40), html(t.media), html(t.codec), t.frames,
        t.covered, t.expected, lost, t.undecodable,
        t.av_offset ? fmt::format("{:+.0f} ms", *t.av_offset * 1000) : "");
  }
  return "<div class=\"scroll\"><table class=\"list\"><thead><tr><th>Who</th><th>Kind</th>"
         "<th>Codec</th><th>Frames</th><th>Covered</th><th>Packets lost</th><th>Undecodable</th>"
         "<th>A/V</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

std::string shown_bytes(uint64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (b >= 1e9) return fmt::format("{:.2f} GB", b / 1e9);
  if (b >= 1e6) return fmt::format("{:.1f} MB", b / 1e6);
  if (b >= 1e3) return fmt::format("{:.0f} kB", b / 1e3);
  return fmt::format("{} B", bytes);
}

std::string hero_section(const ReportFacts& facts) {
  const Manifest& m = facts.recording.manifest;
  const std::string css = css_of(facts.verdict);
  const std::string word = facts.verdict ? name_of(facts.verdict->severity) : "No verdict";
  std::string when = shown_time(m.started_wall_ns);
  if (facts.recording.open) when += std::string(" · ") + open_state(facts.folder);
  return hero(css, word, html(m.facts.room.empty() ? "Recording" : m.facts.room, 80), when,
              sentence(facts)) +
         summary(facts);
}

std::string findings_section(const ReportFacts& facts, const std::string& media_base) {
  if (!facts.verdict) return "";
  std::string rows;
  for (const Finding& f : facts.verdict->findings) rows += finding_row(facts, f, media_base);
  std::string body = rows.empty()
                         ? "<p class=\"empty\">Nothing was found.</p>\n"
                         : "<table class=\"findings\"><thead><tr><th>Verdict</th><th>When</th>"
                           "<th>Who</th><th>What</th></tr></thead><tbody>\n" +
                               rows + "</tbody></table>\n";
  return "<section id=\"findings\">\n<h2>Findings</h2>\n" + body + "</section>\n";
}

std::string facts_section(const ReportFacts& facts) {
  std::string body = call_facts(facts);
  if (const auto lanes = lanes_table(facts); !lanes.empty()) body += "<h3>Tracks</h3>\n" + lanes;
  if (const auto markers = markers_table(facts); !markers.empty())
    body += "<h3>Markers</h3>\n" + markers;
  if (const auto files = files_table(facts); !files.empty()) body += "<h3>Files</h3>\n" + files;
  return "<section id=\"facts\">\n<h2>Facts</h2>\n" + body + "</section>\n";
}

}  // namespace callbot::recordings
