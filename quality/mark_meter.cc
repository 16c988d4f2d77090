#include "quality/mark_meter.h"

#include <fmt/core.h>

#include <algorithm>

namespace callbot::quality {
namespace {

constexpr double kMostUnread = 0.02;
constexpr const char* kByMarks[] = {"video.e2e_delay", "video.network_delay", "video.marked",
                                    "video.expected",  "video.missing",       "video.duplicate",
                                    "video.reorder",   "video.skip",          "video.freeze_true"};
// Ten minutes that a sender was not received are missing frames; one that began anew counts from 0.
constexpr MarkSequence::Limits kLimits = {.most_back = 3000, .most_ahead = 36000};

constexpr int64_t kUnderWay_ns = 1'000'000'000;  // longer than usual that a frame may still take
constexpr uint64_t kMostBare = 5;                // pictures

// Whose numbers begin again is not out of order there.
MarkSequence::Limits limits_of(const Sender& sender) {
  MarkSequence::Limits limits = kLimits;
  if (sender.round > 0) limits.most_back = std::min<int64_t>(limits.most_back, sender.round / 2);
  return limits;
}

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

MarkMeter::MarkMeter(SeriesSet& out, Sender sender, const SenderLog* log, SkewMeter* skew)
    : out_(out),
      sender_(sender),
      source_(sender.source),
      log_(log),
      skew_(skew),
      sequence_(limits_of(sender)) {}

void MarkMeter::picture(const std::optional<VideoMark>& mark, const Shown& shown,
                        const Mute& mute) {
  if (!mark) {
    if (mute.muted()) return;  // black, most likely
    ++unread_;
    ++bare_;
    sequence_.unread();
    out_.event("video.unread", shown.playout_ns);
    judge_reading();
    return;
  }
  bare_ = 0;
  if (read_++ == 0)
    out_.measure({"video.marked", "video.expected", "video.missing", "video.duplicate",
                  "video.reorder", "video.skip", "video.freeze_true", "identity.wrong",
                  "video.unread", "mute_leak"});
  out_.count("video.marked", 1);
  if (!source_) source_ = mark->source;
  const auto captured =
      log_ == nullptr ? std::nullopt : log_->captured(mark->source, mark->counter);
  if (mute.leaks(captured ? std::optional(captured->at_ns) : std::nullopt, shown.arrival_ns))
    out_.event("mute_leak", shown.playout_ns);
  if (mark->source != *source_)
    out_.event("identity.wrong", shown.playout_ns);
  else
    own(*mark, shown, captured, mute.muted());
  judge_reading();
}

void MarkMeter::own(const VideoMark& mark, const Shown& shown,
                    const std::optional<Captured>& captured, bool muted) {
  using Step = MarkSequence::Step;
  const auto placed = sequence_.add(mark.counter);
  const int64_t at = shown.playout_ns;
  if (placed.expected > 0) out_.count("video.expected", static_cast<double>(placed.expected));
  if (placed.missing != 0) out_.event("video.missing", at, static_cast<double>(placed.missing));
  switch (placed.step) {
    case Step::kStill:
      if (!muted) still_.again(at);
      [[fallthrough]];
    case Step::kAgain:
      out_.event("video.duplicate", at);
      return;
    case Step::kLate:
      out_.event("video.reorder", at);
      return first_time(shown, captured);
    case Step::kBegin:
      still_so_far();
      rhythm_.interrupt();
      break;
    case Step::kNew:
      if (placed.missing > 0) out_.sample("video.skip", at, static_cast<double>(placed.missing));
      break;
  }
  still_.begin(at);
  const auto interval = rhythm_.add(at);
  if (interval && interval->freeze)
    out_.sample("video.freeze_true", interval->begin_ns, interval->seconds);
  if (skew_ != nullptr && (mark.flags & kMarkChirp) != 0)
    skew_->flash(mark.source, placed.counter,
                 captured ? std::optional(captured->at_ns) : std::nullopt, at);
  first_time(shown, captured);
}

void MarkMeter::first_time(const Shown& shown, const std::optional<Captured>& captured) {
  if (!captured) {
    const char* why = log_ == nullptr ? "nobody tells when frames were captured"
                                      : "when its sender captured them is not known";
    out_.expect({"video.e2e_delay", "video.network_delay"}, why);
    return;
  }
  delay_ns_ = shown.playout_ns - captured->at_ns;
  out_.sample("video.e2e_delay", shown.playout_ns, seconds(delay_ns_));
  out_.sample("video.network_delay", shown.arrival_ns, seconds(shown.arrival_ns - captured->at_ns));
  for (const char* metric : {"video.e2e_delay", "video.network_delay"})
    out_.set_uncertainty(metric, seconds(captured->uncertainty_ns));
}

void MarkMeter::still_so_far() {
  if (const auto freeze = still_.freeze(rhythm_))
    out_.sample("video.freeze_true", freeze->begin_ns, freeze->seconds);
  still_.forget();
}

void MarkMeter::finish(int64_t at_ns) {
  // Pictures that carry no mark any more came, all the same.
  if (bare_ <= kMostBare) {
    const auto stood = rhythm_.to_the_end(at_ns);
    if (stood && stood->freeze) {
      out_.sample("video.freeze_true", stood->begin_ns, stood->seconds);
      still_.forget();
    }
    never_came(at_ns);
  }
  interrupt();
}

// What was captured long enough before, each when it would have been shown.
void MarkMeter::never_came(int64_t at_ns) {
  // Of a file that is repeated it is not known which of its rounds a number is of.
  if (log_ == nullptr || !source_ || read_ == 0 || sender_.round > 0) return;
  const auto newest = log_->newest(*source_, at_ns - delay_ns_ - kUnderWay_ns);
  if (!newest) return;
  const auto left = sequence_.end(*newest);
  for (int64_t n = 0; n < left.expected; ++n) {
    const auto captured =
        log_->captured(*source_, static_cast<uint32_t>(left.counter + 1 + n));  // takes 24 bits
    if (!captured) continue;
    const int64_t due_ns = captured->at_ns + delay_ns_;
    out_.event("video.expected", due_ns);
    if (n >= left.expected - left.missing) out_.event("video.missing", due_ns);
  }
}

void MarkMeter::interrupt() {
  still_so_far();
  sequence_ = MarkSequence(limits_of(sender_));
  rhythm_.interrupt();
}

void MarkMeter::judge_reading() {
  if (read_ == 0) {
    for (const char* metric : kByMarks) out_.expect({metric}, "no picture carried a readable mark");
    return;
  }
  const bool invalid =
      static_cast<double>(unread_) > kMostUnread * static_cast<double>(read_ + unread_);
  if (!invalid && !invalid_) return;
  invalid_ = invalid;
  std::string why;
  if (invalid)
    why = fmt::format("{} of {} pictures' marks could not be read", unread_, unread_ + read_);
  for (const char* metric : kByMarks) out_.invalidate(metric, why);
}

}  // namespace callbot::quality
