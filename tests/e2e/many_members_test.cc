// A browser, or a machine, for each recording.
#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "bot/cli.h"
#include "tests/support/call_room.h"
#include "tests/support/program.h"

namespace callbot::bot {
namespace {

using Pain03 = test::CallRoom;

std::string read_proc(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Pain03, EightMembersTakeOneProcessThatDecodesAndEncodesNothing) {
  constexpr size_t kMembers = 8;
  for (size_t i = 0; i < kMembers; ++i) {
    auto options = small("member" + std::to_string(i));
    options.fps = 5;  // what encodes here are the senders, on the same machine
    start(options);
  }
  test::Program record(loop_, test::Program::callbot({"record", host_.url(), "--reserve", "0",
                                                      "--out", folder_.path().string()}));
  ASSERT_FALSE(record.event("size", kMembers).is_null()) << record.output();
  const std::string pid = std::to_string(record.pid());
  EXPECT_EQ(read_proc(record.pid(), "task/" + pid + "/children"), "") << "it needs helpers";
  const std::string maps = read_proc(record.pid(), "maps");
  EXPECT_NE(maps.find("libgstwebrtc"), std::string::npos) << "of the wrong process";
  for (const char* codec : {"libgstvpx", "libgstopus.", "libgstx264", "libgstlibav"})
    EXPECT_EQ(maps.find(codec), std::string::npos) << codec;
  record.signal(SIGINT);
  EXPECT_EQ(record.wait(kPatience), kExitGood) << record.output();
  const auto verdict = record.event("verdict");
  EXPECT_EQ(verdict.at("verdict").at("tracks").size(), 2 * kMembers) << record.output();
}

}  // namespace
}  // namespace callbot::bot
