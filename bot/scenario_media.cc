#include "bot/scenario_media.h"

#include <fmt/core.h>
#include <stdlib.h>

#include "base/clock.h"

namespace callbot::bot {

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

Result<> ScenarioMedia::picture(int64_t at_ns, const std::string& jpeg) {
  if (kept_.empty()) {
    if (auto made = make_folder(out_); !made) return made;
    std::string folder = (out_ / (safe_name(actor_) + "-page-XXXXXX")).string();
    if (mkdtemp(folder.data()) == nullptr) return storage_failure(folder, "make a folder");
    kept_.push_back({.actor = actor_, .folder = folder, .began_ns = at_ns});
  }
  KeptMedia& kept = kept_.back();
  const fs::path path = kept.folder / fmt::format("{}.jpg", kept.pictures.size());
  if (auto wrote = write_atomically(path, jpeg); !wrote) return wrote;
  kept.pictures[at_ns] = path;
  return {};
}

void ScenarioMedia::end() {
  if (recording_ == nullptr) return;
  recording_ = nullptr;
  recorders_.back()->drain(alive_.guard([this](const Result<>&) { --writing_; }));
}

}  // namespace callbot::bot
