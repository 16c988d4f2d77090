#include "bot/open_recordings.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "bot/on_finish.h"
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
  worker_->run<bool>(
      [out, stop = stop_, loop = &loop_, begun, finished, judged]() mutable -> Result<bool> {
        // Of this thread alone, and of those it starts (setpriority(2), Linux).
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
        for (const fs::path& folder : recordings::open_recordings(out)) {
          bool said = false;
          const auto report = recordings::repair(folder, [&](double) {
            if (!std::exchange(said, true))
              loop->post([begun, folder]() mutable { begun(folder); });
            return !stop->load();
          });
          if (stop->load()) break;
          loop->post([finished, report]() mutable { finished(report); });
          if (!report || report->busy) continue;
          const auto verdict = judge_repaired(folder, [&] { return !stop->load(); });
          if (stop->load()) break;
          loop->post([judged, folder, verdict]() mutable { judged(folder, verdict); });
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
      fmt::format("{}: {} frames kept, {} bytes not usable", report->folder, frames, unusable),
      Json::object().set("folder", report->folder).set("report", recordings::to_json(*report)));
}

void OpenRecordings::judged(const fs::path& folder, const std::string& verdict) {
  tell_judged(console_, folder, verdict);
  run_on_finish(on_finish_, folder, verdict);
}

std::string judge_repaired(const fs::path& folder, const std::function<bool()>& go_on) {
  const auto verdict = recordings::verify(folder, {.threads = 1}, [&](double) { return go_on(); });
  if (!verdict || !verdict->unmeasured.empty()) return "UNMEASURED";
  if (auto saved = recordings::save_verdict(folder, *verdict); !saved)
    Log("repair").warn("{}", saved.error().message);
  return recordings::name_of(verdict->severity);
}

void tell_judged(Console& console, const fs::path& folder, const std::string& verdict) {
  console.event("judged", fmt::format("{} {}", verdict, folder.string()),
                Json::object().set("folder", folder.string()).set("verdict", verdict));
}

}  // namespace callbot::bot
