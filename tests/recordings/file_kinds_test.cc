// A recording that came from elsewhere, with something that is no file in it: nothing waits for
// it, nothing follows it, and who meets it names it.
#include "tests/support/file_kinds.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "recordings/catalogue.h"
#include "recordings/compose.h"
#include "recordings/export.h"
#include "recordings/repair.h"
#include "recordings/report.h"
#include "recordings/show.h"
#include "recordings/verify.h"
#include "tests/support/feed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kMedia = "media/alice-1.mkv";

class FileKinds : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    for (const char* id : {"alice", "bob"}) {
      feed_.member(id);
      feed_.add({.info = audio_track(id[0] == 'a' ? 1 : 2, id), .frames = make_audio({})});
    }
    feed_.at(1, [](Recording& r) {
      auto file = r.receive_file({.participant = "alice", .name = "notes.txt", .size = 5});
      ASSERT_TRUE(file && (*file)->append("hello"));
      (*file)->end("", {});
    });
    ASSERT_TRUE(feed_.run(3));
    feed_.drop();  // and its lock on the journal
    ASSERT_TRUE(save_verdict(folder(), *verify(folder())));
  }
  const fs::path& folder() const { return feed_.folder(); }
  void put(const std::string& name) const { put_no_file(GetParam(), folder() / name); }
  bool is_link() const { return GetParam() == std::string("symbolic link"); }
  std::vector<Finding> findings(const std::string& code) const {
    auto verdict = verify(folder());
    EXPECT_TRUE(verdict) << verdict.error().message;
    if (!verdict) return {};
    std::erase_if(verdict->findings, [&](const Finding& f) { return f.code != code; });
    return verdict->findings;
  }
  Feed feed_;
  TempFolder out_;
};

TEST_P(FileKinds, AsAMediaFile) {
  put(kMedia);
  const auto damaged = findings("file-damaged");
  ASSERT_EQ(damaged.size(), 1u);
  EXPECT_EQ(damaged[0].file, kMedia);
  EXPECT_THAT(damaged[0].text, HasSubstr("expected a file"));
  EXPECT_THAT(findings("checksum"), IsEmpty());

  std::vector<std::string> lost;
  const auto files = export_recording({.folder = folder(), .to = "opus", .out = out_.path()}, {},
                                      {}, [&](const std::string& name, const std::string& note) {
                                        lost.push_back(name + ": " + note);
                                      });
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->size(), 1u);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_THAT(lost[0], testing::AllOf(HasSubstr("alice: "), HasSubstr(kMedia)));

  const auto mix = compose(
      {.folder = folder(), .layout = ComposeLayout::kAudio, .out = out_.path() / "mix.opus"});
  ASSERT_TRUE(mix) << mix.error().message;
  EXPECT_THAT(mix->notes, testing::ElementsAre(HasSubstr(kMedia)));
  EXPECT_TRUE(write_report(folder(), {.out = out_.path() / "report.html", .judge_anew = true}, {}));

  const auto repaired = repair(folder());
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_FALSE(repaired->complete());
  EXPECT_THAT(repaired->files,
              Contains(testing::AllOf(Field(&MendedFile::file, kMedia),
                                      Field(&MendedFile::what, Mended::kMissing))));
}

TEST_P(FileKinds, RepairDoesNotTakeOneIn) {
  auto loaded = load(folder());
  ASSERT_TRUE(loaded);
  Manifest cut_off;  // as it was at the beginning
  cut_off.software = loaded->manifest.software;
  cut_off.facts = loaded->manifest.facts;
  cut_off.started_wall_ns = loaded->manifest.started_wall_ns;
  ASSERT_EQ(cut_off.state, "running");
  ASSERT_TRUE(write_atomically(folder() / "manifest.json", to_text(cut_off)));
  fs::copy_file(folder() / kMedia, folder() / "media/eve-1.mkv");
  put("media/eve-1.mkv");
  fs::remove_all(folder() / "media/eve-1.mkv.aside");
  if (is_link()) {  // to what could be taken in
    fs::remove(folder() / "media/eve-1.mkv");
    fs::create_symlink("bob-1.mkv", folder() / "media/eve-1.mkv");
  }
  const auto repaired = repair(folder());
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_EQ(repaired->files.size(), 2u);
  EXPECT_THAT(repaired->files, Not(Contains(Field(&MendedFile::file, "media/eve-1.mkv"))));
}

TEST_P(FileKinds, AsAReceivedFile) {
  put("files/notes.txt");
  const auto changed = findings("file-changed");
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].file, "files/notes.txt");
  EXPECT_THAT(changed[0].text, HasSubstr("expected a file"));
}

TEST_P(FileKinds, AsTheManifest) {
  put("manifest.json");
  const auto damaged = findings("manifest-damaged");
  EXPECT_EQ(damaged.size(), is_link() ? 0u : 1u);
  if (!is_link()) {
    EXPECT_THAT(damaged.at(0).text, HasSubstr("manifest.json: is a "));
  }
  EXPECT_TRUE(show(folder()));
}

TEST_P(FileKinds, AsTheJournal) {
  put("journal.jsonl");
  EXPECT_EQ(findings("journal-damaged").size(), is_link() ? 0u : 1u);
  EXPECT_TRUE(show(folder()));
  const auto repaired = repair(folder());
  EXPECT_EQ(repaired.has_value(), is_link());
  if (!repaired) {
    EXPECT_THAT(repaired.error().message, HasSubstr("journal.jsonl"));
  }
}

TEST_P(FileKinds, AsTheVerdictDoesNotBlockTheCatalogue) {
  put("verdict.json");
  EXPECT_EQ(saved_verdict(folder()).has_value(), is_link());
  const auto all = read_catalogue(folder().parent_path());
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->entries.size(), 1u);
  EXPECT_EQ(all->entries[0].verdict == "?", !is_link()) << all->entries[0].verdict;
  put("annotations.json");
  EXPECT_TRUE(read_catalogue(folder().parent_path()));
}

class LinkedMedia : public FileKinds {};
TEST_P(LinkedMedia, IsNotFollowed) {
  put("media");
  EXPECT_EQ(findings("file-damaged").size(), 2u);
  const auto repaired = repair(folder());
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_FALSE(repaired->complete());
}

std::string kind_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::erase(name, ' ');
  return name;
}
INSTANTIATE_TEST_SUITE_P(, FileKinds, testing::ValuesIn(kNoFiles), kind_name);
INSTANTIATE_TEST_SUITE_P(, LinkedMedia, testing::Values("symbolic link"), kind_name);

}  // namespace
}  // namespace callbot::recordings
