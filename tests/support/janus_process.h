// tests/support/janus_process.h: a real Janus on the loopback address, configured for one test.
//
// Thread:  loop; stop() and the destructor wait for the process to end (at most 5 s, then SIGKILL).
// Owner:   the test. The process ends with it, by its own id, and the folder goes too.
// Fails:   start(): kConnect when Janus does not come up (its log is in the message), kUnsupported
//          where it is not installed, with what to do about it. A test is left out only where
//          nothing can be done: unavailable(), unusable().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/loop.h"

namespace callbot::test {

struct JanusSetup {
  // Rooms as they stand in janus.plugin.videoroom.jcfg.
  std::string rooms = "room-1234: { description = \"test\" publishers = 20 }";
  std::string general;         // more lines of janus.jcfg's general section
  std::string plugin_general;  // more lines of the plugin's general section
  bool full_trickle = false;
  bool tls = false;  // with cert_file and key_file
  std::string cert_file;
  std::string key_file;
};

class JanusProcess {
 public:
  static bool installed();
  static constexpr const char* kHowTo = "janus is not installed: ./dev setup installs it";
  // Why there can be none here, not even after `./dev setup`; empty: there is one, or it should be.
  static std::string unavailable();
  // The same, or why no call goes over one here.
  static std::string unusable();
  static Result<std::unique_ptr<JanusProcess>> start(Loop& loop, JanusSetup setup = {});
  ~JanusProcess();

  // ws://127.0.0.1:PORT/janus, or wss://
  std::string url() const;
  // janus+ws://127.0.0.1:PORT/janus?room=1234
  std::string room_url(const std::string& query = "room=1234") const;
  pid_t pid() const { return pid_; }

  void kill();     // SIGKILL: as a crash
  Result<> run();  // again, on the same port

 private:
  JanusProcess(Loop& loop, JanusSetup setup) : loop_(loop), setup_(std::move(setup)) {}
  Result<> configure();
  Result<> spawn();
  Result<> wait_until_it_listens();
  void end(int signal);
  std::string log() const;

  Loop& loop_;
  JanusSetup setup_;
  std::filesystem::path folder_;
  uint16_t port_ = 0;
  uint16_t first_media_port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace callbot::test
