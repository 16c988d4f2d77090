// signaling/janus_messages.h: what the VideoRoom plugin of Janus says and is told, JSON <->
// structs.
//
// Reading is lenient where a field only informs (a missing display name), and strict where it
// names something (an id, a mid): what lacks those is left out.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   parse_janus_address(): kUsage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "signaling/janus.h"
#include "signaling/signaling.h"

namespace callbot::signaling::janus {

// Of a room or a feed: a whole number or a text, as the server is set up (string_ids); it has to
// be given back as it came.
struct Id {
  std::string text;
  bool number = false;
  Json json() const;
  friend auto operator<=>(const Id&, const Id&) = default;
};
std::optional<Id> id_of(const Json& value);

// janus+ws://host:port/janus?room=1234&pin=...&secret=...&token=...
struct Address {
  std::string url;  // of the WebSocket
  Id room;
  std::string pin;         // the room's; the JoinConfig's token if the URL has none
  std::string api_secret;  // the server's: "secret" or "apisecret"
  std::string token;       // the server's (token_auth) and the room's ("allowed")
};
Result<Address> parse_janus_address(const JoinConfig& config);

// A "join" of this room, as "publisher" or "subscriber".
Json join_body(const Address& address, const char* as);

// One m-line of somebody who publishes.
struct FeedStream {
  std::string mid;
  MediaKind kind = MediaKind::kAudio;
  std::string description;
};
struct Feed {
  Id id;
  std::string name;
  bool publishes = true;  // false: only there
  std::vector<FeedStream> streams;
};
std::vector<Feed> feeds_of(const Json& list, bool publish);

// One m-line of our subscription.
struct Subscribed {
  std::string mid;
  bool active = false;
  Id feed;  // the rest only while it is active
  std::string feed_mid;
  std::string name;
  std::string description;
};
std::vector<Subscribed> subscribed_of(const Json& list);

// "camera", "microphone" or "screen" if the description says one of these, else empty.
std::string source_of(const std::string& description);

// In half trickle the server's candidates come with its description, in full trickle by themselves.
std::vector<Candidate> candidates_of(const Json& trickle, uint32_t generation);
Json trickle_of(const Candidate& candidate);

// What the plugin's error number means to somebody who wants to be in this room.
Error explain(const JanusFailure& failure, const Id& room);

// Numbers of the plugin (janus_videoroom.c of 1.1).
constexpr int kNoSuchRoom = 426;
constexpr int kNoSuchFeed = 428;
constexpr int kMissingElement = 429;
constexpr int kInvalidElement = 430;
constexpr int kPublishersFull = 432;
constexpr int kUnauthorized = 433;
constexpr int kIdExists = 436;

}  // namespace callbot::signaling::janus
