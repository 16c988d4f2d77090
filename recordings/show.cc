#include "recordings/show.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "recordings/folder_lock.h"
#include "recordings/keys.h"
#include "recordings/manifest.h"

namespace callbot::recordings {
namespace {

std::string span_text(int64_t from, const std::optional<int64_t>& to) {
  return fmt::format("{} - {}", clock_text(from), to ? clock_text(*to) : "end");
}

std::string head(const fs::path& folder, const LoadedRecording& loaded) {
  const Manifest& m = loaded.manifest;
  std::string text = fmt::format("{}\n", folder.string());
  const auto line = [&text](const char* key, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10}{}\n", key, printable(value));
  };
  line("room", m.facts.room);
  line("url", m.facts.url);
  line("label", m.facts.label);
  line("recorder", m.facts.recorder);
  line("started", rfc3339(m.started_wall_ns));
  line("lasted", clock_text(m.duration_ns()));
  line("state", loaded.open ? open_state(folder) : m.state);
  if (m.encryption) line("sealed to", m.encryption->to);
  if (m.ending) {
    line("ended by", m.ending->by);
    line("because", m.ending->reason + (m.ending->text.empty() ? "" : ": " + m.ending->text));
  }
  return text;
}

std::string track_text(const Track& t) {
  std::string text =
      fmt::format("    {} {} {}", name_of(t.media), t.codec, span_text(t.from_ns, t.to_ns));
  if (!t.source.empty()) text += " " + printable(t.source, 20);
  if (!t.sizes.empty()) {
    for (const Size& s : t.sizes) text += fmt::format(" {}x{}", s.width, s.height);
  }
  if (t.to_ns) text += ", " + counted(t.frames, "frame");
  if (t.packets_lost > 0)
    text += ", " + counted(static_cast<uint64_t>(t.packets_lost), "packet") + " lost";
  if (t.gap_count > 0) text += ", " + counted(t.gap_count, "gap");
  if (t.key_frame_waits > 0)
    text += fmt::format(", waited {:.1f} s for key frames",
                        static_cast<double>(t.key_frame_wait_ns) / 1e9);
  if (t.overflow > 0) text += ", " + counted(t.overflow, "frame") + " dropped";
  if (t.start_wall_ns)
    text += fmt::format("\n      first frame {} ({})", rfc3339(*t.start_wall_ns), t.start_source);
  return text + "\n";
}

std::string spoke_text(const Manifest& m, const Participant& p) {
  int64_t total = 0;
  for (const Span& s : p.spoke) total += s.to_ns.value_or(m.duration_ns()) - s.from_ns;
  return fmt::format("    spoke {} in {}\n", clock_text(total), counted(p.spoke.size(), "span"));
}

std::string participant_text(const Manifest& m, const Participant& p) {
  std::string text = fmt::format("  {} ({})\n", printable(p.name, 64), printable(p.id, 64));
  for (const Span& s : p.present) {
    text += fmt::format("    there {}{}\n", span_text(s.from_ns, s.to_ns),
                        s.reason.empty() ? "" : ", " + printable(s.reason, 64));
  }
  for (const Said& s : p.said) {
    if (!s.on)
      text += fmt::format("    {} off {}\n", name_of(s.media), span_text(s.from_ns, s.to_ns));
  }
  for (const Span& s : p.refused)
    text += fmt::format("    asked not to be recorded {}\n", span_text(s.from_ns, s.to_ns));
  for (const Span& s : p.excluded)
    text += fmt::format("    excluded by name {}\n", span_text(s.from_ns, s.to_ns));
  for (const Pause& s : m.pauses) {
    if (s.participant == p.id)
      text += fmt::format("    paused {}\n", span_text(s.from_ns, s.to_ns));
  }
  if (!p.spoke.empty()) text += spoke_text(m, p);
  for (const Track& t : m.tracks) {
    if (t.participant == p.id) text += track_text(t);
  }
  return text;
}

std::string files_text(const Manifest& m) {
  std::string text;
  for (const MediaFileFacts& f : m.media) {
    text += fmt::format("  {} from {}", f.path, clock_text(f.offset_ns));
    if (f.duration_ns) text += fmt::format(", {} long", clock_text(*f.duration_ns));
    if (f.bytes) text += fmt::format(", {:.1f} MB", static_cast<double>(*f.bytes) / 1e6);
    text += "\n";
  }
  for (const FileFacts& f : m.received)
    text +=
        fmt::format("  {} received, {}, sha256 {}\n", f.path, counted(f.bytes, "byte"), f.sha256);
  return text;
}

std::string chat_text(const Event& e) {
  if (!e.sealed.value_or(false)) return printable(e.text);
  const auto text = KeyRing::ours().open_text(e.text);
  return text ? printable(*text) : "(encrypted)";
}

}  // namespace

Result<std::string> show(const fs::path& folder) {
  const auto loaded = load(folder);
  if (!loaded) return tl::unexpected(loaded.error());
  const Manifest& m = loaded->manifest;
  std::string text = head(folder, *loaded);
  text += "participants\n";
  for (const Participant& p : m.participants) text += participant_text(m, p);
  text += "files\n" + files_text(m);
  for (const Pause& p : m.pauses) {
    if (p.participant.empty())
      text += fmt::format("paused {}, {}\n", span_text(p.from_ns, p.to_ns), p.policy);
  }
  for (const Marker& k : m.markers)
    text += fmt::format("marker at {}: {}{}\n", clock_text(k.at_ns), printable(k.text),
                        k.by.empty() ? "" : " (" + printable(k.by, 64) + ")");
  for (const Failure& f : m.failures)
    text += fmt::format("error at {}: {}\n", clock_text(f.at_ns), printable(f.text));
  for (const Event& e : loaded->events) {
    if (e.kind == EventKind::kChat)
      text += fmt::format("chat at {} {}: {}\n", clock_text(e.wall_ns - m.started_wall_ns),
                          printable(e.participant, 64), chat_text(e));
  }
  if (loaded->journal_error)
    text += "the journal is damaged: " + loaded->journal_error->message + "\n";
  text.pop_back();
  return text;
}

}  // namespace callbot::recordings
