// bot/scenario_senses.h: whom an actor sees and hears, of what its watch says. Plain functions.
//
// Seen is whose marks were read; heard is whose track is above
// -60 dBFS: sound does not say who made it.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quality/presence.h"

namespace callbot::bot {

// About somebody, by his name in evidence and the source in his marks.
struct Sensed {
  std::string from;
  uint16_t source = 0;
  MediaKind media = MediaKind::kVideo;
  std::string stream;  // empty: any
  // An echo: these marks are his in what he sends, and elsewhere another's.
  bool in_his_own = false;
  std::vector<std::string> echoes = {};  // who send his marks, which are theirs then
};

// The last time at that time or later.
std::optional<int64_t> sensed_since(const std::vector<quality::PresenceSpan>& spans,
                                    const Sensed& whom, int64_t since_ns);
// Whose marks came in his stream, at that time or later.
std::optional<uint16_t> stranger_since(const std::vector<quality::PresenceSpan>& spans,
                                       const Sensed& whom, int64_t since_ns);
bool decoded_since(const std::vector<quality::FirstDecoded>& decoded, const Sensed& whom,
                   int64_t since_ns);
// Whose marks these are, for people; `known`: the name of who has this source, null: nobody has.
std::string source_text(uint16_t source, const std::string* known);
// Is one of these of any of his streams, between the two?
bool looked_at(const std::vector<quality::PresenceSpan>& looks, const Sensed& whom, int64_t from_ns,
               int64_t to_ns);

}  // namespace callbot::bot
