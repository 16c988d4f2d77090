// recorders.md 3, pain 21: "Recording does not stop / orphan recorders."
#include <gmock/gmock.h>

#include "base/files.h"
#include "bot/cli.h"
#include "recordings/manifest.h"
#include "tests/support/call_room.h"
#include "tests/support/running_program.h"

namespace callbot::bot {
namespace {

class Pain21 : public test::CallRoom {
 protected:
  std::unique_ptr<test::RunningProgram> serve() {
    auto serve = std::make_unique<test::RunningProgram>(
        loop_, std::vector<std::string>{CALLBOT_PROGRAM, "--log", "json", "serve", "--listen",
                                        "127.0.0.1:0", "--record", folder_.path()});
    url_ = "ws" + serve->event("serving").at("url").text()->substr(4) + "/rooms/demo";
    return serve;
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
  const fs::path folder = *server->event("recording").at("folder").text();
  server->event("size");
  ASSERT_TRUE(left(alice));
  server->event("verdict");
  const auto m = manifest(folder);
  EXPECT_EQ(m.state, "finished");
  ASSERT_TRUE(m.ending);
  EXPECT_EQ(m.ending->reason, "empty");
  server->kill(SIGTERM);
  EXPECT_EQ(server->ended(), kExitGood);
  EXPECT_TRUE(server->silent()) << "a recorder is still there";
}

TEST_F(Pain21, ARecorderEndsWithTheServerThatStartedItHoweverThatDies) {
  const auto server = serve();
  member();
  const fs::path folder = *server->event("recording").at("folder").text();
  server->event("size");
  server->kill(SIGKILL);
  EXPECT_EQ(server->ended(), -1);
  EXPECT_TRUE(server->silent()) << "its recorder is still there";
  const auto m = manifest(folder);
  EXPECT_EQ(m.state, "finished") << "and its recording is whole";
  ASSERT_TRUE(m.ending);
  EXPECT_EQ(m.ending->reason, "signal");
}

}  // namespace
}  // namespace callbot::bot
