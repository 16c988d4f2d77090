// browsers/wire.h: commands to a browser and events from it, as JSON over a WebSocket: what the
// Chrome DevTools Protocol and WebDriver BiDi (W3C) have in common.
//
// Thread:  loop, handlers included.
// Owner:   a Browser. Destroying it drops the connection; nobody is answered any more.
// Fails:   each command through its Result: kTimeout (no answer within its deadline), kConnect (the
//          connection is lost), kBadInput (the browser refused it, in the browser's words).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/alive.h"
#include "base/json.h"
#include "base/loop.h"
#include "signaling/websocket.h"

namespace callbot::browsers {

struct WireHandlers {
  std::function<void()> opened;
  std::function<void(const std::string& method, const Json& message)> event;
  std::function<void(const Error&)> closed;  // once
};

class Wire {
 public:
  using Done = std::function<void(Result<Json>)>;

  Wire(Loop& loop, const std::string& url, WireHandlers handlers);

  // `session`: of the Chrome DevTools Protocol, "flatten"; empty: none.
  void send(const std::string& method, const Json& params, std::chrono::milliseconds deadline,
            Done done, const std::string& session = "");
  // Answers everything that is under way with this.
  void give_up(const Error& error);

 private:
  struct Pending {
    std::string method;
    Done done;
    Timer deadline;
  };
  void take(std::string_view text);
  void answer(int64_t id, Result<Json> result);
  void lost(const Error& error);

  Loop& loop_;
  WireHandlers handlers_;
  int64_t last_id_ = 0;
  std::map<int64_t, std::unique_ptr<Pending>> pending_;
  std::unique_ptr<signaling::WebSocket> socket_;
  std::optional<Error> lost_;
  Alive alive_;
};

}  // namespace callbot::browsers
