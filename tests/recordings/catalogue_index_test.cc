#include "recordings/catalogue_index.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <random>

#include "base/files.h"
#include "tests/support/made_recordings.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using test::TempFolder;
using test::write;
using ::testing::HasSubstr;

IndexRow row(const std::string& name, int64_t at = 1) {
  IndexRow row;
  CatalogueEntry& e = row.entry;
  e.name = name;
  e.state = "finished";
  e.room = "ro\nom";
  e.label = "l'abel; DROP TABLE recordings";
  e.started_wall_ns = at;
  e.length_ns = 2;
  e.members = {"al\\ice", "b\nob", "\xff\x01", "", "\\n"};
  e.bytes = uint64_t{1} << 40;
  e.verdict = "PASS";
  e.annotations = {{"a", "größe"}, true};
  e.error = "error";
  e.chat = "hello\n";
  for (size_t i = 0; i < row.mark.size(); ++i) row.mark[i] = at * 100 + static_cast<int64_t>(i);
  return row;
}

class Index : public testing::Test {
 protected:
  static void put(CatalogueIndex& index, const std::vector<IndexRow>& rows) {
    std::vector<const IndexRow*> pointers;
    for (const IndexRow& r : rows) pointers.push_back(&r);
    index.update(pointers, {});
  }
  fs::path file() const { return out_.path() / kCatalogueFile; }
  // What a process that comes now finds in it.
  size_t found(std::string* note = nullptr) const {
    CatalogueIndex index(out_.path());
    const size_t count = index.rows(true).size();
    if (note != nullptr) *note = index.note();
    return count;
  }
  void fill(size_t count = 200) const {
    CatalogueIndex index(out_.path());
    std::vector<IndexRow> rows;
    for (size_t i = 0; i < count; ++i) rows.push_back(row("r" + std::to_string(i), 7));
    put(index, rows);
    ASSERT_EQ(index.note(), "");
    ASSERT_EQ(index.rows(false).size(), count);
  }

  TempFolder out_;
};

TEST_F(Index, GivesBackWhatWasPutIn) {
  const IndexRow a = row("a");
  const IndexRow b = row("b\xff'\"", -5);
  {
    CatalogueIndex index(out_.path());
    EXPECT_TRUE(index.rows(true).empty());
    put(index, {a, b, row("c")});
    index.update({}, {"c", "unknown"});
  }
  CatalogueIndex index(out_.path());
  const auto rows = index.rows(true);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].entry, a.entry);
  EXPECT_EQ(rows[0].mark, a.mark);
  EXPECT_EQ(rows[1].entry, b.entry);
  EXPECT_EQ(index.rows(false).at(0).entry.chat, "");
  EXPECT_EQ(index.note(), "");
}

TEST_F(Index, TheLastOneCounts) {
  CatalogueIndex index(out_.path());
  put(index, {row("a", 1)});
  put(index, {row("a", 2)});
  EXPECT_EQ(index.rows(false).at(0).entry.started_wall_ns, 2);
}

TEST_F(Index, ADatabaseThatIsNoneIsMadeAnew) {
  for (const std::string& garbage :
       {std::string("not a database"), std::string(100'000, '\0'), std::string(5000, 'x'),
        "SQLite format 3" + std::string(1, '\0') + std::string(4096, '\x7f')}) {
    write(file(), garbage);
    std::string note;
    EXPECT_EQ(found(&note), 0u);
    EXPECT_THAT(note, HasSubstr("made anew")) << garbage.size();
    fill(3);
    EXPECT_EQ(found(&note), 3u);
    EXPECT_EQ(note, "");
  }
}

TEST_F(Index, ADatabaseOfSomebodyElseIsMadeAnew) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE recordings (a, b); INSERT INTO recordings VALUES (1, 2)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  std::string note;
  EXPECT_EQ(found(&note), 0u);
  EXPECT_THAT(note, HasSubstr("made anew"));
  fill(3);
}

TEST_F(Index, ADatabaseOfALaterVersionIsLeftAlone) {
  fill(3);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const std::string before = *read_file(file(), 1 << 26);
  std::string note;
  EXPECT_EQ(found(&note), 0u);
  EXPECT_THAT(note, HasSubstr("later version"));
  EXPECT_EQ(*read_file(file(), 1 << 26), before);
}

TEST_F(Index, ALockedDatabaseIsReadWithoutTheLock) {
  fill(3);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr),
      SQLITE_OK);
  std::string note;
  EXPECT_EQ(found(&note), 3u);
  EXPECT_THAT(note, HasSubstr("locked"));
  {
    CatalogueIndex index(out_.path());
    put(index, {row("x")});  // nothing, and no wait for ever
  }
  sqlite3_close(db);
  EXPECT_EQ(found(&note), 3u);
  EXPECT_EQ(note, "");
}

TEST_F(Index, WhatIsNoFileIsLeftAlone) {
  ASSERT_EQ(mkfifo(file().c_str(), 0600), 0);
  std::string note;
  EXPECT_EQ(found(&note), 0u);
  EXPECT_THAT(note, HasSubstr("no regular file"));
  fs::remove(file());
  write(out_.path() / "target", "precious");
  fs::create_symlink(out_.path() / "target", file());
  EXPECT_EQ(found(&note), 0u);
  EXPECT_THAT(note, HasSubstr("no regular file"));
  EXPECT_EQ(*read_file(out_.path() / "target", 100), "precious");
}

// Whatever rots: a row is what was put in, or it is not there.
TEST_F(Index, NoBitThatFlipsMakesAWrongRow) {
  fill();
  const std::string good = *read_file(file(), 1 << 26);
  const IndexRow as_put = row("any", 7);
  std::mt19937 random(7);
  size_t lost = 0;
  for (int round = 0; round < 150; ++round) {
    std::string bad = good;
    for (int flips = 0; flips < 1 + round / 10; ++flips)
      bad[random() % bad.size()] ^= static_cast<char>(1 << (random() % 8));
    for (const char* end : {"-wal", "-shm"}) fs::remove(fs::path(file()).concat(end));
    write(file(), bad);
    CatalogueIndex index(out_.path());
    const auto rows = index.rows(true);
    lost += 200 - std::min<size_t>(200, rows.size());
    for (const IndexRow& r : rows) {
      IndexRow expected = as_put;
      expected.entry.name = r.entry.name;
      ASSERT_EQ(r.entry, expected.entry);
      ASSERT_EQ(r.mark, expected.mark);
    }
    put(index, {row("new", 7)});
  }
  EXPECT_GT(lost, 0u) << "the flips did nothing";
}

TEST_F(Index, ADatabaseThatIsCutIsMadeAnew) {
  fill();
  const std::string good = *read_file(file(), 1 << 26);
  for (size_t tenth = 0; tenth < 10; ++tenth) {
    for (const char* end : {"-wal", "-shm"}) fs::remove(fs::path(file()).concat(end));
    write(file(), good.substr(0, good.size() * tenth / 10));
    std::string note;
    EXPECT_LT(found(&note), 200u);
    if (tenth > 0) {
      EXPECT_THAT(note, HasSubstr("made anew")) << tenth;
    }
    fill();
    EXPECT_EQ(found(&note), 200u);
    EXPECT_EQ(note, "");
  }
}

}  // namespace
}  // namespace callbot::recordings
