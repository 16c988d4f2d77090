#include "recordings/speakers.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/files.h"
#include "base/json.h"

namespace callbot::recordings {
namespace {

struct Spoken {
  const Participant* who;
  int64_t from_ns, to_ns;
};

std::vector<Spoken> in_order(const Manifest& m) {
  std::vector<Spoken> all;
  for (const Participant& p : m.participants) {
    for (const Span& s : p.spoke) all.push_back({&p, s.from_ns, s.to_ns.value_or(m.duration_ns())});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Spoken& a, const Spoken& b) { return a.from_ns < b.from_ns; });
  return all;
}

// WebVTT, 4.: hours of two or more digits, milliseconds.
std::string cue_time(int64_t ns) {
  const int64_t ms = std::max<int64_t>(ns, 0) / 1'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                     ms % 1000);
}

// A name in a cue: its markup escaped (WebVTT, 4.2.2), one line, and never an arrow.
std::string cue_text(const std::string& name) {
  std::string out;
  for (const char c : printable(name.empty() ? "?" : name, 100)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string speakers_json(const Manifest& m) {
  Json speakers = Json::array();
  for (const Participant& p : m.participants) {
    if (p.spoke.empty()) continue;
    int64_t total = 0;
    for (const Span& s : p.spoke) total += s.to_ns.value_or(m.duration_ns()) - s.from_ns;
    speakers.add(
        Json::object().set("participant", p.id).set("name", p.name).set("spoke_ns", total));
  }
  Json spans = Json::array();
  for (const Spoken& s : in_order(m))
    spans.add(Json::object()
                  .set("participant", s.who->id)
                  .set("name", s.who->name)
                  .set("from_ns", s.from_ns)
                  .set("to_ns", s.to_ns));
  return Json::object()
             .set("format", "callbot-speakers")
             .set("version", 1)
             .set("speakers", speakers)
             .set("spans", spans)
             .dump(true) +
         "\n";
}

std::string speakers_vtt(const Manifest& m) {
  std::string text = "WEBVTT\n";
  for (const Spoken& s : in_order(m)) {
    const std::string name = cue_text(s.who->name);
    // A cue that is over before its first millisecond is none.
    const int64_t to_ns = std::max(s.to_ns, s.from_ns + 1'000'000);
    text += fmt::format("\n{} --> {}\n<v {}>{}</v>\n", cue_time(s.from_ns), cue_time(to_ns), name,
                        name);
  }
  return text;
}

Result<> write_speakers(const std::filesystem::path& folder, const Manifest& m) {
  const bool any = std::any_of(m.participants.begin(), m.participants.end(),
                               [](const Participant& p) { return !p.spoke.empty(); });
  if (!any) return {};
  return write_atomically(folder / "speakers.json", speakers_json(m)).and_then([&] {
    return write_atomically(folder / "speakers.vtt", speakers_vtt(m));
  });
}

}  // namespace callbot::recordings
