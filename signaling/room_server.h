// signaling/room_server.h: our own rooms (ROOMS.md) on an HttpServer, at /rooms/NAME.
//
// Thread:  loop.
// Owner:   bot (serve) or a test, together with the HttpServer, which outlives it. Destroying it
//          drops every member without goodbye; shut_down() says goodbye first.
// Fails:   never; what a client does wrong is told to that client and disturbs nobody else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "signaling/http_server.h"
#include "signaling/signaling.h"

namespace callbot::signaling {

struct RoomServerConfig {
  std::string token;         // empty: anybody may join
  size_t most_members = 64;  // in one room
  size_t most_rooms = 1000;
  std::vector<IceServer> ice_servers;            // told to every member
  std::chrono::milliseconds join_within{10000};  // after the WebSocket opened
  std::chrono::milliseconds dead_after{25000};   // without any message: the connection is dead
  std::chrono::milliseconds grace{10000};        // a lost member may come back; then it has left
  // What a connection may send at once and then in every second; a message that is passed on to
  // everybody counts ten. A member joining a full room sends about 700 messages at once.
  double burst_messages = 2000;
  double messages_per_second = 200;
  WebSocketLimits socket;
};

// For who embeds the server. Called on the loop, never from inside a call of RoomServer.
struct RoomHooks {
  // The first member that is no recorder came into this room.
  std::function<void(const std::string& room)> opened;
  // The last member that is no recorder has left; recorders may still be there.
  std::function<void(const std::string& room)> emptied;
  // Who is there now, recorders included.
  std::function<void(const std::string& room, const std::vector<Member>& members)> changed;
};

class RoomServer {
 public:
  RoomServer(Loop& loop, Log log, HttpServer& http, RoomServerConfig config, RoomHooks hooks = {});
  ~RoomServer();

  // Tells every member ("shutting-down"), closes their connections and accepts no more; `done` when
  // all are closed (at most 5 s).
  void shut_down(std::function<void()> done);

  std::vector<std::string> rooms() const;  // those with members
  std::vector<Member> members(const std::string& room) const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::signaling
