#include "pipelines/recorder.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "pipelines/pauses.h"

namespace callbot::pipelines {
namespace {

constexpr int64_t kAskAgainNs = 1'000'000'000;
// After a pause somebody looks forward to the picture; the track asks upstream once a second.
constexpr int64_t kAskAfterPauseNs = 200'000'000;

// What waits for the writer, in the order it came.
struct Begin {
  TrackInfo track;
};
struct End {
  TrackId track;
};
struct Overflow {
  TrackId track;
  uint64_t dropped;
};
struct Write {
  TrackId track;
  Frame frame;
};
using Step = std::variant<Write, Begin, End, Overflow>;

struct OpenTrack {
  TrackId id;
  bool video;
  std::string participant;
  bool waits_for_key = false;
  bool was_paused = false;  // that is why it waits
  uint64_t dropped = 0;     // not yet told to the writer
  int64_t asked_ns = 0;
};

}  // namespace

struct Recorder::Shared : std::enable_shared_from_this<Recorder::Shared> {
  Shared(Loop& l, Log g, std::unique_ptr<FrameWriter> w, Events e, RecorderConfig c)
      : loop(l), log(std::move(g)), writer(std::move(w)), events(std::move(e)), config(c) {}

  // --- loop and streaming threads
  void take(TrackId id, const Frame& frame);
  void drop(OpenTrack& track);
  void ask_for_key_frame(OpenTrack& track, int64_t every_ns);
  OpenTrack* find(TrackId id);
  void push_overflow(OpenTrack& track);

  // --- the pool's threads
  bool turn();
  Result<> write_all();
  Result<> perform(Step& step);
  void finish(Result<> so_far);
  void stop_taking();

  // --- loop
  void answer();

  Loop& loop;
  const Log log;
  const std::unique_ptr<FrameWriter> writer;  // one thread of the pool at a time
  const Events events;
  const RecorderConfig config;

  // This recording's alone; held to put a frame in, or to take out all that came.
  mutable std::mutex mutex;
  std::vector<Step> steps;
  std::vector<OpenTrack> tracks;
  Pauses pauses;
  bool taking = true;
  bool draining = false;

  std::atomic<uint64_t> waiting_bytes{0}, waiting_frames{0}, most_waiting_bytes{0};
  std::atomic<uint64_t> frames{0}, bytes{0}, dropped{0};

  // The turn's own.
  std::vector<Step> batch;
  std::vector<TrackId> begun;

  // The loop's own.
  bool gone = false;
  bool finished = false;
  Result<> result;
  std::vector<Done> waiting;
};

OpenTrack* Recorder::Shared::find(TrackId id) {
  for (OpenTrack& track : tracks)
    if (track.id == id) return &track;
  return nullptr;
}

void Recorder::Shared::push_overflow(OpenTrack& track) {
  if (track.dropped > 0) steps.emplace_back(Overflow{track.id, std::exchange(track.dropped, 0)});
}

void Recorder::Shared::drop(OpenTrack& track) {
  ++track.dropped;
  dropped.fetch_add(1, std::memory_order_relaxed);
  if (!track.video) return;
  track.waits_for_key = true;
  track.was_paused = false;
  ask_for_key_frame(track, kAskAgainNs);
}

void Recorder::Shared::ask_for_key_frame(OpenTrack& track, int64_t every_ns) {
  const int64_t now = monotonic_ns();
  if (track.asked_ns != 0 && now - track.asked_ns < every_ns) return;
  track.asked_ns = now;
  loop.post([self = shared_from_this(), id = track.id] {
    if (!self->gone && self->events.needs_key_frame) self->events.needs_key_frame(id);
  });
}

void Recorder::Shared::take(TrackId id, const Frame& frame) {
  std::lock_guard lock(mutex);
  OpenTrack* track = taking ? find(id) : nullptr;
  if (track == nullptr) return;
  if (pauses.cover(track->participant, frame.first_arrival_ns, frame.last_arrival_ns)) {
    track->waits_for_key = track->was_paused = track->video;
    return;
  }
  if (track->was_paused && !frame.key) return ask_for_key_frame(*track, kAskAfterPauseNs);
  const uint64_t size = frame.bytes.size();
  const bool full = waiting_bytes.load(std::memory_order_relaxed) + size > config.most_bytes ||
                    waiting_frames.load(std::memory_order_relaxed) >= config.most_frames;
  if (full || (track->waits_for_key && !frame.key)) return drop(*track);
  const bool gap = frame.after_gap || track->dropped > 0;
  track->waits_for_key = track->was_paused = false;
  push_overflow(*track);
  steps.emplace_back(Write{id, frame});
  std::get<Write>(steps.back()).frame.after_gap = gap;
  waiting_frames.fetch_add(1, std::memory_order_relaxed);
  const uint64_t now_waiting = waiting_bytes.fetch_add(size, std::memory_order_relaxed) + size;
  if (now_waiting > most_waiting_bytes.load(std::memory_order_relaxed))
    most_waiting_bytes.store(now_waiting, std::memory_order_relaxed);
}

bool Recorder::Shared::turn() {
  bool last = false;
  {
    std::lock_guard lock(mutex);
    for (OpenTrack& track : tracks) push_overflow(track);
    batch.swap(steps);  // both keep their room for the next time
    last = draining;
  }
  Result<> written = write_all();
  batch.clear();
  if (written && !last) return true;
  finish(std::move(written));
  return false;
}

Result<> Recorder::Shared::write_all() {
  for (Step& step : batch)
    if (auto done = perform(step); !done) return done;
  return begun.empty() ? Result<>() : writer->beat();
}

Result<> Recorder::Shared::perform(Step& step) {
  if (auto* write = std::get_if<Write>(&step)) {
    const uint64_t size = write->frame.bytes.size();
    auto done = writer->write(write->track, write->frame);
    write->frame = {};
    waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
    waiting_frames.fetch_sub(1, std::memory_order_relaxed);
    if (!done) return done;
    frames.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(size, std::memory_order_relaxed);
    return {};
  }
  if (auto* begin = std::get_if<Begin>(&step)) {
    begun.push_back(begin->track.id);
    return writer->begin_track(begin->track);
  }
  if (auto* end = std::get_if<End>(&step)) {
    std::erase(begun, end->track);
    return writer->end_track(end->track);
  }
  const auto& overflow = std::get<Overflow>(step);
  writer->overflow(overflow.track, overflow.dropped);
  return {};
}

void Recorder::Shared::stop_taking() {
  std::lock_guard lock(mutex);
  taking = false;
  steps.clear();
  waiting_bytes = 0;
  waiting_frames = 0;
}

void Recorder::Shared::finish(Result<> so_far) {
  stop_taking();
  const bool failed = !so_far.has_value();
  for (const TrackId id : begun)
    if (so_far) so_far = writer->end_track(id);
  Result<> closed = writer->finish();
  if (so_far && !closed) so_far = std::move(closed);
  loop.post([self = shared_from_this(), failed, how = std::move(so_far)]() mutable {
    self->result = std::move(how);
    self->finished = true;
    if (self->gone) return;
    if (failed) {
      self->log.error("recording ended: {}", self->result.error().message);
      if (self->events.failed) self->events.failed(self->result.error());
    }
    if (!self->gone) self->answer();
  });
}

void Recorder::Shared::answer() {
  for (Done& done : std::exchange(waiting, {})) done(result);
}

Recorder::Recorder(Loop& loop, Log log, WriterPool& pool, std::unique_ptr<FrameWriter> writer,
                   Events events, RecorderConfig config)
    : shared_(std::make_shared<Shared>(loop, std::move(log), std::move(writer), std::move(events),
                                       config)) {
  pool.join([shared = shared_] { return shared->turn(); });
}

Recorder::~Recorder() {
  shared_->gone = true;
  std::lock_guard lock(shared_->mutex);
  shared_->draining = true;
}

void Recorder::add_track(const TrackInfo& track) {
  std::lock_guard lock(shared_->mutex);
  if (!shared_->taking || shared_->draining || shared_->find(track.id) != nullptr) return;
  shared_->tracks.push_back({track.id, track.kind == MediaKind::kVideo, track.participant});
  shared_->steps.emplace_back(Begin{track});
}

void Recorder::frame(TrackId track, const Frame& frame) { shared_->take(track, frame); }

void Recorder::remove_track(TrackId track) {
  std::lock_guard lock(shared_->mutex);
  OpenTrack* open = shared_->find(track);
  if (open == nullptr) return;
  shared_->push_overflow(*open);
  std::erase_if(shared_->tracks, [&](const OpenTrack& one) { return one.id == track; });
  if (shared_->taking) shared_->steps.emplace_back(End{track});
}

int64_t Recorder::pause(const std::string& participant) {
  std::lock_guard lock(shared_->mutex);
  const int64_t now = monotonic_ns();
  shared_->pauses.begin(participant, now);
  return now;
}

int64_t Recorder::resume(const std::string& participant) {
  std::vector<TrackId> videos;
  int64_t now = 0;
  {
    std::lock_guard lock(shared_->mutex);
    now = monotonic_ns();
    shared_->pauses.end(participant, now);
    for (OpenTrack& track : shared_->tracks) {
      const bool resumes = participant.empty() || track.participant == participant;
      if (!track.video || !resumes || shared_->pauses.cover(track.participant, now, now)) continue;
      track.asked_ns = now;
      videos.push_back(track.id);
    }
  }
  for (const TrackId id : videos)
    if (shared_->events.needs_key_frame) shared_->events.needs_key_frame(id);
  return now;
}

void Recorder::drain(Done done) {
  Shared& shared = *shared_;
  if (shared.finished) {
    shared.loop.post([self = shared_, done = std::move(done)] {
      if (!self->gone) done(self->result);
    });
    return;
  }
  shared.waiting.push_back(std::move(done));
  std::lock_guard lock(shared.mutex);
  shared.draining = true;
}

RecorderStats Recorder::stats() const {
  return {.frames = shared_->frames,
          .bytes = shared_->bytes,
          .frames_dropped = shared_->dropped,
          .waiting_bytes = shared_->waiting_bytes,
          .waiting_frames = shared_->waiting_frames,
          .most_waiting_bytes = shared_->most_waiting_bytes};
}

}  // namespace callbot::pipelines
