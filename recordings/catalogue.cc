#include "recordings/catalogue.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/files.h"
#include "recordings/catalogue_index.h"
#include "recordings/folder_lock.h"

namespace callbot::recordings {
namespace {

constexpr size_t kBatch = 512;  // folders read before they are put into the index
constexpr unsigned kMostThreads = 4;
constexpr size_t kWorthAThread = 16;  // folders to be read

int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

// each(i) for 0..count-1, on a few threads; in this one too, which calls done(i) now and then.
void in_parallel(size_t count, const std::function<void(size_t)>& each,
                 const std::function<void(size_t)>& done) {
  std::atomic<size_t> next{0};
  const auto work = [&](bool first) {
    for (size_t i = next++; i < count; i = next++) {
      each(i);
      if (first) done(i);
    }
  };
  std::vector<std::thread> threads;
  const size_t wanted = std::min<size_t>(
      {kMostThreads, std::max(1u, std::thread::hardware_concurrency()), 1 + count / kWorthAThread});
  for (size_t i = 1; i < wanted; ++i) threads.emplace_back(work, false);
  work(true);
  for (std::thread& thread : threads) thread.join();
}

// Names that may be recordings: a leading '.' is ours.
Result<std::vector<std::string>> folder_names(const fs::path& out) {
  DIR* dir = opendir(out.c_str());
  if (dir == nullptr) return storage_failure(out, "cannot open the folder");
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    const bool may_be = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
    if (may_be && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  const int error = errno;
  closedir(dir);
  errno = error;
  if (error != 0) return storage_failure(out, "cannot read the folder");
  return names;
}

bool is_unfinished(const CatalogueEntry& e) { return e.state == "running" || e.state == "cut-off"; }

class Refresh {
 public:
  Refresh(const fs::path& out, const CatalogueConfig& config, std::vector<std::string> names)
      : out_(out), config_(config), names_(std::move(names)), marks_(names_.size()) {
    std::sort(names_.begin(), names_.end());
  }

  Result<Catalogue> run() {
    fd_ = Descriptor(open(out_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd_) return storage_failure(out_, "cannot open the folder");
    CatalogueIndex index(out_);
    std::atomic<size_t> next{0};
    std::thread looking([&] { look(next); });  // while the index is read
    auto known = index.rows(config_.with_chat, names_.size());
    look(next);
    looking.join();
    take_known(known);
    index.update({}, gone_);
    read_changed(index);
    Catalogue catalogue{newest_first(), index.note()};
    return catalogue;
  }

 private:
  // The marks of all folders that nobody has looked at yet.
  void look(std::atomic<size_t>& next) {
    constexpr size_t kAtOnce = 64;
    for (size_t from = next.fetch_add(kAtOnce); from < names_.size();
         from = next.fetch_add(kAtOnce))
      for (size_t i = from; i < std::min(from + kAtOnce, names_.size()); ++i)
        marks_[i] = mark_of(fd_.get(), names_[i], false);
  }

  // Both in the order of their names.
  void take_known(std::vector<IndexRow>& known) {
    auto row = known.begin();
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!marks_[i].is_recording) continue;
      for (; row != known.end() && row->entry.name < names_[i]; ++row)
        gone_.push_back(row->entry.name);
      const bool is_known = row != known.end() && row->entry.name == names_[i];
      if (is_known && is_as_known(i, *row))
        found_.push_back(&row->entry);
      else
        changed_.push_back(names_[i]);
      if (is_known) ++row;
    }
    for (; row != known.end(); ++row) gone_.push_back(row->entry.name);
  }

  bool is_as_known(size_t i, const IndexRow& row) const {
    if (config_.rebuild) return false;
    if (!is_unfinished(row.entry)) return marks_[i].mark == row.mark;
    return row.entry.state == "cut-off" && mark_of(fd_.get(), names_[i], true).mark == row.mark &&
           !is_written(out_ / names_[i]);
  }

  void read_changed(CatalogueIndex& index) {
    fresh_.resize(changed_.size());
    for (size_t from = 0; from < changed_.size(); from += kBatch) {
      const size_t count = std::min(kBatch, changed_.size() - from);
      in_parallel(
          count, [&](size_t i) { fresh_[from + i] = read(changed_[from + i]); },
          [&](size_t i) {
            if (config_.progress)
              config_.progress(static_cast<double>(from + i) /
                               static_cast<double>(changed_.size()));
          });
      std::vector<const IndexRow*> rows;
      for (size_t i = from; i < from + count; ++i) {
        if (fresh_[i].entry.name.empty()) continue;  // gone
        rows.push_back(&fresh_[i]);
        found_.push_back(&fresh_[i].entry);
      }
      index.update(rows, {});
    }
  }

  std::vector<CatalogueEntry> newest_first() {
    std::sort(found_.begin(), found_.end(), [](const CatalogueEntry* a, const CatalogueEntry* b) {
      return a->started_wall_ns != b->started_wall_ns ? a->started_wall_ns > b->started_wall_ns
                                                      : a->name < b->name;
    });
    std::vector<CatalogueEntry> entries;
    entries.reserve(found_.size());
    for (CatalogueEntry* entry : found_) entries.push_back(std::move(*entry));
    return entries;
  }

  // The mark comes first: what changes while it is read is seen the next time.
  IndexRow read(const std::string& name) const {
    const int64_t now = now_ns();
    const Marked with_journal = mark_of(fd_.get(), name, true);
    IndexRow row;
    if (!with_journal.is_recording) return row;  // gone
    row.entry = read_entry(out_ / name);
    if (now - with_journal.newest_ns < config_.settled.count()) return row;
    row.mark = with_journal.mark;
    if (!is_unfinished(row.entry)) std::fill(row.mark.begin() + kJournalMark, row.mark.end(), 0);
    return row;
  }

  const fs::path& out_;
  const CatalogueConfig& config_;
  std::vector<std::string> names_;
  Descriptor fd_;
  std::vector<Marked> marks_;
  std::vector<std::string> changed_, gone_;
  std::vector<IndexRow> fresh_;         // what was read of them
  std::vector<CatalogueEntry*> found_;  // known or fresh
};

}  // namespace

Result<Catalogue> read_catalogue(const fs::path& out, const CatalogueConfig& config) {
  auto names = folder_names(out);
  if (!names) return tl::unexpected(names.error());
  return Refresh(out, config, std::move(*names)).run();
}

Result<fs::path> find_recording(const fs::path& out, const std::string& name) {
  auto names = folder_names(out);
  if (!names) return tl::unexpected(names.error());
  std::string wanted = name;
  while (wanted.size() > 1 && wanted.back() == '/') wanted.pop_back();  // a shell's completion
  std::erase_if(*names, [&](const std::string& n) { return !n.starts_with(wanted); });
  const Descriptor fd(open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::erase_if(*names,
                [&](const std::string& n) { return !mark_of(fd.get(), n, false).is_recording; });
  std::sort(names->begin(), names->end());
  if (wanted.empty() || names->empty())
    return fail(Code::kBadInput,
                fmt::format("{}: no recording is called \"{}\"", out.string(), printable(name)));
  if (names->size() == 1 || names->front() == wanted) return out / names->front();
  std::string list;
  constexpr size_t kMostListed = 20;
  for (size_t i = 0; i < std::min(names->size(), kMostListed); ++i)
    list += "\n  " + printable((*names)[i]);
  if (names->size() > kMostListed)
    list += fmt::format("\n  and {} more", names->size() - kMostListed);
  return fail(Code::kUsage, fmt::format("\"{}\" is the beginning of {} recordings:{}",
                                        printable(name), names->size(), list));
}

}  // namespace callbot::recordings
