#include "bot/compose.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "bot/interrupt.h"
#include "recordings/catalogue_entry.h"
#include "recordings/compose.h"
#include "recordings/manifest.h"

namespace callbot::bot {
namespace {

void tell(Console& console, const recordings::Composed& done, double spent) {
  const double seconds = static_cast<double>(done.duration_ns) / 1e9;
  Json notes = Json::array();
  for (const std::string& note : done.notes) notes.add(note);
  console.event("composed",
                fmt::format("{} ({:.1f} s, {:.1f} MB, {}; {:.1f} times as fast as it "
                            "happened)",
                            done.path.string(), seconds, static_cast<double>(done.bytes) / 1e6,
                            counted(done.chapters, "chapter"), seconds / std::max(spent, 1e-3)),
                Json::object()
                    .set("path", done.path.string())
                    .set("duration_s", seconds)
                    .set("frames", done.frames)
                    .set("bytes", static_cast<int64_t>(done.bytes))
                    .set("chapters", static_cast<int64_t>(done.chapters))
                    .set("spent_s", spent)
                    .set("notes", notes));
  for (const std::string& note : done.notes) console.line("  not all of it: " + note);
}

}  // namespace

ExitStatus run_compose(Console& console, const ComposeOptions& options) {
  const Interrupt interrupt;
  const int64_t start = monotonic_ns();
  int shown = -1;  // per cent
  const auto done = recordings::compose({.folder = options.dir,
                                         .layout = *recordings::compose_layout(options.layout),
                                         .width = options.width,
                                         .height = options.height,
                                         .fps = options.fps,
                                         .out = options.out,
                                         .threads = options.threads},
                                        [&](double share) {
                                          const int percent = static_cast<int>(share * 100);
                                          if (percent != shown)
                                            console.progress("composing", share);
                                          shown = percent;
                                          return !Interrupt::asked();
                                        });
  console.end_progress();
  recordings::touch_recording(options.dir);
  if (done) {
    tell(console, *done, static_cast<double>(monotonic_ns() - start) / 1e9);
    if (recordings::is_encrypted(options.dir)) console.line("exports are not encrypted");
    return done->notes.empty() ? kExitGood : kExitNotGood;
  }
  return tell_on_disk(done.error());
}

}  // namespace callbot::bot
