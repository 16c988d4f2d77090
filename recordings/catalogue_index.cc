#include "recordings/catalogue_index.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <glib.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/gref.h"
#include "recordings/folder_lock.h"

namespace callbot::recordings {
namespace {

namespace fs = std::filesystem;

// Changes with the table, and with what read_entry makes of a folder.
constexpr int kSchema = 1;
constexpr int kBusy_ms = 500;  // how long another process may keep it before it is left aside
constexpr const char* kTable =
    "CREATE TABLE recordings (name TEXT PRIMARY KEY, state TEXT, room TEXT, label TEXT,"
    " started_ns INTEGER, length_ns INTEGER, members TEXT, bytes INTEGER, verdict TEXT,"
    " tags TEXT, keep INTEGER, error TEXT, mark BLOB, checksum INTEGER, chat_checksum INTEGER,"
    " chat TEXT) WITHOUT ROWID";  // chat last: who does not ask for it does not read its pages

class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { sqlite3_prepare_v2(db, sql, -1, &s_, nullptr); }
  ~Statement() { sqlite3_finalize(s_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  explicit operator bool() const { return s_ != nullptr; }

  void bind(int at, std::string_view text) {
    sqlite3_bind_text(s_, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  void bind(int at, int64_t value) { sqlite3_bind_int64(s_, at, value); }
  void bind(int at, const FolderMark& mark) {
    sqlite3_bind_blob(s_, at, mark.data(), sizeof(mark), SQLITE_TRANSIENT);
  }
  int step() { return sqlite3_step(s_); }
  void reset() { sqlite3_reset(s_); }

  std::string text(int column) const {
    const void* bytes = sqlite3_column_blob(s_, column);
    const auto size = static_cast<size_t>(sqlite3_column_bytes(s_, column));
    return bytes != nullptr ? std::string(static_cast<const char*>(bytes), size) : std::string();
  }
  int64_t whole(int column) const { return sqlite3_column_int64(s_, column); }

 private:
  sqlite3_stmt* s_ = nullptr;
};

// FNV-1a, 64 bits: against rot, not against people.
class Checksum {
 public:
  void add(std::string_view bytes) {
    add(static_cast<int64_t>(bytes.size()));
    for (const char c : bytes) byte(static_cast<uint8_t>(c));
  }
  void add(int64_t value) {
    for (int i = 0; i < 8; ++i) byte(static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i)));
  }
  int64_t value() const { return static_cast<int64_t>(sum_); }

 private:
  void byte(uint8_t b) { sum_ = (sum_ ^ b) * 0x100000001b3; }
  uint64_t sum_ = 0xcbf29ce484222325;
};

int64_t checksum(const IndexRow& row) {
  const CatalogueEntry& e = row.entry;
  Checksum sum;
  for (const std::string* text : {&e.name, &e.state, &e.room, &e.label, &e.verdict, &e.error})
    sum.add(*text);
  for (const int64_t value : {e.started_wall_ns, e.length_ns, static_cast<int64_t>(e.bytes),
                              static_cast<int64_t>(e.annotations.keep)})
    sum.add(value);
  for (const std::string& member : e.members) sum.add(member);
  for (const std::string& tag : e.annotations.tags) sum.add(tag);
  for (const int64_t part : row.mark) sum.add(part);
  return sum.value();
}

int64_t checksum(const std::string& chat) {
  Checksum sum;
  sum.add(chat);
  return sum.value();
}

// One line each; line ends and backslashes in a name are escaped.
template <class Names>
std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    for (const char c : name) text += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
    text += '\n';
  }
  return text;
}

std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> names;
  if (text.find('\\') == std::string::npos) {
    for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      names.push_back(text.substr(at, end - at));
    return names;
  }
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n')
      names.push_back(std::exchange(name, {}));
    else if (text[i] == '\\' && i + 1 < text.size())
      name += text[++i] == 'n' ? '\n' : text[i];
    else
      name += text[i];
  }
  return names;
}

bool is_damage(int code) {
  switch (code & 0xff) {  // the primary code
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // no such table or column
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
      return true;
    default:
      return false;
  }
}

bool is_busy(int code) { return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED; }

// False: it is not what was once put in.
bool read_row(const Statement& s, bool with_chat, IndexRow& row) {
  CatalogueEntry& e = row.entry;
  e.name = s.text(0);
  e.state = s.text(1);
  e.room = s.text(2);
  e.label = s.text(3);
  e.started_wall_ns = s.whole(4);
  e.length_ns = s.whole(5);
  e.members = parts(s.text(6));
  e.bytes = static_cast<uint64_t>(s.whole(7));
  e.verdict = s.text(8);
  const auto tags = parts(s.text(9));
  e.annotations.tags.insert(tags.begin(), tags.end());
  e.annotations.keep = s.whole(10) != 0;
  e.error = s.text(11);
  const std::string mark = s.text(12);
  if (mark.size() != sizeof(row.mark)) return false;
  memcpy(row.mark.data(), mark.data(), sizeof(row.mark));
  if (s.whole(13) != checksum(row)) return false;
  if (with_chat) e.chat = s.text(15);
  return !with_chat || s.whole(14) == checksum(e.chat);
}

int write_row(Statement& s, const IndexRow& row) {
  const CatalogueEntry& e = row.entry;
  s.reset();
  int at = 0;
  for (const std::string* text : {&e.name, &e.state, &e.room, &e.label})
    s.bind(++at, std::string_view(*text));
  s.bind(++at, e.started_wall_ns);
  s.bind(++at, e.length_ns);
  s.bind(++at, joined(e.members));
  s.bind(++at, static_cast<int64_t>(e.bytes));
  s.bind(++at, std::string_view(e.verdict));
  s.bind(++at, joined(e.annotations.tags));
  s.bind(++at, static_cast<int64_t>(e.annotations.keep));
  s.bind(++at, std::string_view(e.error));
  s.bind(++at, row.mark);
  s.bind(++at, checksum(row));
  s.bind(++at, checksum(e.chat));
  s.bind(++at, std::string_view(e.chat));
  return s.step();
}

struct stat look(const fs::path& file) {
  struct stat s {};
  if (lstat(file.c_str(), &s) != 0) s.st_mode = 0;
  return s;
}

}  // namespace

struct CatalogueIndex::Database {
  sqlite3* db = nullptr;
  ~Database() { sqlite3_close(db); }
  int run(const char* sql) const { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr); }
  int error() const { return sqlite3_errcode(db); }
};

CatalogueIndex::CatalogueIndex(const fs::path& out) : out_(out), file_(out / kCatalogueFile) {
  use(open());
}

void CatalogueIndex::use(Found found) {
  switch (found) {
    case Found::kGood:
      return;
    case Found::kEmpty:
      if (!make()) open_for_reading("another process is making it");
      return;
    case Found::kOther:
      return make_anew("it was damaged or of another version", false);
    case Found::kLater:
      db_.reset();
      note_ = "it is of a later version of callbot";
      return;
    case Found::kBusy:
      return open_for_reading("another process has it locked");
    case Found::kNoAccess:
      return open_for_reading("it cannot be written");
    case Found::kNoFile:
      note_ = "it is no regular file";
  }
}

CatalogueIndex::~CatalogueIndex() = default;

CatalogueIndex::Found CatalogueIndex::open() {
  const struct stat before = look(file_);
  inode_ = before.st_ino;
  if (before.st_mode != 0 && !S_ISREG(before.st_mode)) return Found::kNoFile;  // a pipe would block
  db_ = std::make_unique<Database>();
  writable_ = true;
  const auto failed = [&] {
    const int code = db_->error();
    return is_busy(code) ? Found::kBusy : is_damage(code) ? Found::kOther : Found::kNoAccess;
  };
  if (sqlite3_open_v2(
          file_.c_str(), &db_->db,
          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
          nullptr) != SQLITE_OK)
    return failed();
  sqlite3_busy_timeout(db_->db, kBusy_ms);
  int64_t version = 0;
  {
    Statement s(db_->db, "PRAGMA user_version");
    if (!s || s.step() != SQLITE_ROW) return failed();
    version = s.whole(0);
  }
  if (version > kSchema) return Found::kLater;
  if (version == 0 && look(file_).st_size == 0) return Found::kEmpty;
  if (version < kSchema) return Found::kOther;
  // What an index loses in a power cut is read again: no waiting for the disk.
  if (db_->run("PRAGMA synchronous=OFF") != SQLITE_OK) return failed();
  const Statement known(db_->db, "SELECT chat, checksum FROM recordings LIMIT 1");
  if (!known) return failed();
  if (sqlite3_db_readonly(db_->db, "main") != 0) return Found::kNoAccess;
  return Found::kGood;
}

// The file is empty. Only one process makes it; the others do without.
bool CatalogueIndex::make() {
  const auto lock = lock_folder(out_ / ".", false);
  return lock && make_locked();
}

bool CatalogueIndex::make_locked() {
  if (db_->run("PRAGMA synchronous=OFF") != SQLITE_OK ||
      db_->run("PRAGMA journal_mode=WAL") != SQLITE_OK || db_->run("BEGIN IMMEDIATE") != SQLITE_OK)
    return false;
  int64_t version = 0;
  {
    Statement s(db_->db, "PRAGMA user_version");
    if (s && s.step() == SQLITE_ROW) version = s.whole(0);
  }
  const bool made = version != 0 || db_->run(kTable) == SQLITE_OK;
  const bool marked =
      made && db_->run(fmt::format("PRAGMA user_version={}", kSchema).c_str()) == SQLITE_OK;
  return db_->run(marked ? "COMMIT" : "ROLLBACK") == SQLITE_OK && marked;
}

// Takes the file away and makes another, unless another process has done so meanwhile.
void CatalogueIndex::make_anew(const char* because, bool certain) {
  const uint64_t inode = inode_;
  db_.reset();
  const auto lock = lock_folder(out_ / ".", false);
  if (!lock) {
    note_ = "another process is making it";
    return;
  }
  if ((!certain || look(file_).st_ino != inode) && open() == Found::kGood) return;
  db_.reset();
  for (const char* end : {"", "-wal", "-shm", "-journal"})
    ::unlink(fs::path(file_).concat(end).c_str());
  note_ = fmt::format("made anew: {}", because);
  if (open() == Found::kEmpty && make_locked()) return;
  db_.reset();
  note_ = fmt::format("{}, and it cannot be made anew", because);
}

// Without a lock, a journal or a place for them; what is torn or old fails its checksum or mark.
void CatalogueIndex::open_for_reading(const char* because) {
  note_ = because;
  writable_ = false;
  db_ = std::make_unique<Database>();
  const Text path(g_uri_escape_string(file_.c_str(), "/", FALSE));
  const std::string uri = fmt::format("file:{}?immutable=1", path.get());
  if (sqlite3_open_v2(uri.c_str(), &db_->db,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK)
    db_.reset();
}

std::vector<IndexRow> CatalogueIndex::rows(bool with_chat, size_t expected) {
  std::vector<IndexRow> rows;
  rows.reserve(expected);
  if (!db_) return rows;
  int end = SQLITE_DONE;
  {
    Statement s(db_->db,
                with_chat
                    ? "SELECT name, state, room, label, started_ns, length_ns, members, bytes,"
                      " verdict, tags, keep, error, mark, checksum, chat_checksum, chat"
                      " FROM recordings ORDER BY name"
                    : "SELECT name, state, room, label, started_ns, length_ns, members, bytes,"
                      " verdict, tags, keep, error, mark, checksum FROM recordings ORDER BY name");
    end = s ? s.step() : db_->error();
    for (; end == SQLITE_ROW; end = s.step()) {
      if (!read_row(s, with_chat, rows.emplace_back())) rows.pop_back();
    }
  }
  // The names' order is the database's word; of two of one name either was put in.
  const auto less = [](const IndexRow& a, const IndexRow& b) {
    return a.entry.name < b.entry.name;
  };
  if (!std::is_sorted(rows.begin(), rows.end(), less)) std::sort(rows.begin(), rows.end(), less);
  if (end == SQLITE_DONE || !writable_) return rows;
  if (!is_damage(end)) {
    open_for_reading(is_busy(end) ? "another process has it locked" : "it cannot be read");
    return rows;
  }
  make_anew("it was damaged", true);
  return {};  // they are to be put in again
}

void CatalogueIndex::update(const std::vector<const IndexRow*>& put,
                            const std::vector<std::string>& remove) {
  if (!db_ || !writable_ || (put.empty() && remove.empty())) return;
  int code = db_->run("BEGIN IMMEDIATE");
  if (code == SQLITE_OK) {
    Statement insert(db_->db,
                     "INSERT OR REPLACE INTO recordings VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    Statement erase(db_->db, "DELETE FROM recordings WHERE name = ?");
    code = insert && erase ? SQLITE_DONE : db_->error();
    for (size_t i = 0; i < put.size() && code == SQLITE_DONE; ++i)
      code = write_row(insert, *put[i]);
    for (size_t i = 0; i < remove.size() && code == SQLITE_DONE; ++i) {
      erase.reset();
      erase.bind(1, std::string_view(remove[i]));
      code = erase.step();
    }
  }
  if (code == SQLITE_DONE) code = db_->run("COMMIT");
  if (code == SQLITE_OK) return;
  db_->run("ROLLBACK");
  if (is_busy(code)) return;  // another process writes the same
  if (is_damage(code)) return make_anew("it was damaged", true);
  writable_ = false;
  if (note_.empty()) note_ = fmt::format("it cannot be written: {}", sqlite3_errstr(code));
}

}  // namespace callbot::recordings
