// bot/whip.h: POST /whip (RFC 9725): takes an offer, answers it, records what comes.
//
// One session, one peer, one recording folder, made with the answer. The answer carries all
// candidates (no trickle); DELETE of the session's URL ends it.
//
// Thread:  loop.
// Owner:   Serve. The HttpServer outlives it.
// Fails:   an offer that is none gets 400 or 415, one that we cannot take 422, a wrong token 401, a
//          folder that cannot be made 507, each with the reason; nothing is left of it on disk, and
//          other sessions go on.
#pragma once

#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "base/alive.h"
#include "base/loop.h"
#include "base/worker.h"
#include "bot/console.h"
#include "bot/limits.h"
#include "bot/options.h"
#include "pipelines/writer_pool.h"
#include "signaling/http_server.h"

namespace callbot::bot {

struct WhipConfig {
  std::filesystem::path out;
  std::string token;          // bearer; empty: anybody
  size_t most_sessions = 64;  // a choice, as for the members of a room
  bool audio_only = false;    // the video line is refused
  std::chrono::seconds segment_duration{0};
  uint64_t segment_bytes = 0;
  std::optional<recordings::PublicKey> seal_to = {};
  Limits::Config limits = {};  // of each session; until_empty does not apply
  DiskLimits disk = {};
  std::string on_finish = {};  // as of record
};

class Whip {
 public:
  Whip(Loop& loop, Console& console, signaling::HttpServer& http, WhipConfig config,
       uint64_t free = std::numeric_limits<uint64_t>::max());
  ~Whip();
  // So much is free on the disk: below the reserve no session begins (507), below the low water
  // those that run are ended.
  void disk(uint64_t free);
  // Ends every session; done when all are written and judged.
  void stop(std::function<void()> done);
  size_t sessions() const { return sessions_.size(); }

 private:
  class Session;
  void post(const signaling::HttpRequest& request, const signaling::Responder& answer);
  void remove(const signaling::HttpRequest& request, const signaling::Responder& answer);
  bool allowed(const signaling::HttpRequest& request, const signaling::Responder& answer) const;
  void ended(const std::string& id);

  Loop& loop_;
  Console& console_;
  WhipConfig config_;
  pipelines::WriterPool pool_;
  Worker judges_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  uint64_t count_ = 0;
  uint64_t free_ = 0;
  bool stopping_ = false;
  std::function<void()> stopped_;
  Alive alive_;
};

}  // namespace callbot::bot
