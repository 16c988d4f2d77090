#include "bot/judge.h"

#include <fmt/core.h>

#include "base/print.h"
#include "bot/interrupt.h"
#include "bot/on_finish.h"
#include "bot/open_recordings.h"
#include "recordings/manifest.h"
#include "recordings/owed_verdict.h"
#include "recordings/recording_folder.h"
#include "recordings/repair.h"
#include "recordings/report.h"
#include "recordings/show.h"
#include "recordings/thresholds.h"
#include "recordings/verify.h"

namespace callbot::bot {
namespace {

Result<recordings::VerifyConfig> limits_of(const VerifyOptions& options) {
  recordings::VerifyConfig config;
  if (!options.thresholds.empty()) {
    auto loaded = recordings::load_thresholds(options.thresholds);
    if (!loaded) return tl::unexpected(loaded.error());
    config = *loaded;
  }
  for (const std::string& setting : options.sets) {
    if (auto set = recordings::set_threshold(config, setting); !set)
      return tl::unexpected(std::move(set.error()).in("--set"));
  }
  return recordings::check_thresholds(config).map([&] { return config; });
}

// As JSON: who reads that wants to see why there is no verdict.
void tell_later_version(const VerifyOptions& options, const Error& error) {
  recordings::Verdict verdict{.severity = recordings::Severity::kFail,
                              .folder = options.dir.string()};
  verdict.findings.push_back({.code = "later-version",
                              .severity = recordings::Severity::kFail,
                              .file = recordings::kManifest,
                              .text = error.message});
  print("{}\n", recordings::to_json(verdict).dump(true));
}

}  // namespace

ExitStatus run_verify(Console& console, const VerifyOptions& options) {
  const Interrupt interrupt;
  const bool bar = console.terminal() && !options.json;
  const auto limits = limits_of(options);
  if (!limits) return tell_on_disk({Code::kUsage, limits.error().message});
  const auto verdict = recordings::verify(options.dir, *limits, [&](double share) {
    if (bar) console.progress("judging  ", share);
    return !Interrupt::asked();
  });
  if (bar) console.end_progress();
  if (!verdict) {
    if (options.json && verdict.error().code == Code::kUnsupported)
      tell_later_version(options, verdict.error());
    return tell_on_disk(verdict.error());
  }
  print("{}\n",
        options.json ? recordings::to_json(*verdict).dump(true) : recordings::to_text(*verdict));
  if (!verdict->unmeasured.empty() && verdict->severity != recordings::Severity::kFail)
    return tell_on_disk({Code::kUnmeasured, verdict->unmeasured});
  if (options.save && verdict->unmeasured.empty()) {
    if (auto saved = recordings::save_verdict(options.dir, *verdict); !saved)
      return tell_on_disk(saved.error());
  }
  return verdict->severity == recordings::Severity::kFail ? kExitNotGood : kExitGood;
}

ExitStatus run_report(Console& console, const ReportOptions& options) {
  const auto limits = limits_of(options.verify);
  if (!limits) return tell_on_disk({Code::kUsage, limits.error().message});
  recordings::ReportConfig config{.out = options.out, .verify = *limits};
  // A saved verdict was made by the limits of its own time.
  config.judge_anew =
      options.judge_anew || !options.verify.sets.empty() || !options.verify.thresholds.empty();
  const Interrupt interrupt;
  std::string shown;
  const auto report =
      recordings::write_report(options.verify.dir, config, [&](const char* what, double share) {
        if (what != shown) console.end_progress();
        shown = what;
        console.progress(what, share);
        return !Interrupt::asked();
      });
  console.end_progress();
  if (!report) return tell_on_disk(report.error());
  console.event("report",
                fmt::format("{} ({} kB)", report->path.string(), (report->bytes + 500) / 1000),
                Json::object()
                    .set("path", report->path.string())
                    .set("bytes", report->bytes)
                    .set("verdict",
                         report->severity ? recordings::name_of(*report->severity) : "UNMEASURED"));
  if (recordings::is_encrypted(options.verify.dir)) console.line("the report is not encrypted");
  return kExitGood;
}

ExitStatus run_show(const ShowOptions& options) {
  const auto text = recordings::show(options.dir);
  if (!text) return tell_on_disk(text.error());
  print("{}\n", *text);
  return kExitGood;
}

namespace {

// Of a recording whose recorder died before, --on-finish gets the verdict as well, unless it stays
// owed (owed_verdict.h). One that owes nothing and has no verdict that holds is an older version's,
// or encrypted to a key that was not there: whether --on-finish had it nobody knows, so it is
// judged alone. So is what was changed just now. None: as it was.
std::optional<Judged> judge_repaired(const RepairOptions& options, bool changed,
                                     const std::function<bool(double)>& go_on) {
  auto owed = recordings::OwedVerdict::take(options.dir);
  if (!owed && (recordings::owes_verdict(options.dir) ||  // somebody else is at it
                (!changed && recordings::verdict_holds(options.dir))))
    return std::nullopt;
  auto judged = judge_and_save(options.dir, go_on, 0);
  if (!judged) return std::nullopt;
  if (owed && !judged->locked && judged->kept && owed->settle())
    run_on_finish_and_wait(options.on_finish, options.dir, judged->verdict);
  return std::move(*judged);
}

// That of before counts as well, so that to repair again says the same.
std::string verdict_of(const fs::path& folder, const std::optional<Judged>& judged) {
  if (judged) return judged->verdict;
  const auto saved = recordings::saved_verdict(folder);
  return saved ? recordings::name_of(saved->severity) : "UNMEASURED";
}

// The worst as verify has it: a verdict that could not be kept, then FAIL, then none at all.
ExitStatus status_of(const recordings::RepairReport& report, const std::optional<Judged>& judged,
                     const std::string& verdict) {
  if (judged && !judged->kept) return exit_status_on_disk(judged->kept.error());
  if (!report.complete() || verdict == recordings::name_of(recordings::Severity::kFail))
    return kExitNotGood;
  return verdict == "UNMEASURED" ? kExitUnmeasured : kExitGood;
}

}  // namespace

ExitStatus run_repair(Console& console, const RepairOptions& options) {
  const Interrupt interrupt;
  const bool bar = console.terminal() && !options.json;
  const auto progress = [&](const char* what) {
    return [&console, bar, what](double share) {
      if (bar) console.progress(what, share);
      return !Interrupt::asked();
    };
  };
  const auto report = recordings::repair(options.dir, progress("repairing"));
  if (bar) console.end_progress();
  if (!report) return tell_on_disk(report.error());
  if (!options.json) print("{}\n", recordings::to_text(*report));
  std::optional<Judged> judged;
  if (!report->busy) judged = judge_repaired(options, report->changed, progress("judging  "));
  if (bar) console.end_progress();
  if (options.json)
    print("{}\n", recordings::to_json(*report)
                      .set_if(judged.has_value(), "verdict", judged ? judged->verdict : "")
                      .dump(true));
  if (Interrupt::asked()) return kExitInterrupted;
  if (report->busy) return kExitUnmeasured;
  const std::string verdict = verdict_of(options.dir, judged);
  const ExitStatus status = status_of(*report, judged, verdict);
  if (options.json) return status;
  if (judged)
    print("judged: {}{}\n", verdict, judged->kept ? "" : " (not kept: it is still to be given)");
  else if (status != kExitGood)
    print("{}\n",
          verdict == "UNMEASURED" ? "somebody else is judging it" : "judged before: " + verdict);
  return status;
}

}  // namespace callbot::bot
