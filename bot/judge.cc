#include "bot/judge.h"

#include <fmt/core.h>

#include "recordings/repair.h"
#include "recordings/show.h"
#include "recordings/verify.h"

namespace callbot::bot {
namespace {

ExitStatus say(const Error& error) {
  fmt::print(stderr, "callbot: {}\n", error.message);
  return exit_status(error);
}

}  // namespace

ExitStatus run_verify(Console& console, const VerifyOptions& options) {
  const bool bar = console.terminal() && !options.json;
  const auto verdict = recordings::verify(options.dir, {}, [&](double share) {
    if (bar) console.progress("judging  ", share);
    return true;
  });
  if (bar) console.end_progress();
  if (!verdict) return say(verdict.error());
  fmt::print("{}\n", options.json ? recordings::to_json(*verdict).dump(true)
                                  : recordings::to_text(*verdict));
  return verdict->severity == recordings::Severity::kFail ? kExitNotGood : kExitGood;
}

ExitStatus run_show(const ShowOptions& options) {
  const auto text = recordings::show(options.dir);
  if (!text) return say(text.error());
  fmt::print("{}\n", *text);
  return kExitGood;
}

ExitStatus run_repair(Console& console, const RepairOptions& options) {
  const bool bar = console.terminal() && !options.json;
  const auto report = recordings::repair(options.dir, [&](double share) {
    if (bar) console.progress("repairing", share);
    return true;
  });
  if (bar) console.end_progress();
  if (!report) return say(report.error());
  fmt::print("{}\n",
             options.json ? recordings::to_json(*report).dump(true) : recordings::to_text(*report));
  if (report->busy) return kExitUnmeasured;
  return report->complete() ? kExitGood : kExitNotGood;
}

}  // namespace callbot::bot
