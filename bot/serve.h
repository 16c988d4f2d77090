// bot/serve.h: the verb serve: room server, web page, recorders, WHIP endpoint.
//
// Thread:  loop.
// Owner:   main, the demo, or a test.
// Fails:   start(): kUsage, kConnect (address taken), kStorage. Trouble with one client or one
//          recording stays with it.
#pragma once

#include <functional>
#include <memory>

#include "base/loop.h"
#include "bot/console.h"
#include "bot/disk_watch.h"
#include "bot/options.h"
#include "bot/room_recorders.h"
#include "bot/whip.h"
#include "signaling/http_server.h"
#include "signaling/room_server.h"

namespace callbot::bot {

class Serve {
 public:
  Serve(Loop& loop, Console& console, ServeOptions options);
  ~Serve();

  Result<> start();
  // Says goodbye to the members, lets the recordings end and be judged; `done` once.
  void stop(std::function<void()> done);

  std::string url() const { return http_->url(); }

 private:
  Result<> find_tls(signaling::HttpServerConfig& config);
  void add_pages();
  void add_recording();
  void stopped_one();

  Loop& loop_;
  Console& console_;
  Log log_{"serve"};
  ServeOptions options_;
  std::unique_ptr<signaling::HttpServer> http_;
  std::unique_ptr<signaling::RoomServer> rooms_;
  std::unique_ptr<RoomRecorders> recorders_;
  std::unique_ptr<Whip> whip_;
  std::unique_ptr<DiskWatch> disk_;
  std::function<void()> done_;
  int stopping_ = 0;  // parts that have not ended yet
  Alive alive_;
};

}  // namespace callbot::bot
