#include "quality/picture_meter.h"

#include "base/clock.h"
#include "quality/vp8_header.h"

namespace callbot::quality {
namespace {

constexpr const char* kNotDecoded = "the stream is not decoded (verify: headers)";
constexpr size_t kMostWaiting = 32;            // frames in a decoder
constexpr int64_t kLateness_ns = 500'000'000;  // of a frame that still counts to its second

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// As a camera that is off is shown; a picture with something on it is not. Every eighth pixel of
// every eighth row is looked at.
bool is_black(const LumaView& picture) {
  constexpr int kStep = 8, kBlack = 32;  // video range: black is 16
  constexpr double kMostBright = 0.01;
  int bright = 0, all = 0;
  for (int y = 0; y < picture.height; y += kStep) {
    for (int x = 0; x < picture.width; x += kStep, ++all)
      bright +=
          picture.luma[static_cast<size_t>(y) * picture.stride + static_cast<size_t>(x)] > kBlack
              ? 1
              : 0;
  }
  return bright <= kMostBright * all;
}

}  // namespace

PictureMeter::PictureMeter(const TrackInfo& track, SeriesSet& out, const PictureMeterConfig& config)
    : track_(track),
      out_(out),
      config_(config),
      playout_(config.latency_ns, track.clock_rate),
      mute_(config.mute_grace_ns),
      marks_(out, config.sender, config.log, config.skew) {
  out_.expect({"video.frames", "video.key_frames", "video.fps", "video.interval", "video.freeze",
               "video.pause", "video.arrival_interval", "video.arrival_freeze", "video.width",
               "video.height", "join.first_rtp", "join.first_key_frame"},
              "no frame came");
  out_.expect({"video.qp"}, track.codec == "vp8"
                                ? "no frame came"
                                : "the quantiser is read from VP8's headers alone");
  out_.expect({"video.assembly"}, "no frame came in several packets");
  const char* why = config.decode == Decode::kNever ? kNotDecoded : "no frame was decoded";
  out_.expect({"video.decoded", "video.undecodable", "video.processing", "join.first_frame"}, why);
  if (!config.bare) {
    out_.expect({"video.e2e_delay", "video.network_delay", "video.marked", "video.expected",
                 "video.missing", "video.duplicate", "video.reorder", "video.skip",
                 "video.freeze_true", "video.unread", "identity.wrong", "mute_leak"},
                why);
    const char* unlike = config.decode == Decode::kNever ? kNotDecoded
                         : config.painting               ? "no marked frame was decoded"
                                                         : "nobody paints what was sent";
    out_.expect({"video.psnr", "video.ssim"}, unlike);
    out_.expect({"video.vmaf"}, config.vmaf ? unlike : config.no_vmaf);
  }
  if (config.joined_ns == 0)
    out_.expect({"join.first_rtp", "join.first_key_frame", "join.first_frame"},
                "it is not known when the join began");
  if (config.decode == Decode::kNever) return;
  auto decoder = Decoder::open(track.codec, track.clock_rate, 0);
  if (decoder)
    decoder_ = std::move(*decoder);
  else
    out_.expect({"video.decoded", "video.undecodable"}, decoder.error().message);
  if (!config.painting) return;
  reference_.emplace(*config.painting, config.vmaf != nullptr);
}

void PictureMeter::frame(const Frame& frame, bool decode_it) {
  Shown when;
  when.playout_ns = playout_.of(frame.rtp_time, frame.first_arrival_ns, frame.last_arrival_ns);
  when.arrival_ns = frame.last_arrival_ns;
  when.first_arrival_ns = frame.first_arrival_ns;
  const bool is_shown = headers(frame);
  const bool was = decoding_;
  decoding_ = decode_it && decoder_ != nullptr && (was || frame.key);
  if (decoding_ && !was) {
    decoder_->reset();
    waiting_.clear();
    marks_.interrupt();
  }
  if (decoding_ != was)
    out_.rest(
        {"video.decoded", "video.undecodable", "video.marked", "video.expected", "video.missing",
         "video.duplicate", "video.reorder", "video.unread", "identity.wrong", "mute_leak"},
        !decoding_);
  if (decoding_) decode(frame, when);
  // One picture in turn with others: frames that came are what is shown, all the time.
  if (is_shown && (config_.decode != Decode::kAlways || decoder_ == nullptr)) shown(when);
}

bool PictureMeter::headers(const Frame& frame) {
  out_.count("video.frames", 1);
  out_.count("video.key_frames", frame.key ? 1 : 0);
  if (config_.joined_ns != 0 && first_)
    out_.sample("join.first_rtp", frame.first_arrival_ns,
                seconds(frame.first_arrival_ns - config_.joined_ns));
  first_ = false;
  if (frame.packets > 1)
    out_.sample("video.assembly", frame.last_arrival_ns,
                seconds(frame.last_arrival_ns - frame.first_arrival_ns));
  if (frame.key && first_key_) {
    first_key_ = false;
    if (config_.joined_ns != 0)
      out_.sample("join.first_key_frame", frame.last_arrival_ns,
                  seconds(frame.last_arrival_ns - config_.joined_ns));
  }
  if (track_.codec != "vp8") return true;
  const auto header = vp8_header(frame.bytes);
  if (!header) return true;
  out_.sample("video.qp", frame.last_arrival_ns, header->quantiser);
  if (header->key) size(header->width, header->height, frame.last_arrival_ns);
  return header->shown;
}

void PictureMeter::decode(const Frame& frame, const Shown& when) {
  out_.measure({"video.decoded", "video.undecodable"});
  waiting_[++number_] = when;
  while (waiting_.size() > kMostWaiting) waiting_.erase(waiting_.begin());
  int64_t begun_ns = monotonic_ns();
  const bool good =
      decoder_->decode(frame.bytes, number_, [&](const AVFrame& picture, int64_t number) {
        const auto found = waiting_.find(number);
        if (found == waiting_.end()) return;
        const Shown of_picture = found->second;
        waiting_.erase(waiting_.begin(), std::next(found));
        // As if the decoder had got the frame at once: how long it lay in the writer's queue is our
        // affair.
        if (frame.out_ns != 0)
          out_.sample(
              "video.processing", of_picture.arrival_ns,
              seconds(frame.out_ns + monotonic_ns() - begun_ns - of_picture.first_arrival_ns));
        const int64_t measured_from_ns = monotonic_ns();
        decoded(picture, of_picture);
        begun_ns += monotonic_ns() - measured_from_ns;
      });
  if (good) return;
  waiting_.erase(number_);
  out_.event("video.undecodable", when.playout_ns);
}

void PictureMeter::decoded(const AVFrame& picture, const Shown& when) {
  out_.count("video.decoded", 1);
  if (first_decoded_ && config_.joined_ns != 0)
    out_.sample("join.first_frame", when.playout_ns, seconds(when.playout_ns - config_.joined_ns));
  if (first_decoded_ && config_.presence != nullptr)
    config_.presence->decoded(track_, when.arrival_ns);
  first_decoded_ = false;
  size(picture.width, picture.height, when.arrival_ns);
  if (config_.decode == Decode::kAlways) shown(when);
  std::optional<VideoMark> mark;
  const auto luma = luma_of(picture);
  if (luma && !config_.bare) {
    const auto& readings = finder_.read(*luma);
    if (!readings.empty()) mark = readings.front().mark;
  }
  if (!mark && covered_) return;
  covered_ = covered_ && when.arrival_ns < covered_until_ns_;
  if (!config_.bare) marks_.picture(mark, when, mute_);
  if (!mark) {
    if (config_.presence != nullptr && luma && !is_black(*luma))
      config_.presence->unread(track_, when.playout_ns);
    return;
  }
  if (config_.presence != nullptr) config_.presence->seen(track_, mark->source, when.playout_ns);
  if (!reference_) return;
  if (auto likeness = reference_->compare(picture, *mark)) {
    out_.sample("video.psnr", when.playout_ns, likeness->psnr);
    out_.sample("video.ssim", when.playout_ns, likeness->ssim);
    if (likeness->vmaf) config_.vmaf(std::move(*likeness->vmaf), when.playout_ns);
  }
}

void PictureMeter::shown(const Shown& when) {
  if (mute_.muted()) return;  // what was still under way
  seconds_ended(per_second_.add(when.playout_ns));
  out_.measure({"video.freeze", "video.pause", "video.arrival_freeze"});
  if (const auto interval = arrivals_.add(when.arrival_ns)) came(*interval);
  const auto interval = rhythm_.add(when.playout_ns);
  if (!interval) return;
  out_.sample("video.interval", when.playout_ns, interval->seconds);
  stood(*interval);
}

void PictureMeter::came(const Rhythm::Interval& interval) {
  const int64_t lasts_ns = std::llround(interval.seconds * 1e9);
  out_.sample("video.arrival_interval", interval.begin_ns + lasts_ns, interval.seconds);
  if (interval.freeze) out_.sample("video.arrival_freeze", interval.begin_ns, interval.seconds);
}

void PictureMeter::stood(const Rhythm::Interval& interval) {
  if (interval.freeze) out_.sample("video.freeze", interval.begin_ns, interval.seconds);
  if (interval.pause) out_.sample("video.pause", interval.begin_ns, interval.seconds);
}

void PictureMeter::finish(int64_t at_ns) {
  if (mute_.muted()) return;
  if (const auto interval = rhythm_.to_the_end(at_ns)) {
    out_.sample("video.interval", interval->begin_ns, interval->seconds);
    stood(*interval);
  }
  if (const auto interval = arrivals_.to_the_end(at_ns)) came(*interval);
  // One in turn with others was not looked at all the time.
  if (decoding_ && config_.decode == Decode::kAlways)
    marks_.finish(at_ns);
  else
    marks_.interrupt();
}

void PictureMeter::seconds_ended(const std::deque<PerSecond::Second>& seconds) {
  for (const auto& s : seconds) out_.sample("video.fps", s.end_ns, s.frames);
}

void PictureMeter::size(int width, int height, int64_t at_ns) {
  if (width == width_ && height == height_) return;
  if (width != width_) out_.sample("video.width", at_ns, width);
  if (height != height_) out_.sample("video.height", at_ns, height);
  width_ = width;
  height_ = height;
}

void PictureMeter::tick(int64_t now_ns) {
  seconds_ended(per_second_.pass(now_ns - config_.latency_ns - kLateness_ns));
}

void PictureMeter::mute(bool muted, int64_t at_ns) {
  mute_.set(muted, at_ns);
  // What stands still because nothing is sent is no freeze.
  rhythm_.interrupt();
  arrivals_.interrupt();
  per_second_.interrupt();
  marks_.interrupt();
}

}  // namespace callbot::quality
