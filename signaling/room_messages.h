// signaling/room_messages.h: the messages of our own rooms (ROOMS.md), text <-> structs.
//
// Parsing is strict: what comes out of it has every name, id, number and size checked, so that
// neither the server nor a client has to look again. Keys nobody knows are ignored, so that the
// format can grow.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   with a room::Problem, whose code stands in ROOMS.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "base/error.h"
#include "signaling/signaling.h"

namespace callbot::signaling::room {

constexpr int kVersion = 1;
constexpr size_t kMostMessageBytes = 1u << 20;
// What is passed on may be written a little longer than it came.
constexpr size_t kMostServerMessageBytes = kMostMessageBytes + (64u << 10);
constexpr size_t kMostNameCharacters = 64;  // code points
constexpr size_t kMostTokenBytes = 1024;
constexpr size_t kMostCandidateBytes = 4096;           // libnice and browsers stay below 300
constexpr int kDeepest = 8;                            // levels of JSON
constexpr int64_t kMostSince = 9'000'000'000'000'000;  // whole in a browser's numbers (2^53)

// What went wrong, for programs (code) and people. Also a message: {"type":"error"}.
struct Problem {
  std::string code;
  std::string message;
  std::string about;  // the type of the message that caused it; empty: none
};

// What a member says of itself: when joining, and later in parts.
struct Media {
  Member::State audio = Member::State::kUnknown;
  Member::State video = Member::State::kUnknown;
  std::string video_source;  // "camera", "screen" or empty
  bool may_be_recorded = true;
};

struct RoomMember {
  std::string id;
  std::string name;
  int64_t since = 0;
  bool recorder = false;
  bool sends = false;
  bool receives = false;
  Media media;
};

// Both given again by a member that comes back.
struct Ticket {
  std::string id;
  std::string key;
};

struct Join {
  std::string name;
  std::string token;
  std::optional<Ticket> ticket;
  std::optional<int64_t> since;
  bool recorder = false;
  bool sends = false;
  bool receives = false;
  Media media;
};
struct Joined {
  std::string id;
  std::string key;
  int64_t since = 0;
  std::string room;
  std::vector<RoomMember> members;  // the others
  std::vector<IceServer> ice_servers;
};
struct MemberJoined {
  RoomMember member;
};
struct MemberChanged {
  RoomMember member;
};
struct MemberLeft {
  std::string id;
  std::string reason;  // "left", "lost" or "replaced"
};
// Offer, answer, candidate, renegotiate: `peer` is "to" from a client and "from" from the server.
struct Sdp {
  std::string peer;
  Description::Type type = Description::Type::kOffer;
  uint32_t generation = 0;
  std::string sdp;
  std::optional<int64_t> n;  // which offer; an answer repeats it
};
struct IceCandidate {
  std::string peer;
  uint32_t generation = 0;
  std::string candidate;  // empty: the end of candidates
  std::string mid;
  uint32_t mline = 0;
};
struct Renegotiate {
  std::string peer;
  bool restart = false;
};
struct State {
  std::optional<Member::State> audio;
  std::optional<Member::State> video;
  std::optional<std::string> video_source;
  std::optional<bool> may_be_recorded;
};
struct Leave {};
struct Ping {
  int64_t n = 0;
};
struct Pong {
  int64_t n = 0;
};

using Message = std::variant<Join, Joined, MemberJoined, MemberChanged, MemberLeft, Sdp,
                             IceCandidate, Renegotiate, State, Leave, Ping, Pong, Problem>;

enum class Sender { kClient, kServer };

// Only the types that this sender may send are known.
tl::expected<Message, Problem> parse(std::string_view text, Sender sender);
std::string text_of(const Message& message, Sender sender);
// The "type" of a message.
const char* type_of(const Message& message);

// A name of a member or a room: 1 to 64 code points of valid UTF-8, something visible in it, no
// control characters, bidi marks or other invisible ones, no '/', not "." or "..", no white space
// at its ends. The message says which of these it broke; `what` begins it ("the name").
Result<> check_name(std::string_view name, std::string_view what);

Member member_of(const RoomMember& member);
bool same_media(const Media& a, const Media& b);

// The rules of ROOMS.md, 3.
bool have_leg(const RoomMember& a, const RoomMember& b);
// Is it a who offers on the leg between a and b?
bool offers(const RoomMember& a, const RoomMember& b);

// A member's id follows from its key, so a server that was restarted can tell who may have an id
// again, and nobody who merely saw the id can take it.
std::string id_for_key(std::string_view key);
std::string make_key();

}  // namespace callbot::signaling::room
