#include "recordings/media_mender.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "base/clock.h"
#include "recordings/aside.h"
#include "recordings/codec_parameters.h"
#include "recordings/matroska_layout.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

// What the journal said last of a file that it never closed.
int64_t known_duration(const Manifest& m, const MediaFileFacts& file) {
  if (file.duration_ns) return *file.duration_ns;
  int64_t last = 0;
  for (const Track& t : m.tracks) {
    for (const Gap& gap : t.gaps) last = gap.file == file.path ? std::max(last, gap.to_ns) : last;
    for (const Size& s : t.sizes) last = s.file == file.path ? std::max(last, s.time_ns) : last;
  }
  return last;
}

// With what the index and everything else that is written may take.
bool has_space_for_copy(const fs::path& file) {
  constexpr uint64_t kBeside = 1u << 20;
  const auto free = free_space(file.parent_path());
  return !free || *free >= size_of(file) + kBeside;
}

Result<std::string> read_from(const fs::path& file, uint64_t from) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(from));
  std::string bytes(size_of(file) - from, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!in) return fail(Code::kStorage, file.string() + ": cannot read");
  return bytes;
}

// Of a sealed file whose head is gone nothing can be read, whatever is behind it.
Result<MatroskaLayout> look_into(const fs::path& path) {
  auto layout = read_layout(path);
  if (layout || layout.error().code != Code::kBadInput) return layout;
  return MatroskaLayout{.unusable = size_of(path)};
}

}  // namespace

struct MediaMender::Kept {
  uint64_t frames = 0, key_frames = 0, bytes = 0;
};

struct MediaMender::Job {
  enum class Stage { kBegin, kCompare, kExamine, kName, kRemux, kHash };
  Stage stage = Stage::kBegin;
  MediaFileFacts facts;
  fs::path path;
  MendedFile report;
  std::optional<FileHash> hash;
  std::string sum;
  std::unique_ptr<Remux> remux;
  bool replaces = false;
  MatroskaLayout layout = {};
  std::optional<std::map<TrackId, Kept>> kept_before = {};
  bool has_original = false;  // of a mending that was killed
  bool done = false;
};

MediaMender::MediaMender(fs::path folder, Manifest manifest, bool adopt, Locked locked)
    : folder_(std::move(folder)), manifest_(std::move(manifest)), locked_(locked) {
  if (adopt) adopt_unknown();
  waiting_.assign(manifest_.media.begin(), manifest_.media.end());
  for (const MediaFileFacts& f : waiting_) all_bytes_ += size_of(folder_ / f.path);
}

MediaMender::~MediaMender() {
  if (job_ && job_->remux && job_->replaces) remove_part(job_->path);
}

Result<bool> MediaMender::step() {
  if (job_ == nullptr) {
    if (waiting_.empty()) {
      put_back_swapped();
      return true;
    }
    job_ = std::make_unique<Job>();
    job_->facts = std::move(waiting_.front());
    waiting_.pop_front();
    job_->path = folder_ / job_->facts.path;
    job_->report.file = job_->facts.path;
  }
  auto done = step(*job_);
  if (!done) return done;
  if (*done) finish(*std::exchange(job_, nullptr));
  return false;
}

double MediaMender::share() const {
  if (all_bytes_ == 0) return job_ == nullptr && waiting_.empty() ? 1 : 0;
  auto done = static_cast<double>(done_bytes_);
  if (job_ && job_->remux) done += job_->remux->share() * static_cast<double>(size_of(job_->path));
  return std::min(done / static_cast<double>(all_bytes_), 1.0);
}

// What a mending that was killed has left of the file.
Result<> MediaMender::recover(Job& job) {
  std::error_code missing;
  if (const auto moved = moved_by_a_killed_one(folder_, job.path); !moved.empty())
    return put_back(moved, job.path);
  const fs::path original = original_of(job.path);
  if (!fs::exists(original, missing)) return {};
  if (fs::equivalent(original, job.path, missing)) {
    fs::remove(original, missing);
    return {};
  }
  job.has_original = !job.facts.sha256.empty() && job.facts.bytes == size_of(job.path);
  return job.has_original ? Result<>() : put_back(original, job.path);
}

// What is there, and what must be looked at more closely.
Result<> MediaMender::begin(Job& job) {
  if (auto recovered = recover(job); !recovered) return recovered;
  std::error_code missing;
  MendedFile& r = job.report;
  if (!fs::is_regular_file(fs::symlink_status(job.path, missing)) ||
      fs::is_symlink(job.path.parent_path(), missing)) {
    r.what = Mended::kMissing;
    job.done = true;
    return {};
  }
  const uint64_t size = size_of(job.path);
  if (size == 0) {
    r.what = Mended::kEmpty;
    job.done = true;
    return {};
  }
  const bool hashed = !job.facts.sha256.empty() && job.facts.bytes == size;
  job.stage = hashed ? Job::Stage::kCompare : Job::Stage::kExamine;
  if (hashed) job.hash.emplace(job.path);
  return {};
}

Result<bool> MediaMender::step(Job& job) {
  using Stage = Job::Stage;
  switch (job.stage) {
    case Stage::kBegin:
      return begin(job).map([&] { return job.done; });
    case Stage::kCompare:
    case Stage::kName:
    case Stage::kHash: {
      auto sum = job.hash->step();
      if (!sum) return tl::unexpected(sum.error());
      if (sum->empty()) return false;
      job.sum = *sum;
      if (job.stage != Stage::kCompare || job.sum == job.facts.sha256) return true;
      job.stage = Stage::kExamine;
      return false;
    }
    case Stage::kExamine:
      return examine(job);
    case Stage::kRemux: {
      auto done = job.remux->step();
      if (!done && done.error().code == Code::kStorage && job.replaces && goes_in_place(job)) {
        job.remux.reset();
        remove_part(job.path);
        return open_remux(job);  // again, in place
      }
      if (!done) return done;
      if (!*done) return false;
      return remuxed(job);
    }
  }
  return true;
}

Result<bool> MediaMender::examine(Job& job) {
  if (std::exchange(job.has_original, false)) {
    if (auto back = put_back(original_of(job.path), job.path); !back)
      return tl::unexpected(back.error());
  }
  const auto layout = look_into(job.path);
  MendedFile& r = job.report;
  if (!layout && layout.error().code == Code::kDenied && locked_ == Locked::kLeave) {
    r.what = Mended::kSealed;
    return true;
  }
  if (!layout) return tl::unexpected(layout.error());
  r.unusable = layout->unusable;
  const bool known = job.facts.duration_ns.has_value();
  if (layout->closed && known) {
    if (job.facts.sha256.empty() && job.facts.bytes == size_of(job.path)) return true;
    r.what = Mended::kChanged;
    if (!job.sum.empty()) return true;
    job.hash.emplace(job.path);
    job.stage = Job::Stage::kName;
    return false;
  }
  job.layout = *layout;
  return open_remux(job);
}

bool MediaMender::goes_in_place(const Job& job) {
  return job.layout.frames > 0 && job.layout.cuttable && !has_space_for_copy(job.path);
}

Result<bool> MediaMender::open_remux(Job& job) {
  // What an earlier try counted does not count.
  if (job.kept_before) kept_ = *job.kept_before;
  job.kept_before = kept_;
  job.report.frames = 0;
  job.report.duration_ns = 0;
  const bool mends = !job.layout.closed;
  job.report.in_place = mends && goes_in_place(job);
  job.replaces = mends && !job.report.in_place;
  RemuxConfig remuxing{.from = job.path, .blank = job.layout.harmed};
  if (is_sealed(job.path)) remuxing.seal_to = sealed_to(job.path);
  if (job.replaces) remuxing.to = part_of(job.path);
  auto remux = Remux::open(remuxing, [this, &job](const RemuxedPacket& p) {
    ++job.report.frames;
    job.report.duration_ns = std::max(job.report.duration_ns, p.time_ms * kMillisecond);
    count(job.facts, p);
  });
  if (!remux && remux.error().code == Code::kStorage) {
    remove_part(job.path);
    return tl::unexpected(remux.error());
  }
  if (!remux) return remuxed(job);  // not one frame
  job.remux = std::move(*remux);
  job.stage = Job::Stage::kRemux;
  return false;
}

Result<bool> MediaMender::remuxed(Job& job) {
  MendedFile& r = job.report;
  job.remux.reset();
  if (r.frames == 0) {
    if (job.replaces) remove_part(job.path);
    r.what = r.unusable > 0 ? Mended::kUnreadable : Mended::kEmpty;
    if (r.unusable == 0) return true;
    r.moved_to = free_name_in_damaged(folder_, r.file);
    asides_.push_back({job.path, r.moved_to});
    r.touched = true;
    return true;
  }
  r.touched = true;
  if (r.in_place || job.replaces) {
    r.what = Mended::kMended;
    r.missing_ns = std::max<int64_t>(known_duration(manifest_, job.facts) - r.duration_ns, 0);
    const auto done = r.in_place ? finish_in_place(job) : replace(job);
    if (!done) return tl::unexpected(done.error());
  }
  job.hash.emplace(job.path);
  job.stage = Job::Stage::kHash;
  return false;
}

Result<> MediaMender::replace(Job& job) {
  if (auto kept = keep_original(job.path); !kept) return kept;
  MendedFile& r = job.report;
  if (r.unusable > 0) r.moved_to = free_name_in_damaged(folder_, r.file);
  asides_.push_back({original_of(job.path), r.moved_to});
  return put_back(part_of(job.path), job.path);
}

// What is cut off goes into damaged/ first, under the place it was at: again the same after a kill.
// In a sealed file it stays.
Result<> MediaMender::finish_in_place(Job& job) {
  if (is_sealed(job.path)) return cut_in_place(job.path, job.layout);
  const uint64_t from = job.layout.whole_to;
  const uint64_t size = size_of(job.path);
  if (job.report.unusable > 0) {
    auto tail = read_from(job.path, from);
    if (!tail) return tl::unexpected(tail.error());
    if (auto made = make_folder(folder_ / "damaged"); !made) return made;
    job.report.moved_to = fmt::format("damaged/{}.from-{}", job.path.filename().string(), from);
    if (auto kept = write_atomically(folder_ / job.report.moved_to, *tail); !kept) return kept;
  }
  if (size == from && job.layout.too_long.empty()) return {};
  return cut_in_place(job.path, job.layout);
}

Result<bool> MediaMender::settle() {
  std::set<fs::path> changed;
  for (const Aside& aside : std::exchange(asides_, {})) {
    std::error_code error;
    if (aside.to.empty())
      fs::remove(aside.from, error);
    else
      fs::rename(aside.from, folder_ / aside.to, error);
    if (error)
      return fail(Code::kStorage,
                  aside.from.string() + ": cannot be moved into damaged/: " + error.message());
    changed.insert({aside.from.parent_path(), folder_ / "damaged", folder_});
  }
  for (const fs::path& path : changed) {
    std::error_code missing;
    if (!fs::exists(path, missing)) continue;
    if (auto synced = sync_path(path); !synced) return tl::unexpected(synced.error());
  }
  return !changed.empty();
}

void MediaMender::finish(Job& job) {
  MendedFile& r = job.report;
  if (job.has_original) {  // and what took its place is known
    const auto layout = read_layout(original_of(job.path));
    const bool usable = layout && layout->unusable == 0;
    r.moved_to = usable ? "" : free_name_in_damaged(folder_, r.file);
    asides_.push_back({original_of(job.path), r.moved_to});
  }
  if (job.stage == Job::Stage::kHash) {
    const auto bytes = size_of(job.path);
    closed_.push_back({.kind = EventKind::kFileClosed,
                       .reason = "repaired",
                       .duration_ns = r.duration_ns,
                       .file = r.file,
                       .bytes = bytes,
                       .sha256 = job.sum});
  } else if (job.facts.duration_ns && r.what == Mended::kWhole) {
    r.duration_ns = *job.facts.duration_ns;
  }
  if (r.what == Mended::kUnreadable || r.what == Mended::kEmpty || r.what == Mended::kMissing)
    r.missing_ns = known_duration(manifest_, job.facts);
  if (r.what == Mended::kChanged) r.text = job.sum;  // put_back_swapped() looks for it
  end_ns_ = std::max(end_ns_, job.facts.offset_ns + r.duration_ns);
  done_bytes_ += size_of(job.path);
  done_.push_back(std::move(r));
}

// Two files that hold what the manifest says of each other.
void MediaMender::put_back_swapped() {
  const auto expected = [this](const MendedFile& f) -> const std::string& {
    return manifest_.file(f.file)->sha256;
  };
  for (MendedFile& a : done_) {
    if (a.what != Mended::kChanged) continue;
    for (MendedFile& b : done_) {
      if (&a == &b || b.what != Mended::kChanged || a.text != expected(b) || b.text != expected(a))
        continue;
      if (renameat2(AT_FDCWD, (folder_ / a.file).c_str(), AT_FDCWD, (folder_ / b.file).c_str(),
                    RENAME_EXCHANGE) != 0)
        continue;
      (void)sync_path((folder_ / a.file).parent_path());
      for (MendedFile* f : {&a, &b}) {
        f->what = Mended::kSwapped;
        f->touched = true;
      }
      break;
    }
  }
  for (MendedFile& f : done_) f.text = to_text(f);
}

// --- what was kept of each track

TrackId MediaMender::track_of(const MediaFileFacts& file, const RemuxedPacket& packet) const {
  const auto index = static_cast<size_t>(packet.stream);
  if (index >= file.streams.size()) return 0;
  const StreamFacts& stream = file.streams[index];
  const auto of_another_stream = [&](TrackId id) {
    return std::any_of(file.streams.begin(), file.streams.end(),
                       [&](const StreamFacts& s) { return &s != &stream && s.track == id; });
  };
  // A new SSRC goes on in the stream of the one before it.
  TrackId found = stream.track;
  const int64_t at = file.offset_ns + packet.time_ms * kMillisecond;
  for (const Track& t : manifest_.tracks) {
    if (t.id > found && t.participant == file.participant && t.media == stream.media &&
        t.codec == stream.codec && t.from_ns <= at && !of_another_stream(t.id))
      found = t.id;
  }
  return found;
}

void MediaMender::count(const MediaFileFacts& file, const RemuxedPacket& packet) {
  Kept& kept = kept_[track_of(file, packet)];
  ++kept.frames;
  kept.key_frames += packet.key ? 1 : 0;
  kept.bytes += packet.bytes;
}

std::vector<Event> MediaMender::events() const {
  std::vector<Event> all = adopted_;
  for (const Track& t : manifest_.tracks) {
    const auto kept = kept_.find(t.id);
    // One that was reopened has an end, and yet nobody counted its frames.
    const bool uncounted = t.frames == 0 && kept != kept_.end();
    if (t.to_ns && !uncounted) continue;
    const Kept k = kept == kept_.end() ? Kept() : kept->second;
    all.push_back({.kind = EventKind::kTrackEnded,
                   .wall_ns = t.to_ns ? manifest_.started_wall_ns + *t.to_ns : 0,
                   .track = t.id,
                   .bytes = k.bytes,
                   .frames = k.frames,
                   .key_frames = k.key_frames});
  }
  all.insert(all.end(), closed_.begin(), closed_.end());
  for (const MendedFile& f : done_) {
    if (!f.touched || f.what == Mended::kWhole) continue;
    std::string text = fmt::format("repair: {}: {}", f.file, f.text);
    if (!f.moved_to.empty()) text += ", moved to " + f.moved_to;
    all.push_back({.kind = EventKind::kNote, .text = std::move(text)});
  }
  return all;
}

}  // namespace callbot::recordings
