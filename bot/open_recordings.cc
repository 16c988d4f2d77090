#include "bot/open_recordings.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "bot/on_finish.h"
#include "bot/recording_session.h"
#include "recordings/owed_verdict.h"
#include "recordings/verify.h"

namespace callbot::bot {

using recordings::RepairReport;

void OpenRecordings::finish(const fs::path& out) {
  worker_ = std::make_unique<Worker>(loop_, 1);
  auto begun = alive_.guard([this](const fs::path& folder) { this->begun(folder); });
  auto finished =
      alive_.guard([this](const Result<RepairReport>& report) { this->finished(report); });
  auto judged = alive_.guard([this](const fs::path& folder, const std::string& verdict) {
    this->judged(folder, verdict);
  });
  auto judging = alive_.guard([this](const fs::path& folder) { this->judging(folder); });
  worker_->run<bool>(
      [out, stop = stop_, loop = &loop_, begun, finished, judging,
       judged]() mutable -> Result<bool> {
        // Of this thread alone, and of those it starts (setpriority(2), Linux).
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
        const auto judge = [&](const fs::path& folder, bool say) {
          bool said = !say;
          const auto verdict = judge_owed(folder, [&](double) {
            if (!std::exchange(said, true))
              loop->post([judging, folder]() mutable { judging(folder); });
            return !stop->load();
          });
          if (verdict) loop->post([judged, folder, v = *verdict]() mutable { judged(folder, v); });
        };
        for (const fs::path& folder : recordings::open_recordings(out)) {
          bool said = false;
          const auto report = recordings::repair(folder, [&](double) {
            if (!std::exchange(said, true))
              loop->post([begun, folder]() mutable { begun(folder); });
            return !stop->load();
          });
          if (stop->load()) break;
          loop->post([finished, report]() mutable { finished(report); });
          if (report && !report->busy) judge(folder, false);
        }
        for (const fs::path& folder : recordings::owing_recordings(out)) {
          if (stop->load()) break;
          if (!recordings::is_open(folder)) judge(folder, true);
        }
        return true;
      },
      [](const Result<bool>&) {});
}

void OpenRecordings::begun(const fs::path& folder) {
  console_.event("repairing", folder.string(), Json::object().set("folder", folder.string()));
}

void OpenRecordings::finished(const Result<RepairReport>& report) {
  if (!report)
    return console_.event("not-repaired", report.error().message,
                          Json::object().set("message", report.error().message));
  if (report->busy) return;
  uint64_t frames = 0;
  uint64_t unusable = 0;
  for (const auto& file : report->files) {
    frames += file.frames;
    unusable += file.unusable;
  }
  console_.event(
      "repaired",
      fmt::format("{}: {} kept, {} not usable", report->folder, counted(frames, "frame"),
                  counted(unusable, "byte")),
      Json::object().set("folder", report->folder).set("report", recordings::to_json(*report)));
}

void OpenRecordings::judging(const fs::path& folder) {
  console_.event("judging", folder.string() + ": its recorder died before it was judged",
                 Json::object().set("folder", folder.string()));
}

void OpenRecordings::judged(const fs::path& folder, const std::string& verdict) {
  tell_judged(console_, folder, verdict);
  run_on_finish(on_finish_, folder, verdict);
}

Result<Judged> judge_and_save(const fs::path& folder, const std::function<bool(double)>& go_on,
                              int threads) {
  if (const auto saved = recordings::saved_verdict(folder))
    return Judged{recordings::name_of(saved->severity)};
  const auto verdict = recordings::verify(folder, {.threads = threads}, go_on);
  if (!verdict && verdict.error().code == Code::kInterrupted)
    return tl::unexpected(verdict.error());
  if (!verdict) {
    Log("judge").warn("{}", verdict.error().message);
    Judged judged{"UNMEASURED"};
    if (verdict.error().code == Code::kStorage) judged.kept = tl::unexpected(verdict.error());
    return judged;
  }
  if (!verdict->unmeasured.empty()) {
    Log("judge").warn("{}; {}", verdict->unmeasured, how_to_judge(folder));
    return Judged{.verdict = "UNMEASURED", .locked = true};
  }
  Judged judged{recordings::name_of(verdict->severity)};
  judged.kept = recordings::save_verdict(folder, *verdict);
  if (!judged.kept) Log("judge").warn("{}", judged.kept.error().message);
  return judged;
}

std::optional<std::string> judge_owed(const fs::path& folder,
                                      const std::function<bool(double)>& go_on,
                                      Interrupted interrupted) {
  auto owed = recordings::OwedVerdict::take(folder);
  if (!owed) return std::nullopt;
  const auto judged = judge_and_save(folder, go_on);
  if (interrupted == Interrupted::kStaysOwed && (!judged || !judged->kept)) return std::nullopt;
  if (!owed->settle()) return std::nullopt;
  return judged ? judged->verdict : "UNMEASURED";
}

void tell_judged(Console& console, const fs::path& folder, const std::string& verdict) {
  console.event("judged", fmt::format("{} {}", verdict, folder.string()),
                Json::object().set("folder", folder.string()).set("verdict", verdict));
}

}  // namespace callbot::bot
