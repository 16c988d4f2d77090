#include "feeds/gop_refresher.h"

#include <algorithm>
#include <utility>

#include "base/picture_limits.h"
#include "feeds/media_facts.h"

namespace callbot::feeds {
namespace {

// One key frame serves everybody who asked meanwhile, as with live encoders.
constexpr int64_t kKeyFrameInterval_ns = 300'000'000;
// Who asks had not seen it yet: it was under way, or the request was.
constexpr int64_t kJustGone_ns = 150'000'000;
// There is a key frame among them, which has the most bits.
constexpr int64_t kMeasured_ns = kMostKeyDistance_ns;
constexpr int64_t kShortest_ns = 1'000'000'000;
// Two seconds of kMostBitrate, and more.
constexpr size_t kMostGroupBytes = 64'000'000;

}  // namespace

GopRefresher::GopRefresher(Log log, const ClipStream& stream)
    : log_(std::move(log)), stream_(stream) {}

GopRefresher::~GopRefresher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (worker_.joinable()) worker_.join();
}

void GopRefresher::request_key_frame(bool newcomer) {
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  newcomer_ = newcomer_ || newcomer;
}

bool GopRefresher::ready() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kRecoding || (state_ == State::kCatchingUp && caught_up());
}

bool GopRefresher::hopeless() const {
  const std::lock_guard lock(mutex_);
  return hopeless_;
}

ClipFrame GopRefresher::refresh(ClipFrame frame, const Due& due) {
  std::unique_lock lock(mutex_);
  measure(frame);
  if (frame.key) {
    begin_group(frame);
    return frame;
  }
  if (state_ == State::kSilent) return {.stream = frame.stream, .time_ns = frame.time_ns};
  const bool key = wanted_at(frame) && !due.key_follows;
  if (state_ == State::kCatchingUp && key && !due.late && caught_up()) {
    state_ = State::kRecoding;
    group_.clear();
  }
  if (state_ == State::kRecoding) return recode(std::move(frame), key, lock, due.late);

  if (hopeless_ || group_.empty()) return frame;
  group_bytes_ += frame.bytes.size();
  group_.push_back(std::make_shared<const ClipFrame>(frame));
  if (group_bytes_ > kMostGroupBytes)
    give_up({Code::kBadInput, "its key frames are too far apart"});
  else if (state_ == State::kCatchingUp)
    changed_.notify_all();
  else if (key)
    catch_up();
  return frame;
}

void GopRefresher::measure(const ClipFrame& frame) {
  newest_.push_back({frame.time_ns, frame.bytes.size(), frame.key});
  newest_bytes_[frame.key ? 1 : 0] += frame.bytes.size();
  while (frame.time_ns - newest_.front().time_ns >= kMeasured_ns) {
    newest_bytes_[newest_.front().key ? 1 : 0] -= newest_.front().bytes;
    newest_.pop_front();
  }
}

int GopRefresher::bitrate() const {
  const int64_t span_ns = newest_.back().time_ns - newest_.front().time_ns;
  const auto rate = [&](size_t bytes, int64_t shortest_ns) {
    return static_cast<double>(bytes) * 8e9 / static_cast<double>(std::max(span_ns, shortest_ns));
  };
  // At the very beginning one key frame does not stand for a rate.
  const double all =
      rate(newest_bytes_[0], kKeyFrameInterval_ns) + rate(newest_bytes_[1], kShortest_ns);
  return static_cast<int>(std::min<double>(all, kMostBitrate));
}

void GopRefresher::begin_group(const ClipFrame& key) {
  ++groups_;
  state_ = State::kPassing;
  wanted_ = newcomer_ = false;
  key_ns_ = key.time_ns;
  recoder_.reset();
  decoded_ = 0;
  group_.clear();
  hopeless_ = unsupported_;
  if (hopeless_) return;
  group_.push_back(std::make_shared<const ClipFrame>(key));
  group_bytes_ = key.bytes.size();
}

bool GopRefresher::wanted_at(const ClipFrame& frame) {
  const int64_t since_ns = frame.time_ns - key_ns_;
  if (!newcomer_ && since_ns < kJustGone_ns) wanted_ = false;
  return wanted_ && since_ns >= kKeyFrameInterval_ns;
}

bool GopRefresher::caught_up() const {
  return !busy_ && decoded_ == group_.size() && recoder_ && recoder_->opened();
}

void GopRefresher::catch_up() {
  state_ = State::kCatchingUp;
  if (!worker_.joinable()) worker_ = std::thread([this] { work(); });
  changed_.notify_all();
}

void GopRefresher::give_up(const Error& error) {
  if (!std::exchange(warned_, true))
    log_.warn("{}: key frames that are asked for come only with the clip's own: {}", stream_.codec,
              error.message);
  state_ = state_ == State::kRecoding ? State::kSilent : State::kPassing;
  hopeless_ = true;
  unsupported_ = unsupported_ || error.code == Code::kUnsupported;
  recoder_.reset();
  group_.clear();
}

// On the sender's thread.
ClipFrame GopRefresher::recode(ClipFrame frame, bool key, std::unique_lock<std::mutex>& lock,
                               bool late) {
  ClipFrame instead{.stream = frame.stream, .time_ns = frame.time_ns};
  const auto recoder = recoder_;
  lock.unlock();
  const auto shown = recoder->decode(frame.bytes);
  Result<ClipFrame> made = ClipFrame{};
  if (shown && *shown && !late) made = recoder->encode(frame.time_ns, key);
  lock.lock();
  if (!shown || !made) {
    give_up(!shown ? shown.error() : made.error());
    return instead;
  }
  instead.bytes = std::move(made->bytes);
  instead.key = made->key;
  if (instead.key) {
    wanted_ = newcomer_ = false;
    key_ns_ = frame.time_ns;
  }
  return instead;
}

void GopRefresher::work() {
  std::unique_lock lock(mutex_);
  const auto behind = [&] { return state_ == State::kCatchingUp && decoded_ < group_.size(); };
  while (!stopping_) {
    if (!behind())
      changed_.wait(lock);
    else
      work_on(lock);
  }
}

// The next frame of the group. The sender may begin another group meanwhile.
void GopRefresher::work_on(std::unique_lock<std::mutex>& lock) {
  const auto frame = group_[decoded_];
  const bool newest = decoded_ + 1 == group_.size();
  const int rate = bitrate();
  const uint64_t group = groups_;
  auto recoder = recoder_;
  busy_ = true;
  lock.unlock();
  const auto done = prepare(recoder, *frame, newest, rate);
  lock.lock();
  busy_ = false;
  if (group != groups_) return;
  if (!done) return give_up(done.error());
  recoder_ = std::move(recoder);
  ++decoded_;
}

Result<> GopRefresher::prepare(std::shared_ptr<Recoder>& recoder, const ClipFrame& frame,
                               bool newest, int bitrate) const {
  if (!recoder) {
    auto made = Recoder::create(stream_.codec, stream_.fps);
    if (!made) return tl::unexpected(made.error());
    recoder = std::move(*made);
  }
  if (auto shown = recoder->decode(frame.bytes); !shown) return tl::unexpected(shown.error());
  return newest && !recoder->opened() ? recoder->open(bitrate) : Result<>();
}

}  // namespace callbot::feeds
