#include "recordings/journal.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>

#include "base/clock.h"

namespace callbot::recordings {
namespace {

constexpr int kTries = 20;
constexpr std::chrono::milliseconds kBetweenTries{5};

// A line is not written long after the file was. Unless the file's time is of another clock: then
// the first line is after it too, or lines run on where it was set back.
constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kJumpNs = 60'000'000'000;

int64_t latest_line_ns(const std::filesystem::path& path) {
  struct stat s {};
  if (stat(path.c_str(), &s) != 0) return std::numeric_limits<int64_t>::max();
  return s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec + kHourNs;
}

bool is_damaged_time(const std::vector<Event>& events, size_t i, int64_t latest) {
  const int64_t at = events[i].wall_ns;
  return i > 0 && at > latest && events.front().wall_ns <= latest &&
         at > events[i - 1].wall_ns + kJumpNs;
}

}  // namespace

Result<LockedJournal> LockedJournal::create(const std::filesystem::path& path) {
  LockedJournal made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644),
                     path.string());
  if (!made.file_) return storage_failure(made.path_, "cannot create");
  // Without locks (some network file systems) it is written all the same; nobody repairs it there.
  // Who came in between finds an empty journal, and goes again.
  (void)lock_file(made.fd(), LOCK_EX);
  return made;
}

Result<LockedJournal> LockedJournal::take(const std::filesystem::path& path) {
  for (int tries = 1;; ++tries) {
    LockedJournal taken(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK),
                        path.string());
    if (!taken.file_) return storage_failure(taken.path_, "cannot open");
    if (auto file = open_file(path); !file) return tl::unexpected(file.error());  // or a FIFO
    if (!lock_file(taken.fd(), LOCK_EX | LOCK_NB)) {
      // Somebody may only be asking whether it is written.
      if (errno == EWOULDBLOCK && tries < kTries) {
        std::this_thread::sleep_for(kBetweenTries);
        continue;
      }
      if (errno == EWOULDBLOCK)
        return fail(Code::kDenied, taken.path_ + ": is being written by another process");
      return storage_failure(taken.path_, "cannot be locked");
    }
    if (is_at(taken.fd(), taken.path_)) return taken;  // else it was replaced meanwhile
  }
}

Result<> LockedJournal::replace(const std::string& text) {
  const std::string part = path_ + ".part";
  LockedJournal fresh(::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644),
                      part);
  if (!fresh.file_) return storage_failure(part, "cannot create");
  if (!lock_file(fresh.fd(), LOCK_EX | LOCK_NB)) return storage_failure(part, "cannot be locked");
  if (!write_all(fresh.fd(), text)) return storage_failure(part, "cannot write");
  if (auto synced = fresh.sync(); !synced) return synced;
  if (::rename(part.c_str(), path_.c_str()) != 0)
    return storage_failure(path_, "cannot rename into place");
  fresh.path_ = path_;
  *this = std::move(fresh);
  return sync_path(std::filesystem::path(path_).parent_path());
}

Result<> LockedJournal::append(const std::string& text) {
  if (!write_all(fd(), text)) return storage_failure(path_, "cannot write");
  return {};
}

Result<> LockedJournal::sync() const {
  if (fdatasync(fd()) != 0) return storage_failure(path_, "cannot sync");
  return {};
}

Journal read_journal(const std::filesystem::path& path) {
  Journal out;
  std::error_code ignored;
  out.missing = !std::filesystem::exists(path, ignored);
  const auto text = read_file(path, kMostJournalBytes);
  if (!text) {
    out.error = text.error();
    return out;
  }
  std::string_view rest = *text;
  struct Line {
    int number;
    std::string_view text;
  };
  std::vector<Line> lines;
  const auto complain = [&](int number, Error error) {
    ++out.unreadable_lines;
    if (!out.error) out.error = std::move(error).in(fmt::format("journal.jsonl line {}", number));
  };
  for (int number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      out.cut_bytes = rest.size();
      break;
    }
    auto event = parse_event(rest.substr(0, end));
    if (event) {
      out.events.push_back(std::move(*event));
      lines.push_back({number, rest.substr(0, end + 1)});
    } else {
      complain(number, std::move(event.error()));
    }
    rest.remove_prefix(end + 1);
  }
  const int64_t latest = latest_line_ns(path);
  if (!out.events.empty() && out.events.front().wall_ns <= latest) out.latest_ns = latest;
  for (size_t i = 0; i < lines.size(); ++i) {
    Event& event = out.events[i];
    if (!is_damaged_time(out.events, i, latest)) {
      out.lines += lines[i].text;
      continue;
    }
    complain(lines[i].number,
             {Code::kBadInput,
              fmt::format("at: {} is after the journal was last written", rfc3339(event.wall_ns))});
    event.wall_ns = out.events[i - 1].wall_ns;
    out.lines += to_line(event) + "\n";
  }
  return out;
}

}  // namespace callbot::recordings
