// signaling/protocols.h: which protocol a URL means. A new protocol is one row in protocols.cc.
//
// Thread:  loop.
// Owner:   the caller owns what make_signaling gives.
// Fails:   kUsage: not a URL, or a scheme nobody knows (the message lists the known ones); the
//          protocol's own complaints about the rest of the URL.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

struct Protocol {
  const char* scheme;   // "ws"
  const char* example;  // "ws://127.0.0.1:8080/rooms/demo"
  const char* help;     // one line for people
  Result<std::unique_ptr<Signaling>> (*make)(Loop&, Log, const JoinConfig&);
  bool channels;    // its members have data channels: messages, files, clocks
  bool tells_mute;  // Member::audio and video are known
};

std::span<const Protocol> protocols();
const Protocol* find_protocol(const std::string& url);  // null: nobody knows its scheme

Result<std::unique_ptr<Signaling>> make_signaling(Loop& loop, Log log, const JoinConfig& config);

}  // namespace callbot::signaling
