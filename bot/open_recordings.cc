#include "bot/open_recordings.h"

#include <fmt/core.h>

namespace callbot::bot {

using recordings::RepairReport;

void OpenRecordings::finish(const fs::path& out) {
  worker_ = std::make_unique<Worker>(loop_, 1);
  auto begun = alive_.guard([this](const fs::path& folder) { this->begun(folder); });
  auto finished =
      alive_.guard([this](const Result<RepairReport>& report) { this->finished(report); });
  worker_->run<bool>(
      [out, stop = stop_, loop = &loop_, begun, finished]() mutable -> Result<bool> {
        for (const fs::path& folder : recordings::open_recordings(out)) {
          bool said = false;
          const auto report = recordings::repair(folder, [&](double) {
            if (!std::exchange(said, true))
              loop->post([begun, folder]() mutable { begun(folder); });
            return !stop->load();
          });
          if (stop->load()) break;
          loop->post([finished, report]() mutable { finished(report); });
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

}  // namespace callbot::bot
