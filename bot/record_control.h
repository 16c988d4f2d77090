// bot/record_control.h: what may be said to a process that records, and what it does about it:
// pause, resume, mark, split, status, include, exclude. CONTROL.md specifies requests and answers.
//
// Thread:  loop.
// Owner:   the verb that records; the session outlives it.
// Fails:   open(): kStorage, the recording goes on without. A request that cannot be done is
//          answered with the reason and changes nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/alive.h"
#include "base/json.h"
#include "bot/console.h"
#include "bot/control.h"
#include "bot/recording_session.h"

namespace callbot::bot {

class RecordControl {
 public:
  struct Links {
    std::function<std::vector<signaling::Member>()> members;  // without recorders
    std::function<std::string(const std::string& member)> participant_of;
    // Includes or excludes by a pattern from now on; null: this recorder does not choose.
    std::function<Result<>(bool include, const std::string& pattern)> choose;
  };

  RecordControl(Log log, Console& console, RecordingSession& session, Links links)
      : log_(std::move(log)), console_(console), session_(session), links_(std::move(links)) {}

  // The socket in the recording's folder.
  Result<> open();

 private:
  void answer(const Json& request, ControlServer::Answer answer);
  Result<Json> handle(const Json& request);
  using Members = std::vector<signaling::Member>;
  Result<Json> pause(Fields& fields);
  Result<Json> resume(Fields& fields);
  Result<Json> mark(Fields& fields);
  Result<Json> split(Fields& fields);
  Result<Json> status(Fields& fields);
  Result<Json> choose(Fields& fields, bool include);
  // Participants with this name or id; everybody (an empty id) where no name is given.
  Result<std::vector<std::string>> meant(Fields& fields);
  Json members_json(const recordings::RecordingStats& stats) const;

  Log log_;
  size_t marks_ = 0;  // asked for
  Console& console_;
  RecordingSession& session_;
  Links links_;
  std::unique_ptr<ControlServer> server_;
  Alive alive_;
};

}  // namespace callbot::bot
