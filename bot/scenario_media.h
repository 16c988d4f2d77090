// bot/scenario_media.h: what one actor of a scenario receives, kept while the run goes on: of a bot
// a recording and the packets' headers for each time that it is in its call; of a browser pictures
// of its page.
//
// Thread:  loop; writing happens in the pool.
// Owner:   bot::ScenarioActor; outlives the call whose tracks it sits on.
// Fails:   begin() where the folder cannot be made. Trouble while writing is in the log, and ends
//          that recording, or loses that picture, alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/files.h"
#include "base/worker.h"
#include "pipelines/header_log.h"
#include "pipelines/recorder.h"
#include "pipelines/writer_pool.h"
#include "recordings/recording.h"

namespace callbot::bot {

struct KeptMedia {
  std::string actor;  // who received it
  fs::path folder;    // of the recording, or of its page's pictures
  int64_t began_ns = 0;
  std::shared_ptr<pipelines::HeaderLog> headers;  // of all that came in
  struct Stream {
    std::string from, name;
  };
  std::map<uint32_t, Stream> streams;         // by SSRC
  std::map<int64_t, fs::path> pictures = {};  // of its page, by monotonic_ns(); then no recording
};

class ScenarioMedia {
 public:
  // The pool outlives it.
  ScenarioMedia(Loop& loop, pipelines::WriterPool& pool, fs::path out, std::string actor)
      : loop_(loop), pool_(pool), out_(std::move(out)), actor_(std::move(actor)) {}

  // The call begins; the sink is to be put on its tracks.
  Result<pipelines::Sink*> begin(std::function<void(TrackId)> request_key_frame);
  // `name`: of the actor that it is.
  void member_joined(const std::string& participant, const std::string& name);
  // The packets of this SSRC are this stream ("camera") of this actor.
  void track_added(uint32_t ssrc, KeptMedia::Stream stream);
  // Those of the call that has begun.
  std::shared_ptr<pipelines::HeaderLog> headers() const { return kept_.back().headers; }
  // What its page looks like, as JPEG.
  void picture(int64_t at_ns, std::string jpeg);
  // The call is gone.
  void end();
  // All of it is written.
  bool written() const { return writing_ == 0; }

  const std::vector<KeptMedia>& kept() const { return kept_; }

 private:
  Loop& loop_;
  pipelines::WriterPool& pool_;
  const fs::path out_;
  const std::string actor_;
  std::vector<std::unique_ptr<pipelines::Recorder>> recorders_;
  recordings::Recording* recording_ = nullptr;  // of the newest recorder, while its call goes on
  std::vector<KeptMedia> kept_;
  size_t writing_ = 0;
  const std::shared_ptr<fs::path> pages_ = std::make_shared<fs::path>();  // the writer's alone
  std::unique_ptr<Worker> writer_;                                        // of pictures
  Alive alive_;
};

}  // namespace callbot::bot
