#include "recordings/media_mender.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "recordings/codec_parameters.h"
#include "recordings/matroska_layout.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr const char* kPart = ".part";

uint64_t size_of(const fs::path& path) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  return missing ? 0 : size;
}

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

std::string text_of(const MendedFile& f) {
  switch (f.what) {
    case Mended::kWhole:
      return f.touched ? fmt::format("{} frames, whole", f.frames) : "whole";
    case Mended::kMended: {
      std::string text = fmt::format("{} frames kept", f.frames);
      if (f.unusable > 0) text += fmt::format(", {} bytes not usable", f.unusable);
      if (f.missing_ns > 0)
        text += fmt::format(", {:.3f} s missing", static_cast<double>(f.missing_ns) / 1e9);
      return text;
    }
    case Mended::kSwapped:
      return "was swapped with another file; put back";
    case Mended::kChanged:
      return "is not what was written (its checksum or size differs); left as it is";
    case Mended::kUnreadable:
      return fmt::format("no frame could be read, {} bytes not usable", f.unusable);
    case Mended::kEmpty:
      return "holds no frame";
    case Mended::kMissing:
      return "is not there as a file";
  }
  return "";
}

}  // namespace

const char* name_of(Mended what) {
  switch (what) {
    case Mended::kWhole:
      return "whole";
    case Mended::kMended:
      return "mended";
    case Mended::kSwapped:
      return "swapped";
    case Mended::kChanged:
      return "changed";
    case Mended::kUnreadable:
      return "unreadable";
    case Mended::kEmpty:
      return "empty";
    case Mended::kMissing:
      return "missing";
  }
  return "";
}

std::string free_name_in_damaged(const fs::path& folder, const std::string& file) {
  std::error_code error;
  fs::create_directories(folder / "damaged", error);
  const fs::path name = fs::path(file).filename();
  for (int n = 1;; ++n) {
    auto to = "damaged/" +
              (n == 1 ? name.string()
                      : fmt::format("{}-{}{}", name.stem().string(), n, name.extension().string()));
    if (!fs::exists(folder / to, error)) return to;
  }
}

std::string move_aside(const fs::path& folder, const std::string& file) {
  const auto to = free_name_in_damaged(folder, file);
  std::error_code error;
  fs::rename(folder / file, folder / to, error);
  if (error) return "";
  for (const fs::path& changed : {folder / "damaged", (folder / file).parent_path(), folder})
    (void)sync_path(changed);
  return to;
}

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
  bool done = false;
};

MediaMender::MediaMender(fs::path folder, Manifest manifest, bool adopt)
    : folder_(std::move(folder)), manifest_(std::move(manifest)) {
  if (adopt) adopt_unknown();
  waiting_.assign(manifest_.media.begin(), manifest_.media.end());
  for (const MediaFileFacts& f : waiting_) all_bytes_ += size_of(folder_ / f.path);
}

MediaMender::~MediaMender() {
  if (job_ == nullptr || !job_->remux || !job_->replaces) return;
  std::error_code ignored;
  fs::remove(fs::path(job_->path).concat(kPart), ignored);
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

// What is there, and what must be looked at more closely.
Result<> MediaMender::begin(Job& job) {
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
      if (!done) return done;
      if (!*done) return false;
      return remuxed(job);
    }
  }
  return true;
}

Result<bool> MediaMender::examine(Job& job) {
  const auto layout = read_layout(job.path);
  if (!layout) return tl::unexpected(layout.error());
  MendedFile& r = job.report;
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
  job.replaces = !layout->closed;
  auto remux = Remux::open(job.path, job.replaces ? fs::path(job.path).concat(kPart) : fs::path(),
                           [this, &job](const RemuxedPacket& p) {
                             ++job.report.frames;
                             job.report.duration_ns =
                                 std::max(job.report.duration_ns, p.time_ms * kMillisecond);
                             count(job.facts, p);
                           });
  if (!remux && remux.error().code == Code::kStorage) {
    std::error_code ignored;
    fs::remove(fs::path(job.path).concat(kPart), ignored);
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
  const fs::path part = fs::path(job.path).concat(kPart);
  std::error_code error;
  if (r.frames == 0) {
    if (job.replaces) fs::remove(part, error);
    r.what = r.unusable > 0 ? Mended::kUnreadable : Mended::kEmpty;
    if (r.unusable > 0) r.moved_to = move_aside(folder_, r.file);
    r.touched = !r.moved_to.empty();
    return true;
  }
  r.touched = true;
  if (job.replaces) {
    r.what = Mended::kMended;
    r.missing_ns = std::max<int64_t>(known_duration(manifest_, job.facts) - r.duration_ns, 0);
    if (r.unusable > 0) {
      r.moved_to = move_aside(folder_, r.file);
      if (r.moved_to.empty())
        return fail(Code::kStorage, job.path.string() + ": cannot be moved into damaged/");
    }
    fs::rename(part, job.path, error);
    if (error) return fail(Code::kStorage, part.string() + ": cannot rename: " + error.message());
    if (auto synced = sync_path(job.path.parent_path()); !synced)
      return tl::unexpected(synced.error());
  }
  job.hash.emplace(job.path);
  job.stage = Job::Stage::kHash;
  return false;
}

void MediaMender::finish(Job& job) {
  MendedFile& r = job.report;
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
  for (MendedFile& f : done_) f.text = text_of(f);
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
