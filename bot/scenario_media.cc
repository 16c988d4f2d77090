#include "bot/scenario_media.h"

#include <fmt/core.h>

#include <fstream>

#include "base/clock.h"

namespace callbot::bot {
namespace {

// `folder` is made with the first one.
Result<fs::path> write_picture(const fs::path& out, const std::string& actor, fs::path& folder,
                               int64_t at_ns, const std::string& jpeg) {
  if (folder.empty()) {
    if (auto there = make_folder(out); !there) return tl::unexpected(there.error());
    auto made = make_unique_folder(out / (safe_name(actor) + "-page"));
    if (!made) return made;
    folder = *made;
  }
  const fs::path path = folder / fmt::format("{}.jpg", at_ns);
  std::ofstream file(path, std::ios::binary);
  file << jpeg;
  file.close();
  if (!file) return storage_failure(path, "write");
  return path;
}

}  // namespace

Result<pipelines::Sink*> ScenarioMedia::begin(std::function<void(TrackId)> request_key_frame) {
  end();
  const Log log(actor_);
  recordings::Facts facts;
  facts.room = facts.recorder = actor_;  // it is found by who received it
  auto made = recordings::Recording::create(log, out_, facts);
  if (!made) return tl::unexpected(made.error());
  recording_ = made->get();
  kept_.push_back({actor_,
                   recording_->folder(),
                   monotonic_ns() - recording_->stats().duration_ns,
                   std::make_shared<pipelines::HeaderLog>(),
                   {}});
  pipelines::Recorder::Events events;
  events.failed = [log](const Error& error) { log.error("not kept: {}", error.message); };
  events.needs_key_frame = std::move(request_key_frame);
  recorders_.push_back(std::make_unique<pipelines::Recorder>(loop_, log, pool_, std::move(*made),
                                                             std::move(events)));
  ++writing_;
  return recorders_.back().get();
}

void ScenarioMedia::member_joined(const std::string& participant, const std::string& name) {
  if (recording_ == nullptr) return;
  recordings::Event event{.kind = recordings::EventKind::kMemberJoined};
  event.participant = participant;
  event.name = name;
  recording_->note(std::move(event));
}

void ScenarioMedia::track_added(uint32_t ssrc, KeptMedia::Stream stream) {
  if (recording_ != nullptr) kept_.back().streams[ssrc] = std::move(stream);
}

// They are taken away again: nothing of them has to be on the disk for sure.
void ScenarioMedia::picture(int64_t at_ns, std::string jpeg) {
  if (!writer_) writer_ = std::make_unique<Worker>(loop_, 1);
  ++writing_;
  writer_->run<fs::path>(
      [out = out_, actor = actor_, folder = pages_, at_ns, jpeg = std::move(jpeg)] {
        return write_picture(out, actor, *folder, at_ns, jpeg);
      },
      [this, at_ns](const Result<fs::path>& path) {
        --writing_;
        if (!path) return Log(actor_).error("a picture is not kept: {}", path.error().message);
        if (kept_.empty())
          kept_.push_back({.actor = actor_, .folder = path->parent_path(), .began_ns = at_ns});
        kept_.back().pictures[at_ns] = *path;
      });
}

void ScenarioMedia::end() {
  if (recording_ == nullptr) return;
  recording_ = nullptr;
  recorders_.back()->drain(alive_.guard([this](const Result<>&) { --writing_; }));
}

}  // namespace callbot::bot
