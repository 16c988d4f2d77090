#include "quality/chirp_meter.h"

#include <cmath>
#include <utility>

#include "base/audio_mark.h"

namespace callbot::quality {
namespace {

constexpr size_t kTogether = 8;     // by chance one wrong second in 256 fits
constexpr size_t kCertain = 15;     // of the sequence's 15 bits
constexpr double kSameDelay = 0.5;  // s
constexpr int kMostShift = 7;
// In a row: one that is read wrong makes seven before it fit no more.
constexpr size_t kStrangers = 8;
// A sender that makes its sound of a plan sends a packet when it begins: it may be there a packet
// (20 ms) and the codec's look-ahead before its last sample was captured, as it were.
constexpr int64_t kEarly_ns = 30'000'000;
constexpr int64_t kApart_ns = 1'000'000'000;  // from chirp to chirp
constexpr size_t kMostUntold = 10;
constexpr int64_t kUnderWay_ns = 1'000'000'000;  // longer than usual that a chirp may still take

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

bool right_direction(uint16_t source, int64_t number, bool up) {
  return number >= 0 && chirp_goes_up(source, static_cast<uint64_t>(number)) == up;
}

}  // namespace

ChirpMeter::ChirpMeter(SeriesSet& out, Sender sender, const SenderLog* log, SkewMeter* skew)
    : out_(out), sender_(sender), log_(log), skew_(skew) {
  if (has_log()) return;
  const char* why = log == nullptr    ? "nobody tells when chirps were captured"
                    : is_told_later() ? "its page did not tell when it sent them"
                                      : "it is not known which chirps this sender sends";
  out_.expect({"audio.e2e_delay", "audio.network_delay"}, why);
}

bool ChirpMeter::has_log() const { return log_ != nullptr && sender_.source && sender_.fps > 0; }

bool ChirpMeter::is_told_later() const {
  return log_ != nullptr && sender_.source && sender_.round > 0;
}

std::optional<int64_t> ChirpMeter::newest_before(int64_t at_ns) const {
  return log_->newest_chirp(*sender_.source, at_ns, sender_.fps);
}

std::optional<Captured> ChirpMeter::capture_of(int64_t number) const {
  if (number < 0) return std::nullopt;
  return log_->captured_chirp(*sender_.source, number, sender_.fps);
}

// The chirp so many before the newest one that was captured when this came.
std::optional<ChirpMeter::Candidate> ChirpMeter::shifted(const HeardChirp& heard, int shift) const {
  const auto newest = newest_before(heard.arrival_ns + kEarly_ns);
  if (!newest) return std::nullopt;
  const auto captured = capture_of(*newest - shift);
  if (!captured) return std::nullopt;
  return Candidate{*newest - shift, *captured};
}

double ChirpMeter::delay_of(const HeardChirp& heard, const Candidate& candidate) {
  return seconds(heard.playout_ns - candidate.captured.at_ns);
}

// The chirp whose delay would be nearest to this, if it went that way.
std::optional<ChirpMeter::Candidate> ChirpMeter::with_delay(const HeardChirp& heard,
                                                            double delay) const {
  std::optional<Candidate> best;
  double nearest = 0;
  for (int shift = 0; shift <= kMostShift; ++shift) {
    const auto candidate = shifted(heard, shift);
    if (!candidate) continue;
    const double off = std::abs(delay_of(heard, *candidate) - delay);
    if (best && off >= nearest) continue;
    best = candidate;
    nearest = off;
  }
  if (!best || !right_direction(*sender_.source, best->number, heard.up)) return std::nullopt;
  return best;
}

void ChirpMeter::chirp(const HeardChirp& chirp, const Mute& mute) {
  out_.measure({"audio.marked", "audio.duplicate", "mute_leak"});
  out_.event("audio.marked", chirp.playout_ns);
  const Heard heard{chirp, mute};
  if (is_told_later()) {
    untold_.push_back(chirp);
    if (untold_.size() > kMostUntold) untold_.pop_front();
    take_told();
  }
  if (!has_log()) return place_by_distance(heard);
  if (!newest_before(chirp.arrival_ns + kEarly_ns)) {
    out_.expect({"audio.e2e_delay", "audio.network_delay"},
                "when their sender made them is not known");
    return place_by_distance(heard);
  }
  // Those were other numbers.
  if (std::exchange(by_distance_, false)) highest_.reset();
  if (undecided_.empty() && delay_ && !foreign_) {
    if (const auto candidate = with_delay(chirp, *delay_)) return place(heard, *candidate);
  }
  undecided_.push_back(heard);
  decide(false);
}

void ChirpMeter::take_told() {
  const int64_t told_ns = is_told_later() ? log_->chirps_told_until(*sender_.source) : 0;
  for (; !untold_.empty() && untold_.front().arrival_ns + kEarly_ns <= told_ns;
       untold_.pop_front()) {
    const HeardChirp& chirp = untold_.front();
    const auto sent = log_->chirp_before(*sender_.source, chirp.up, chirp.arrival_ns + kEarly_ns);
    if (sent && chirp.arrival_ns - sent->at_ns < kApart_ns) delayed(chirp, *sent);
  }
}

// By chance one wrong second in 256 fits eight, and 15 directions are in one place alone: once some
// did not fit, eight are enough at the delay there was before only.
bool ChirpMeter::is_sure(double delay) const {
  if (undecided_.size() >= kCertain) return true;
  if (foreign_) return false;
  return !doubt_ || (delay_ && std::abs(delay - *delay_) < kSameDelay);
}

// At the shortest delay of the first that makes the directions of all right.
ChirpMeter::Fit ChirpMeter::place_all() {
  Fit fit = Fit::kNone;
  for (int shift = 0; shift <= kMostShift; ++shift) {
    const HeardChirp& first = undecided_.front().chirp;
    const auto begin = shifted(first, shift);
    if (!begin) continue;
    std::deque<Candidate> fitting;
    for (const Heard& heard : undecided_) {
      const auto candidate = with_delay(heard.chirp, delay_of(first, *begin));
      if (candidate) fitting.push_back(*candidate);
    }
    if (fitting.size() != undecided_.size()) continue;
    fit = Fit::kUnsure;
    if (!is_sure(delay_of(first, *begin))) continue;
    for (size_t i = 0; i < fitting.size(); ++i) place(undecided_[i], fitting[i]);
    undecided_.clear();
    return Fit::kPlaced;
  }
  return fit;
}

void ChirpMeter::decide(bool now) {
  while (!undecided_.empty() && (now || undecided_.size() >= kTogether)) {
    const Fit fit = place_all();
    if (fit == Fit::kPlaced || (fit == Fit::kUnsure && !now)) return;  // or more of them will say
    // Too few to say which, and so many that somebody else's would hardly fit.
    if (fit == Fit::kUnsure && (!foreign_ || undecided_.size() >= kTogether))
      return forget_undecided();
    // The oldest is none of the sender's.
    strange(undecided_.front());
    unplaced(undecided_.front());
    undecided_.pop_front();
  }
}

void ChirpMeter::forget_undecided() {
  for (const Heard& heard : undecided_) judge_mute(heard, std::nullopt);
  undecided_.clear();
}

void ChirpMeter::judge_mute(const Heard& heard, std::optional<int64_t> captured_ns) {
  if (heard.mute.leaks(captured_ns, heard.chirp.arrival_ns))
    out_.event("mute_leak", heard.chirp.playout_ns);
}

void ChirpMeter::unplaced(const Heard& heard) {
  judge_mute(heard, std::nullopt);
  out_.event("audio.duplicate", heard.chirp.playout_ns);
}

void ChirpMeter::strange(const Heard& heard) {
  doubt_ = true;
  strange_.push_back(heard.chirp);
  if (strange_.size() < kStrangers && !foreign_) return;
  foreign_ = true;
  for (const HeardChirp& chirp : strange_) {
    out_.event("identity.wrong", chirp.playout_ns);
    if (on_stranger) on_stranger(chirp);
  }
  strange_.clear();
}

void ChirpMeter::place(const Heard& heard, const Candidate& candidate) {
  strange_.clear();
  doubt_ = foreign_ = false;
  out_.measure({"identity.wrong"});
  if (highest_ && candidate.number <= *highest_) return unplaced(heard);
  judge_mute(heard, candidate.captured.at_ns);
  const HeardChirp& chirp = heard.chirp;
  delay_ = seconds(chirp.playout_ns - candidate.captured.at_ns);
  delayed(chirp, candidate.captured);
  number(candidate.number, chirp);
  if (on_number) on_number(candidate.number, chirp);
}

void ChirpMeter::delayed(const HeardChirp& chirp, const Captured& captured) {
  out_.sample("audio.e2e_delay", chirp.playout_ns, seconds(chirp.playout_ns - captured.at_ns));
  out_.sample("audio.network_delay", chirp.arrival_ns, seconds(chirp.arrival_ns - captured.at_ns));
  for (const char* metric : {"audio.e2e_delay", "audio.network_delay"})
    out_.set_uncertainty(metric, seconds(captured.uncertainty_ns));
  if (skew_ != nullptr)
    skew_->chirp(chirp.up, captured.at_ns, chirp.playout_ns, captured.uncertainty_ns);
}

void ChirpMeter::place_by_distance(const Heard& h) {
  const HeardChirp& heard = h.chirp;
  judge_mute(h, std::nullopt);
  if (!std::exchange(by_distance_, true)) highest_.reset();
  const int64_t apart = last_rtp_ns_ ? std::llround(seconds(heard.rtp_ns - *last_rtp_ns_)) : 1;
  if (apart < 1) {
    out_.event("audio.duplicate", heard.playout_ns);
    return;
  }
  last_rtp_ns_ = heard.rtp_ns;
  number(highest_.value_or(0) + apart, heard);
  if (skew_ != nullptr && !is_told_later()) skew_->chirp(heard.up, std::nullopt, heard.playout_ns);
}

void ChirpMeter::number(int64_t number, const HeardChirp& heard) {
  out_.measure({"audio.expected", "audio.missing"});
  const int64_t left_out = highest_ ? number - *highest_ - 1 : 0;
  if (left_out > 0) out_.event("audio.missing", heard.playout_ns, static_cast<double>(left_out));
  out_.event("audio.expected", heard.playout_ns, static_cast<double>(left_out + 1));
  highest_ = number;
}

int64_t ChirpMeter::finish(int64_t at_ns) {
  decide(true);
  take_told();
  int64_t never = 0;
  if (has_log() && highest_ && delay_ && !by_distance_) {
    const auto delay_ns = static_cast<int64_t>(*delay_ * 1e9);
    const auto newest = newest_before(at_ns - delay_ns - kUnderWay_ns);
    for (int64_t n = *highest_ + 1; newest && n <= *newest; ++n, ++never) {
      const auto captured = capture_of(n);
      const int64_t due_ns = captured ? captured->at_ns + delay_ns : at_ns;
      out_.event("audio.expected", due_ns);
      out_.event("audio.missing", due_ns);
    }
  }
  interrupt();
  return never;
}

void ChirpMeter::interrupt() {
  decide(true);
  highest_.reset();
  last_rtp_ns_.reset();
}

}  // namespace callbot::quality
