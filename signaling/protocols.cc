#include "signaling/protocols.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <string_view>

#include "base/files.h"
#include "signaling/janus_videoroom.h"
#include "signaling/room.h"

namespace callbot::signaling {
namespace {

Result<std::unique_ptr<Signaling>> make_room(Loop& loop, Log log, const JoinConfig& config) {
  return make_room_signaling(loop, std::move(log), config);
}

Result<std::unique_ptr<Signaling>> make_janus(Loop& loop, Log log, const JoinConfig& config) {
  return make_janus_videoroom(loop, std::move(log), config);
}

constexpr Protocol kProtocols[] = {
    {"ws", "ws://127.0.0.1:8080/rooms/demo", "a room of callbot serve", make_room, true, true},
    {"wss", "wss://host.example/rooms/demo", "the same over TLS", make_room, true, true},
    {"janus+ws", "janus+ws://127.0.0.1:8188/janus?room=1234", "a VideoRoom of Janus", make_janus,
     false, false},
    {"janus+wss", "janus+wss://host.example/janus?room=1234", "the same over TLS", make_janus,
     false, false},
};

// RFC 3986, 3.1, with at least one character after the colon.
std::string scheme_of(const std::string& url) {
  const size_t colon = url.find("://");
  if (colon == std::string::npos || colon == 0 || url.size() == colon + 3) return {};
  std::string scheme = url.substr(0, colon);
  const bool plain = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return g_ascii_isalnum(c) || c == '+' || c == '-' || c == '.';
  });
  if (!plain || !g_ascii_isalpha(scheme[0])) return {};
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), g_ascii_tolower);
  return scheme;
}

std::string known_ones() {
  std::string text;
  for (const Protocol& p : kProtocols)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", p.scheme);
  return text;
}

}  // namespace

std::span<const Protocol> protocols() { return kProtocols; }

const Protocol* find_protocol(const std::string& url) {
  const std::string scheme = scheme_of(url);
  const auto* found = std::find_if(std::begin(kProtocols), std::end(kProtocols),
                                   [&](const Protocol& p) { return scheme == p.scheme; });
  return found == std::end(kProtocols) ? nullptr : found;
}

Result<std::unique_ptr<Signaling>> make_signaling(Loop& loop, Log log, const JoinConfig& config) {
  const std::string scheme = scheme_of(config.url);
  const std::string shown = printable(config.url);
  if (scheme.empty())
    return fail(Code::kUsage, fmt::format("\"{}\" is not a URL; expected something like {}", shown,
                                          kProtocols[0].example));
  const Protocol* found = find_protocol(config.url);
  if (found == nullptr)
    return fail(Code::kUsage, fmt::format("\"{}\": unknown scheme \"{}\"; known: {}", shown,
                                          printable(scheme, 40), known_ones()));
  return found->make(loop, std::move(log), config);
}

}  // namespace callbot::signaling
