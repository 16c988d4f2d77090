// signaling/signaling.h: THE SEAM between a signaling protocol and a call.
//
// A protocol turns its messages into legs, descriptions and candidates; SDP is text here, and no
// protocol ever sees webrtcbin. What differs between protocols is data (fields of Leg, Join), not
// extra methods.
//
// Thread:  loop, all of it.
// Owner:   bot::Call owns a Signaling and is its Events. Destroying a Signaling that was not
//          closed drops the connection without goodbye.
// Fails:   through Events::closed, exactly once, as the last call; a lost connection that the
//          protocol can take up again comes as interrupted() / resumed() first.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/frame.h"

namespace callbot::signaling {

enum class LegId : uint64_t {};

enum class Direction { kSend, kReceive, kBoth };  // seen from us
enum class Party { kUs, kThem };
enum class Trickle { kNone, kFull };  // kNone: the description has to carry every candidate

struct IceServer {
  std::string url;  // stun:host:port, turn:host:port?transport=udp|tcp, turns:... (RFC 7064, 7065)
  std::string username;
  std::string credential;
};

// One peer connection to be, as data. Peer obeys it.
struct Leg {
  LegId id{};
  Direction direction = Direction::kBoth;
  Party offers = Party::kThem;  // for the leg's whole life; the other asks to renegotiate
  Trickle trickle = Trickle::kFull;
  std::string member;  // who is at the other end; empty where one leg carries many (an SFU)
  std::string name;    // for people
  std::vector<IceServer> ice_servers;
};

// Who sends what on an m-line; legs that carry many people need it per mid.
struct StreamOwner {
  std::string member;
  std::string name;
  std::string source;  // "camera", "microphone", "screen"; empty: not said
};

struct Description {
  enum class Type { kOffer, kAnswer };
  Type type = Type::kOffer;
  std::string sdp;
  // Grows when the offerer starts afresh (ICE failed, page reloaded): a description with a
  // generation other than the current one belongs to a new peer connection of the same leg.
  uint32_t generation = 0;
  std::map<std::string, StreamOwner> streams;  // mid -> owner; empty: all are the leg's member's
};

struct Candidate {
  uint32_t mline = 0;
  std::string mid;
  std::string text;  // "candidate:..."; empty: the end of candidates (RFC 8838, 13)
  uint32_t generation = 0;
};

using Message = std::variant<Description, Candidate>;

// What one asks of the other end of a leg, as far as the protocol can carry it.
struct Request {
  enum class What { kRenegotiate, kRestart };
  What what = What::kRenegotiate;
};

struct Member {
  std::string id;  // stable over reconnects
  std::string name;
  bool recorder = false;
  bool may_be_recorded = true;  // false: asked not to be recorded
  // Said by the member itself; unknown where the protocol does not tell.
  enum class State { kUnknown, kOn, kOff };
  State audio = State::kUnknown;
  State video = State::kUnknown;
  std::string video_source;  // "camera" or "screen"; empty: not said
};

// What we say of ourselves, when joining and later.
struct Self {
  std::string name;
  bool recorder = false;
  bool sends = false;
  bool receives = false;
  Member::State audio = Member::State::kUnknown;
  Member::State video = Member::State::kUnknown;
};

struct ChatMessage {
  std::string member;
  std::string text;
};

// bot::Call implements it; every call on the loop, never from inside start(), send() or close().
class Events {
 public:
  virtual ~Events() = default;
  // In the room; `self` is our id. Once, before anything but closed().
  virtual void joined(const std::string& self) = 0;
  // The whole list, without ourselves, whenever anything in it changed.
  virtual void members_changed(const std::vector<Member>& members) = 0;
  virtual void leg_opened(const Leg& leg) = 0;
  virtual void received(LegId leg, Message message) = 0;
  virtual void requested(LegId leg, Request request) = 0;
  virtual void leg_closed(LegId leg, const std::string& why) = 0;
  virtual void message(const ChatMessage& message) = 0;
  // The connection to the server is lost and being taken up again; media goes on meanwhile.
  virtual void interrupted(const std::string& why) = 0;
  virtual void resumed() = 0;
  virtual void closed(Result<> how) = 0;  // the last call, exactly once
};

class Signaling {
 public:
  virtual ~Signaling() = default;
  // Joins. Events come later, on the loop. `events` outlives this object.
  virtual void start(Events& events) = 0;
  // Candidates only where leg.trickle says so. Unknown or closed legs are ignored.
  virtual void send(LegId leg, Message message) = 0;
  virtual void request(LegId leg, Request request) = 0;
  // Replaces what we say of ourselves (muted, camera off).
  virtual void announce(const Self& self) = 0;
  // Releases what the server holds for us, then closed(). Any number of times.
  virtual void close() = 0;
};

// Everything a protocol may want to know to join; what it does not need it ignores.
struct JoinConfig {
  std::string url;
  Self self;
  std::string token;    // bearer, room secret or pin: the protocol says which
  std::string ca_file;  // PEM; trusts these roots besides the system's
  bool insecure = false;
  // What we want of a server that sends us everybody's media; one of the members cannot choose.
  bool wants_video = true;
  enum class Layer { kAsServed, kLow, kMedium, kHigh };  // of a simulcast or SVC video
  Layer layer = Layer::kAsServed;
  std::chrono::milliseconds deadline{10000};  // to be joined; kTimeout after it
  // How long to try to take up a lost connection before giving up.
  std::chrono::milliseconds reconnect_for{60000};
};

}  // namespace callbot::signaling
