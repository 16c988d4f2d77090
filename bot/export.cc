#include "bot/export.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "base/files.h"
#include "bot/interrupt.h"
#include "recordings/catalogue_entry.h"
#include "recordings/export.h"
#include "recordings/manifest.h"

namespace callbot::bot {
namespace {

void tell(Console& console, const recordings::ExportedFile& file) {
  const double seconds = static_cast<double>(file.duration_ns) / 1e9;
  std::string tracks;
  Json list = Json::array();
  for (const std::string& track : file.tracks) {
    tracks += ", " + track;
    list.add(track);
  }
  Json notes = Json::array();
  for (const std::string& note : file.notes) notes.add(note);
  console.event("exported",
                fmt::format("{} ({:.1f} s, {:.1f} MB{})", file.path.string(), seconds,
                            static_cast<double>(file.bytes) / 1e6, tracks),
                Json::object()
                    .set("path", file.path.string())
                    .set("participant", file.participant)
                    .set("name", file.name)
                    .set("from_s", static_cast<double>(file.from_ns) / 1e9)
                    .set("duration_s", seconds)
                    .set("bytes", static_cast<int64_t>(file.bytes))
                    .set("tracks", list)
                    .set("notes", notes));
  for (const std::string& note : file.notes) console.line("  not all of it: " + note);
}

std::optional<recordings::TimeSpan> part_of(const ExportOptions& options) {
  if (!options.from && !options.until) return std::nullopt;
  const auto ns = [](double seconds) { return std::llround(seconds * 1e9); };
  return recordings::TimeSpan{
      ns(options.from.value_or(0)),
      options.until ? ns(*options.until) : std::numeric_limits<int64_t>::max()};
}

}  // namespace

ExitStatus run_export(Console& console, const ExportOptions& options) {
  const Interrupt interrupt;
  bool whole = true;
  int shown = -1;  // per cent
  const auto done = recordings::export_recording(
      {.folder = options.dir,
       .to = options.to,
       .participant = options.participant,
       .out = options.out,
       .whole = options.whole,
       .part = part_of(options)},
      [&](double share) {
        const int percent = static_cast<int>(share * 100);
        if (percent != shown) console.progress("exporting", share);
        shown = percent;
        return !Interrupt::asked();
      },
      [&](const recordings::ExportedFile& file) {
        tell(console, file);
        whole = whole && file.notes.empty();
      },
      [&](const std::string& name, const std::string& note) {
        console.event("not-exported", printable(name) + ": " + note,
                      Json::object().set("name", name).set("note", note));
        whole = false;
      });
  console.end_progress();
  recordings::touch_recording(options.dir);
  if (done) {
    if (recordings::is_encrypted(options.dir)) console.line("exports are not encrypted");
    return whole ? kExitGood : kExitNotGood;
  }
  return tell_on_disk(done.error());
}

}  // namespace callbot::bot
