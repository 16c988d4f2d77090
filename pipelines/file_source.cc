#include "pipelines/file_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace callbot::pipelines {
namespace {

// Enough for a disk that is slow for a moment, for a file that is opened again, and for streams
// that lie apart in it.
constexpr int64_t kAhead_ns = 1'000'000'000;
constexpr size_t kMostAhead = 2000;  // frames
// From the first listener on: the other streams' listeners come at nearly the same time.
constexpr int64_t kLead_ns = 100'000'000;
constexpr int64_t kMostLate_ns = 1'000'000'000;
constexpr int64_t kLiveLate_ns = 300'000'000;
// A key frame of the clip's own that comes so soon is worth no other: a round trip, about.
constexpr int64_t kKeySoon_ns = 150'000'000;
// So late there is no time to encode: sound is sent by the same thread.
constexpr int64_t kNoTime_ns = 100'000'000;

uint32_t ticks(int64_t ns, int clock) {
  // Whole seconds first: exact, and no overflow in a long run.
  const int64_t whole = ns / 1'000'000'000, rest = ns % 1'000'000'000;
  return static_cast<uint32_t>(
      whole * clock + (rest * clock + (rest < 0 ? -500'000'000 : 500'000'000)) / 1'000'000'000);
}

}  // namespace

struct FileSource::Stream {
  const Codec* codec = nullptr;
  std::unique_ptr<Packetizer> packetizer;
  std::unique_ptr<ClipRefresher> refresher;  // of pictures that are read ahead
  FanOut fan_out;
  uint32_t rtp_offset = g_random_int();
  // The thread's own: what is being sent.
  int64_t captured_ns = 0;
  bool key = false, begins = false;  // the next packet is its frame's first
  bool wait_for_key = false;         // pictures were left out
  // Held while a frame goes out; otherwise only set_stream_on() takes it, to be sure none does.
  std::mutex gate;
  bool on = true;
};

FileSource::FileSource(Loop& loop, Log log, std::unique_ptr<ClipReader> reader)
    : loop_(loop), log_(std::move(log)), reader_(std::move(reader)), pace_(reader_->pace()) {}

Result<std::unique_ptr<FileSource>> FileSource::create(Loop& loop, Log log,
                                                       std::unique_ptr<ClipReader> reader,
                                                       const FileSourceConfig& config) {
  std::unique_ptr<FileSource> made(new FileSource(loop, std::move(log), std::move(reader)));
  for (const ClipStream& clip : made->reader_->streams())
    if (auto added = made->add(clip, config); !added) return tl::unexpected(added.error());
  if (made->streams_.empty()) return fail(Code::kUsage, "a file source without streams");
  return made;
}

Result<> FileSource::add(const ClipStream& clip, const FileSourceConfig& config) {
  const Codec* codec = codec_by_name(clip.codec);
  if (codec == nullptr || codec->kind != clip.kind)
    return fail(Code::kUnsupported, fmt::format("{} cannot be sent here", clip.codec));
  const RtpIdentity rtp{usual_payload(*codec), g_random_int()};
  auto stream = std::make_unique<Stream>();
  stream->codec = codec;
  auto packetizer = Packetizer::create(
      *codec, rtp, clip,
      [this, to = stream.get()](auto buffer, bool last) { packet(*to, buffer, last); });
  if (!packetizer) return tl::unexpected(packetizer.error());
  stream->packetizer = std::move(*packetizer);
  if (config.refresher && clip.kind == MediaKind::kVideo && pace_ == Pace::kTimed)
    stream->refresher = config.refresher(clip);
  streams_.push_back(std::move(stream));
  const VideoEncoding size{clip.width, clip.height, clip.fps};
  offered_.push_back({clip.kind, clip.codec, rtp_caps(*codec, rtp, size), config.msid});
  return {};
}

FileSource::~FileSource() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  reader_->interrupt();
  if (thread_.joinable()) thread_.join();
}

Result<> FileSource::start() {
  if (thread_.joinable()) return {};
  thread_ = std::thread([this] { run(); });
  const std::lock_guard lock(mutex_);
  started_ = true;
  return {};
}

TapId FileSource::attach(size_t stream, Tap tap) {
  Stream& to = *streams_.at(stream);
  // What a listener gets first can be decoded.
  const bool gated = to.codec->kind == MediaKind::kVideo;
  const TapId id = to.fan_out.attach(
      [tap = std::move(tap), &to, waiting = gated](const GRef<GstBuffer>& packet) mutable {
        waiting = waiting && !(to.key && to.begins);
        if (!waiting) tap(packet);
      });
  if (gated) reader_->request_key_frame(stream);
  if (to.refresher) to.refresher->request_key_frame(true);
  const std::lock_guard lock(mutex_);
  listened_to_ = true;
  changed_.notify_all();
  return id;
}

void FileSource::detach(size_t stream, TapId tap) { streams_.at(stream)->fan_out.detach(tap); }

void FileSource::request_key_frame(size_t stream) {
  if (stream >= streams_.size()) return;
  reader_->request_key_frame(stream);
  if (const auto& refresher = streams_[stream]->refresher) refresher->request_key_frame(false);
  const std::lock_guard lock(mutex_);
  ++stats_.key_requests;
}

void FileSource::set_stream_on(size_t stream, bool on) {
  Stream& which = *streams_.at(stream);
  const std::lock_guard lock(which.gate);
  // What comes after a pause has to be decodable.
  if (on && !which.on && which.refresher) which.refresher->request_key_frame(true);
  which.on = on;
}

void FileSource::on_end(std::function<void(Result<>)> ended) {
  ended_ = std::move(ended);
  if (finished_ && ended_) std::exchange(ended_, nullptr)(*finished_);
}

FileSourceStats FileSource::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void FileSource::finish(Result<> how) {
  if (finished_) return;
  finished_ = std::move(how);
  if (ended_) std::exchange(ended_, nullptr)(*finished_);
}

void FileSource::run() {
  auto how = play();
  if (!how && how.error().code == Code::kInterrupted) return;
  loop_.post(alive_.guard([this, how] { finish(how); }));
}

// False: the clip is read to its end.
Result<bool> FileSource::read_one() {
  auto frame = reader_->next();
  if (!frame) return tl::unexpected(frame.error());
  all_read_ = !*frame;
  if (*frame) ahead_.emplace((*frame)->time_ns, std::move(**frame));
  return !all_read_;
}

Result<> FileSource::play() {
  const bool timed = pace_ == Pace::kTimed;
  const int64_t far = timed ? kAhead_ns : 0;
  const auto full = [&] {
    return ahead_.size() >= kMostAhead ||
           (!ahead_.empty() && ahead_.rbegin()->first - ahead_.begin()->first >= far);
  };
  if (auto first = read_one(); !first) return tl::unexpected(first.error());
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || listened_to_ || !timed; });
  }
  if (pace_ != Pace::kAtOnce) begin_ns_ = monotonic_ns() + kLead_ns;
  for (;;) {
    while (!all_read_ && !full())
      if (auto more = read_one(); !more) return tl::unexpected(more.error());
    if (ahead_.empty()) return {};
    ClipFrame frame = std::move(ahead_.extract(ahead_.begin()).mapped());
    catch_up(frame.time_ns);
    frame.time_ns += shift_ns_;
    if (!wait_until(begin_ns_ + frame.time_ns))
      return fail(Code::kInterrupted, "the source was stopped");
    Stream& stream = *streams_.at(frame.stream);
    if (stream.refresher) {
      frame = refreshed(stream, std::move(frame));
      if (frame.bytes.empty()) continue;
    }
    send(frame);
  }
}

bool FileSource::key_follows(const ClipFrame& frame) const {
  const auto end = ahead_.upper_bound(frame.time_ns + kKeySoon_ns);
  return std::any_of(ahead_.begin(), end, [&](const auto& next) {
    return next.second.stream == frame.stream && next.second.key;
  });
}

// Here and not where it is read: that is a second before.
ClipFrame FileSource::refreshed(Stream& stream, ClipFrame frame) {
  const bool late = monotonic_ns() - (begin_ns_ + frame.time_ns) > kNoTime_ns;
  const bool own = frame.key;
  ClipRefresher::Due due{.key_follows = key_follows(frame), .late = late};
  frame = stream.refresher->refresh(std::move(frame), due);
  if (frame.key && !own) {
    const std::lock_guard lock(mutex_);
    ++stats_.keys_made;
  }
  return frame;
}

// What comes while it happens may have been held up: the rest follows from now on.
void FileSource::catch_up(int64_t time_ns) {
  if (pace_ != Pace::kLive) return;
  const int64_t late = monotonic_ns() - (begin_ns_ + time_ns + shift_ns_);
  if (late > kLiveLate_ns) shift_ns_ += late;
}

bool FileSource::wait_until(int64_t due_ns) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now = monotonic_ns();
    if (pace_ == Pace::kAtOnce) return true;
    if (now >= due_ns) {
      stats_.most_late_ns = std::max(stats_.most_late_ns, now - due_ns);
      return true;
    }
    changed_.wait_for(lock, std::chrono::nanoseconds(due_ns - now));
  }
  return false;
}

void FileSource::send(const ClipFrame& frame) {
  Stream& stream = *streams_.at(frame.stream);
  stream.captured_ns = begin_ns_ + frame.time_ns;
  stream.key = frame.key;
  stream.begins = true;
  const bool late = pace_ != Pace::kAtOnce && monotonic_ns() - stream.captured_ns > kMostLate_ns;
  const std::lock_guard gate(stream.gate);
  if (!stream.on) {
    stream.wait_for_key = stream.codec->kind == MediaKind::kVideo;
    return;
  }
  stream.wait_for_key = late || (stream.wait_for_key && !frame.key);
  {
    const std::lock_guard lock(mutex_);
    ++(stream.wait_for_key ? stats_.left_out : stats_.frames);
    if (frame.key && !stream.wait_for_key) ++stats_.key_frames;
  }
  if (stream.wait_for_key) return;
  if (stream.fan_out.taps() == 0) return;
  const uint32_t time = stream.rtp_offset + ticks(frame.time_ns, stream.codec->clock);
  if (!stream.packetizer->push(frame.bytes, time, frame.key))
    log_.warn("a frame of {} bytes cannot be put into packets", frame.bytes.size());
}

void FileSource::packet(Stream& stream, const GRef<GstBuffer>& buffer, bool) {
  GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(stream.captured_ns);
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  stream.fan_out.push(buffer);
  stream.begins = false;
  const std::lock_guard lock(mutex_);
  ++stats_.packets;
}

}  // namespace callbot::pipelines
