// Recorders that do not stop, or outlive who started them.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "base/files.h"
#include "bot/cli.h"
#include "recordings/manifest.h"
#include "tests/support/call_room.h"
#include "tests/support/program.h"

namespace callbot::bot {
namespace {

class Pain21 : public test::CallRoom {
 protected:
  std::unique_ptr<test::Program> serve() {
    auto serve = std::make_unique<test::Program>(
        loop_, test::Program::callbot(
                   {"serve", "--listen", "127.0.0.1:0", "--record", folder_.path().string()}));
    const auto url = serve->event("serving").at("url").text();
    EXPECT_TRUE(url) << serve->output();
    url_ = "ws" + url.value_or("http").substr(4) + "/rooms/demo";
    return serve;
  }
  // The process that records, once media comes in, and its folder.
  struct Recording {
    std::string pid;
    fs::path folder;
  };
  static Recording recording_of(test::Program& server) {
    EXPECT_FALSE(server.event("size").is_null()) << server.output();
    const std::string pid = std::to_string(server.pid());
    std::string child;
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> child;
    EXPECT_FALSE(child.empty());
    return {child, server.event("recording").at("folder").text().value_or("")};
  }
  bool gone(const std::string& pid) {
    return loop_.run_until(
        [&] {
          std::string number, name, state;
          std::ifstream stat("/proc/" + pid + "/stat");
          return !(stat >> number >> name >> state) || state == "Z";  // nobody may take its status
        },
        kPatience);
  }
  Sender& member() {
    auto options = small("alice");
    options.join.url = url_;
    return start(options);
  }
  static recordings::Manifest manifest(const fs::path& folder) {
    const auto loaded = recordings::load(folder);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded ? loaded->manifest : recordings::Manifest();
  }

  std::string url_;
};

TEST_F(Pain21, ARecorderEndsWithItsRoom) {
  const auto server = serve();
  auto& alice = member();
  const auto recording = recording_of(*server);
  ASSERT_TRUE(left(alice));
  EXPECT_TRUE(gone(recording.pid)) << server->output();
  const auto m = manifest(recording.folder);
  EXPECT_EQ(m.state, "finished");
  ASSERT_TRUE(m.ending);
  EXPECT_EQ(m.ending->reason, "empty");
}

TEST_F(Pain21, ARecorderEndsWithTheServerThatStartedItHoweverThatDies) {
  const auto server = serve();
  member();
  const auto recording = recording_of(*server);
  server->signal(SIGKILL);
  EXPECT_EQ(server->wait(kPatience), 128 + SIGKILL);
  EXPECT_TRUE(gone(recording.pid)) << server->output();
  const auto m = manifest(recording.folder);
  EXPECT_EQ(m.state, "finished") << "and its recording is whole";
  ASSERT_TRUE(m.ending);
  EXPECT_EQ(m.ending->reason, "signal");
}

}  // namespace
}  // namespace callbot::bot
