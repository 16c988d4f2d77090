// signaling/janus.h: a Janus session over WebSocket: transactions, keepalive, events, and taking
// the session up again after the connection or the server was lost. It knows no plugin.
//
// Thread:  loop, all of it, handlers included.
// Owner:   the caller. Destroying it drops the connection; the server ends the session by itself.
// Fails:   a request by its own reply; the session through `failed`, once, as the last call, with
//          kConnect, kDenied (wrong API secret or token, TLS not trusted), kTimeout, kUsage or
//          kBadInput (the server does not speak Janus).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "signaling/tls_trust.h"

namespace callbot::signaling {

struct JanusConfig {
  std::string url;  // ws:// or wss://
  TlsTrust trust;
  std::string api_secret;  // "apisecret" of every request (janus.jcfg: api_secret); empty: none
  std::string token;       // "token" of every request (janus.jcfg: token_auth); empty: none
  std::chrono::milliseconds deadline{10000};       // for the first connection and session
  std::chrono::milliseconds transaction{10000};    // from a request to its last reply
  std::chrono::milliseconds keepalive{10000};      // Janus ends silent sessions after 60 s
  std::chrono::milliseconds reconnect_for{60000};  // after a loss; 0: a loss is the end
  std::chrono::milliseconds first_retry{250};      // doubles each time, half of it random
  std::chrono::milliseconds longest_retry{5000};
};

// A handle is one attachment to a plugin. A lost session takes its handles with it.
enum class JanusHandle : int64_t {};

// What a plugin says: the reply to a request, or an event of its own.
struct JanusEvent {
  JanusHandle handle{};
  std::string type;  // "event", "success", "webrtcup", "hangup", "trickle", "media", "detached" ...
  Json data;         // plugindata.data; for what comes from Janus itself the whole message
  std::string jsep_type;  // "offer" or "answer"; empty: no description with it
  std::string sdp;
};

// Janus's own number of the error, 0 where it did not come from Janus (timeout, connection lost).
struct JanusFailure {
  int code = 0;
  Error error;
};

template <class T>
using JanusResult = tl::expected<T, JanusFailure>;

struct JanusHandlers {
  std::function<void()> established;  // there is a new session: attach
  std::function<void(const JanusEvent&)> event;
  std::function<void(const Error&)> lost;  // session and handles are gone; a new one comes, or...
  std::function<void(const Error&)> failed;
};

class JanusSession {
 public:
  JanusSession(Loop& loop, Log log, JanusConfig config, JanusHandlers handlers);
  ~JanusSession();

  void start();

  // Every `done` is called exactly once, never from inside these calls, and not after destruction.
  // On the loss of the session all open requests fail first, then `lost` is called.
  void attach(const std::string& plugin, std::function<void(JanusResult<JanusHandle>)> done);
  void detach(JanusHandle handle);

  struct Jsep {
    std::string type;  // "offer" or "answer"
    std::string sdp;
  };
  // A request to the handle's plugin: `done` gets the reply that says how it went, which may be
  // an event much later, but not the mere acknowledgement.
  void message(JanusHandle handle, Json body, const Jsep* jsep,
               std::function<void(JanusResult<JanusEvent>)> done);
  void trickle(JanusHandle handle, Json candidate);

  // Ends the session at the server, then the connection; `done` within 3 s, with nothing after it.
  void close(std::function<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::signaling
