// Disks that fill up, cannot be written, or go away during a call, under the real program. Each is
// a tmpfs in a user and mount namespace of the recorder's own, so that it takes no root.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "recordings/verify.h"
#include "tests/support/call_room.h"
#include "tests/support/feed.h"
#include "tests/support/program.h"
#include "tests/support/recorded.h"
#include "tests/support/small_disk.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using test::Program;
using test::Recorded;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DiskTest : public test::CallRoom {
 protected:
  void SetUp() override {
    Program allowed(loop_, {"unshare", test::own_mounts(), "mount", "-t", "tmpfs", "none", "/mnt"});
    if (allowed.wait(kPatience) != 0)
      GTEST_FAIL()
          << "no tmpfs can be mounted in a namespace of its own (unshare -rm): needs root, "
             "or user namespaces: "
          << allowed.output();
    fs::create_directories(disk());
    fs::create_directories(kept());
  }
  fs::path disk() const { return folder_.path() / "disk"; }  // where the small one is mounted
  fs::path kept() const { return folder_.path() / "kept"; }  // what it held at the end

  // callbot record onto a tmpfs with these mount options; `meanwhile` is a shell's words that run
  // beside it.
  std::vector<std::string> record_onto_disk(const std::string& options,
                                            const std::string& meanwhile = ":") {
    const auto words = Program::callbot({"record", host_.url(), "--out", disk().string(), "--name",
                                         "small-disk", "--reserve", "0", "--low-water", "0"});
    std::vector<std::string> all{"unshare",
                                 test::own_mounts(),
                                 "sh",
                                 "-c",
                                 "disk=$1 kept=$2; shift 2; mount -t tmpfs -o " + options +
                                     " none \"$disk\" || exit 99; " + meanwhile +
                                     "; \"$@\"; status=$?; "
                                     "cp -a \"$disk/.\" \"$kept\"; exit $status",
                                 "sh",
                                 disk().string(),
                                 kept().string()};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  static fs::path only_folder_in(const fs::path& out) {
    std::error_code none;
    const fs::directory_iterator first(out, none);
    return none || first == fs::directory_iterator() ? fs::path() : first->path();
  }
};

// All that is there can be decoded, and counts on without a hole.
void expect_kept(const fs::path& folder, const char* words) {
  const Recorded recorded(folder);
  EXPECT_EQ(recorded.manifest.state, "failed");
  ASSERT_TRUE(recorded.manifest.ending);
  EXPECT_EQ(recorded.manifest.ending->reason, "error");
  EXPECT_THAT(recorded.manifest.ending->text, HasSubstr(words));
  ASSERT_EQ(recorded.lanes.size(), 2u);
  for (const auto& lane : recorded.lanes) {
    EXPECT_GT(test::packet_count(lane), 10u);
    EXPECT_EQ(test::undecodable_count(lane), 0u);
    if (lane.media != MediaKind::kVideo) continue;
    const auto seen = test::counters(lane);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen, test::counting(seen[0], static_cast<int64_t>(seen.size())));
  }
}

TEST_F(DiskTest, AFullDiskEndsThatRecordingWithAnErrorAndNoOther) {
  auto options = small("alice");
  options.bitrate = 1'000'000;
  options.width = 640;
  options.height = 360;
  start(options);
  Program small_disk(loop_, record_onto_disk("size=700k"));
  auto large_options = into_folder();
  large_options.out = folder_.path() / "large";
  auto& large = start(large_options);
  ASSERT_TRUE(tracks(large, 2));
  EXPECT_EQ(small_disk.wait(kPatience), kExitStorage) << small_disk.output();
  EXPECT_THAT(small_disk.output(), AllOf(HasSubstr("No space left"), HasSubstr(disk().string())));
  const fs::path folder = only_folder_in(kept());
  ASSERT_FALSE(folder.empty()) << small_disk.output();
  expect_kept(folder, "No space left");
  EXPECT_FALSE(fs::exists(folder / ".reserve"));

  const auto& done = stopped(large);
  EXPECT_EQ(done.status, kExitGood) << text(done);
  ASSERT_TRUE(done.verdict);
  EXPECT_EQ(done.verdict->severity, recordings::Severity::kPass) << text(done);
  for (const auto& track : done.verdict->tracks) EXPECT_EQ(track.marks_missing, 0u) << text(done);
}

// There is no space for a copy of what was cut off.
TEST_F(DiskTest, ARepairOnAFullDiskFinishesTheFilesInPlace) {
  test::Feed feed;
  feed.member("alice");
  feed.add({test::video_track(1, "alice"), test::make_video({.frames = 90, .key_every = 30})});
  feed.add({test::audio_track(2, "alice"), test::make_audio({.seconds = 3})});
  ASSERT_TRUE(feed.run(3, false));
  feed.drop();
  const fs::path media = feed.folder() / "media/alice-1.mkv";
  fs::resize_file(media, fs::file_size(media) - 100);  // in the middle of a frame
  const std::string cut = read_file(media, 1u << 30).value_or("");
  std::vector<std::string> all{
      "unshare",
      test::own_mounts(),
      "sh",
      "-c",
      "disk=$1 rec=$2 kept=$3; shift 3; mount -t tmpfs -o size=16m none \"$disk\" || exit 99; "
      "cp -a \"$rec\" \"$disk/r\"; head -c 262144 /dev/zero > \"$disk/r/.reserve\"; "
      "head -c 16M /dev/zero > \"$disk/filler\" 2>/dev/null; "
      "\"$@\" \"$disk/r\"; status=$?; \"$@\" \"$disk/r\"; cp -a \"$disk/r\" \"$kept\"; exit "
      "$status",
      "sh",
      disk().string(),
      feed.folder().string(),
      kept().string()};
  for (const auto& word : Program::callbot({"repair"})) all.push_back(word);
  Program program(loop_, all);
  EXPECT_EQ(program.wait(kPatience), kExitNotGood) << program.output();
  EXPECT_THAT(program.output(),
              AllOf(HasSubstr("without an index"), HasSubstr("nothing to be done")));
  const fs::path folder = kept() / "r";
  const Recorded recorded(folder);
  EXPECT_EQ(recorded.manifest.state, "finished");
  const auto seen = test::counters(recorded.lane("alice", MediaKind::kVideo));
  EXPECT_GE(seen.size(), 80u);
  EXPECT_EQ(seen, test::counting(0, static_cast<int64_t>(seen.size())));
  const auto verdict = recordings::verify(folder, {.threads = 1});
  ASSERT_TRUE(verdict);
  for (const auto& finding : verdict->findings)
    EXPECT_NE(finding.severity, recordings::Severity::kFail) << to_text(*verdict);
  // Nothing is lost: what was cut off is kept, and before it only sizes are others.
  const std::string whole = read_file(folder / "media/alice-1.mkv", 1u << 30).value_or("");
  ASSERT_LT(whole.size(), cut.size());
  const auto tail = folder / ("damaged/alice-1.mkv.from-" + std::to_string(whole.size()));
  EXPECT_EQ(read_file(tail, 1u << 20).value_or(""), cut.substr(whole.size()));
  size_t others = 0;
  for (size_t i = 0; i < whole.size(); ++i) others += whole[i] == cut[i] ? 0 : 1;
  EXPECT_LE(others, 16u) << "the segment's and the last cluster's";
}

TEST_F(DiskTest, ADiskThatIsFullFromTheBeginningIsSaidAtOnce) {
  start(small("alice"));
  Program recorder(loop_, record_onto_disk("size=64k"));
  EXPECT_EQ(recorder.wait(kPatience), kExitStorage) << recorder.output();
  EXPECT_THAT(recorder.output(), HasSubstr("No space left"));
}

TEST_F(DiskTest, ADiskThatCannotBeWrittenIsSaidAtOnce) {
  start(small("alice"));
  Program recorder(loop_, record_onto_disk("ro"));
  EXPECT_EQ(recorder.wait(kPatience), kExitStorage) << recorder.output();
  EXPECT_THAT(recorder.output(), AllOf(HasSubstr("Read-only"), HasSubstr(disk().string())));
}

TEST_F(DiskTest, AFolderThatGoesAwayEndsTheProgramWithAnError) {
  start(small("alice"));
  const fs::path out = folder_.path() / "lost";
  Program recorder(loop_, Program::callbot({"record", host_.url(), "--out", out.string()}));
  auto other_options = into_folder();
  other_options.join.name = "other";
  other_options.out = folder_.path() / "other";
  auto& other = start(other_options);
  ASSERT_TRUE(tracks(other, 2));
  const auto folder = recorder.event("recording").at("folder").text();
  ASSERT_TRUE(folder) << recorder.output();
  const fs::path media = fs::path(*folder) / "media" / "alice-1.mkv";
  ASSERT_TRUE(loop_.run_until([&] { return fs::exists(media); }, kPatience));
  // The recorder may take a file of its own away in the same moment.
  EXPECT_TRUE(loop_.run_until(
      [&] {
        std::error_code again;
        fs::remove_all(out, again);
        return !fs::exists(out);
      },
      kPatience));
  EXPECT_EQ(recorder.wait(kPatience), kExitStorage) << recorder.output();
  EXPECT_THAT(recorder.output(), HasSubstr("removed while it was written"));
  const auto& done = stopped(other);
  EXPECT_EQ(done.status, kExitGood) << text(done);
}

}  // namespace
}  // namespace callbot::bot
