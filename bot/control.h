// bot/control.h: the control socket of a process that records, and how to speak to it.
//
// A Unix socket in the recording's folder, for its owner alone; one JSON object a line in, one out.
// CONTROL.md beside this file specifies what may be said.
//
// Thread:  loop; control_request() any thread, it blocks.
// Owner:   RecordControl owns the server. Destroying it closes every connection and removes the
//          socket.
// Fails:   create(): kStorage where the folder's file system has no sockets. control_request():
//          kConnect if nobody records there, kTimeout, kUsage for a request that the recorder
//          cannot take ("bad-input"), or what else it answered.
#pragma once

#include <gio/gio.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/gref.h"
#include "base/json.h"
#include "base/log.h"

namespace callbot::bot {

constexpr const char* kControlSocket = "control.sock";
constexpr size_t kMostControlLine = size_t{64} * 1024;  // bytes, without the line end

class ControlServer {
 public:
  // Called once, on the loop; at once or later. A connection asks for nothing more before that.
  using Answer = std::function<void(Result<Json>)>;
  using Handler = std::function<void(const Json& request, Answer answer)>;

  static Result<std::unique_ptr<ControlServer>> create(Log log, const fs::path& folder,
                                                       Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Connection;
  ControlServer(Log log, fs::path folder, Handler handler);
  Result<> listen();
  void take(GSocketConnection* connection);
  void drop(Connection* connection);
  void ask(const std::string& line, const std::function<void(std::string)>& answer) const;

  Log log_;
  fs::path folder_;
  Handler handler_;
  GRef<GSocketService> service_;
  std::set<std::shared_ptr<Connection>> connections_;
};

// Asks the process that records into this folder.
Result<Json> control_request(const fs::path& folder, const Json& request,
                             std::chrono::milliseconds within = std::chrono::seconds(10));

}  // namespace callbot::bot
