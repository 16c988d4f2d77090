// recordings/catalogue_index.h: what was read of the recordings before, in SQLite:
// <out>/.catalogue.sqlite. The only file that sees SQLite.
//
// An index, never the truth: each row carries the mark of the folder it was read from and a
// checksum of itself, and counts only while both are right. Whatever is wrong with the file, the
// worst that follows is that folders are read again.
//
// Thread:  one.
// Owner:   the catalogue; several processes may have one open at once.
// Fails:   never; a database that cannot be used is left aside, note() says why.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "recordings/catalogue_entry.h"

namespace callbot::recordings {

constexpr const char* kCatalogueFile = ".catalogue.sqlite";

struct IndexRow {
  CatalogueEntry entry;
  FolderMark mark{};
};

class CatalogueIndex {
 public:
  explicit CatalogueIndex(const std::filesystem::path& out);
  ~CatalogueIndex();
  CatalogueIndex(const CatalogueIndex&) = delete;
  CatalogueIndex& operator=(const CatalogueIndex&) = delete;

  // Every row that is sound, in the order of their names; about `expected` of them. Without chat
  // where it is not wanted.
  std::vector<IndexRow> rows(bool with_chat, size_t expected = 0);
  // Puts rows in, and takes names out, all or nothing.
  void update(const std::vector<const IndexRow*>& put, const std::vector<std::string>& remove);
  // Why the database is not used, or was made anew; empty: nothing to say.
  const std::string& note() const { return note_; }

 private:
  struct Database;
  // What became of an attempt to use the file.
  enum class Found { kGood, kEmpty, kOther, kLater, kBusy, kNoAccess, kNoFile };
  Found open();
  void use(Found found);
  bool make();
  bool make_locked();
  void make_anew(const char* because, bool certain);
  void open_for_reading(const char* because);

  const std::filesystem::path out_, file_;
  std::unique_ptr<Database> db_;
  uint64_t inode_ = 0;  // of the file that was opened
  bool writable_ = false;
  std::string note_;
};

}  // namespace callbot::recordings
