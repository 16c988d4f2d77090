// The real program on a disk of its own that fills up: a tmpfs in a user and mount namespace.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "base/files.h"
#include "bot/cli.h"
#include "recordings/manifest.h"
#include "tests/support/call_room.h"
#include "tests/support/program.h"
#include "tests/support/small_disk.h"

namespace callbot::bot {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMB = 1'000'000;

class Disk : public test::CallRoom {
 protected:
  // `callbot WORDS...`, on whose own disk `disk_` has so many bytes.
  std::unique_ptr<test::Program> program(uint64_t size, std::vector<std::string> words) {
    std::vector<std::string> all{
        "unshare",
        test::own_mounts(),
        "sh",
        "-c",
        "mount -t tmpfs -o size=" + std::to_string(size) + " callbot-test \"$0\" && exec \"$@\"",
        disk_.path()};
    words = test::Program::callbot(std::move(words));
    all.insert(all.end(), words.begin(), words.end());
    return std::make_unique<test::Program>(loop_, std::move(all));
  }
  // A file on that disk, as seen from here.
  fs::path inside(const test::Program& program, const std::string& name) const {
    return "/proc/" + std::to_string(program.pid()) + "/root" + (disk_.path() / name).string();
  }
  // Leaves so much free.
  void fill(const test::Program& program, uint64_t leave) const {
    const uint64_t free = *free_space(inside(program, ""));
    ASSERT_GT(free, leave);
    const int fd = open(inside(program, "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(posix_fallocate(fd, 0, static_cast<off_t>(free - leave)), 0);
    close(fd);
  }
  // The disk is gone with the program: what it recorded is copied out of it.
  fs::path copier() const {
    const fs::path script = folder_.path() / "copy.sh";
    std::ofstream(script) << "#!/bin/sh\ncp -r \"$1\" '" << folder_.path().string() << "/copy'\n";
    fs::permissions(script, fs::perms::owner_all);
    return script;
  }

  test::TempFolder disk_;
};

TEST_F(Disk, ARecordingBelowTheReserveIsRefusedBeforeItJoins) {
  const auto record =
      program(20 * kMB, {"record", host_.url(), "--out", disk_.path(), "--reserve", "100M"});
  const Json event = record->event("disk-low");
  EXPECT_EQ(record->wait(kPatience), kExitStorage);
  EXPECT_EQ(event.at("reserve_bytes").whole(), 100 * kMB);
  EXPECT_EQ(event.at("low_water_bytes").whole(), 50 * kMB);
  EXPECT_LE(event.at("free_bytes").whole(), 20 * kMB + 4096);  // tmpfs has whole pages
  EXPECT_EQ(event.at("out").text(), disk_.path().string());
  EXPECT_THAT(record->output(), HasSubstr("--reserve"));
  EXPECT_TRUE(host_.rooms().members("demo").empty());
}

TEST_F(Disk, ARecordingIsEndedInOrderAtLowWater) {
  start(small("alice"));
  const auto record = program(60 * kMB, {"record", host_.url(), "--out", disk_.path(), "--reserve",
                                         "40M", "--low-water", "20M", "--on-finish", copier()});
  record->event("size");  // media comes in
  const auto said = record->event("recording").at("folder").text();
  ASSERT_TRUE(said) << record->output();
  const fs::path folder = *said;
  ASSERT_TRUE(loop_.run_until(
      [&] {
        std::error_code error;
        const auto media = inside(*record, folder.filename() / "media/alice-1.mkv");
        return fs::file_size(media, error) > 50'000 && !error;
      },
      kPatience));
  fill(*record, 10 * kMB);
  const Json event = record->event("disk-low");
  EXPECT_LT(event.at("free_bytes").whole(), 20 * kMB);
  const Json verdict = record->event("verdict").at("verdict");
  EXPECT_EQ(record->wait(kPatience), kExitGood) << record->output();
  EXPECT_EQ(verdict.at("verdict").text(), "PASS") << verdict.dump(true);
  const auto loaded = recordings::load(folder_.path() / "copy");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->manifest.state, "finished");
  ASSERT_TRUE(loaded->manifest.ending);
  EXPECT_EQ(loaded->manifest.ending->reason, "disk-low");
  EXPECT_THAT(loaded->manifest.ending->text, HasSubstr("--low-water"));
}

TEST_F(Disk, AServerWaitsForSpaceSaysSoOnceAndGoesOn) {
  const auto serve = program(
      60 * kMB, {"serve", "--listen", "127.0.0.1:0", "--record", disk_.path(), "--reserve", "40M"});
  const auto http = serve->event("serving").at("url").text();
  ASSERT_TRUE(http) << serve->output();
  const std::string url = "ws" + http->substr(4);
  fill(*serve, 10 * kMB);
  auto alice = small("alice");
  alice.join.url = url + "/rooms/one";
  start(alice);
  // The server looks once a second: whoever comes before it has seen is recorded, and ended.
  const Json event = serve->event("disk-low");
  EXPECT_LT(event.at("free_bytes").whole(), 40 * kMB);
  const size_t before = serve->events("recording").size();
  auto bob = small("bob");
  bob.join.url = url + "/rooms/two";
  start(bob);
  const auto said = [&] {
    const auto low = serve->events("disk-low");
    return std::count_if(low.begin(), low.end(),
                         [](const Json& e) { return e.at("room").text() == "two"; });
  };
  ASSERT_TRUE(loop_.run_until([&] { return said() > 0; }, kPatience)) << serve->output();
  EXPECT_EQ(serve->events("recording").size(), before) << serve->output();
  fs::remove(inside(*serve, "filler"));
  ASSERT_TRUE(
      loop_.run_until([&] { return serve->events("recording").size() == before + 2; }, kPatience))
      << serve->output();
  EXPECT_EQ(said(), 1) << serve->output();
  serve->signal(SIGTERM);
  EXPECT_EQ(serve->wait(kPatience), kExitGood);
}

// A refusal that does not say what is short.
using Pain09 = Disk;
TEST_F(Pain09, ARefusalNamesTheLimitTheNumbersAndTheFlag) {
  const auto record =
      program(20 * kMB, {"record", host_.url(), "--out", disk_.path(), "--reserve", "1G"});
  const Json event = record->event("disk-low");
  EXPECT_EQ(record->wait(kPatience), kExitStorage);
  EXPECT_EQ(event.at("reserve_bytes").whole(), 1000 * kMB);
  EXPECT_TRUE(event.at("free_bytes").whole());
  for (const char* part : {"1.0 GB", "--reserve"}) EXPECT_THAT(record->output(), HasSubstr(part));
  EXPECT_THAT(record->output(), HasSubstr(disk_.path().string()));
}

}  // namespace
}  // namespace callbot::bot
