#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/mark_sequence.h"
#include "base/text.h"
#include "recordings/checks.h"

namespace callbot::recordings {
namespace {

constexpr size_t kLeastMarks = 10;

struct Marked {
  const ProbedPicture* picture;
  const LanePiece* piece;
  bool after_foreign = false;  // another sender's frames stood in its place
};

struct Counts {
  uint64_t marks = 0, missing = 0, duplicated = 0, reordered = 0;
  std::optional<double> first_missing = {}, first_duplicated = {}, first_reordered = {};
};

bool lost_in_decoder(const LanePiece& piece, double from, double to) {
  const auto& bad = piece.stream.undecodable;
  return std::any_of(bad.begin(), bad.end(), [&](double t) { return t > from && t <= to; });
}

// One run of counters of one sender, in the order of the pictures.
class Sequence {
 public:
  Sequence(const Lane& lane, const VerifyConfig& config, Counts& counts)
      : lane_(lane), config_(config), counts_(counts) {}

  void add(const Marked& now) {
    using Step = MarkSequence::Step;
    ++counts_.marks;
    const double time = now.picture->time;
    const auto placed = order_.add(now.picture->mark->counter);
    if (placed.step == Step::kBegin) {
      finish();
    } else if (placed.step == Step::kStill) {
      ++still_;
    } else {
      settle_still(last_.picture->time);
      if (placed.left_out > 0 && !explained(now))
        note(counts_.missing, counts_.first_missing, time, placed.left_out);
      if (placed.step == Step::kAgain) note(counts_.duplicated, counts_.first_duplicated, time, 1);
      if (placed.step == Step::kLate) {
        note(counts_.reordered, counts_.first_reordered, time, 1);
        // It was counted as missing when the one behind it came first.
        if (counts_.missing > 0) --counts_.missing;
      }
      frozen_before_ = false;
    }
    if (placed.step != Step::kStill) still_since_ = time;
    last_ = now;
  }
  void finish() {
    if (last_.picture != nullptr) settle_still(last_.picture->time);
  }

 private:
  static void note(uint64_t& count, std::optional<double>& first, double time, int64_t by) {
    count += static_cast<uint64_t>(by);
    if (!first) first = time;
  }
  // The same mark again and again is a freeze if it lasts, otherwise so many duplicates.
  void settle_still(double until) {
    if (still_ == 0) return;
    if (until - still_since_ >= config_.freeze_warn)
      frozen_before_ = true;
    else
      note(counts_.duplicated, counts_.first_duplicated, still_since_, still_);
    still_ = 0;
  }
  // Frames that another finding accounts for: a gap, a mute, a freeze, what does not decode.
  bool explained(const Marked& now) const {
    const double from = last_.picture->time;
    const double to = now.picture->time;
    const Interval* on = at_time(lane_.expected, to);
    return now.after_foreign || frozen_before_ || on == nullptr ||
           on != at_time(lane_.expected, from) || to - from >= config_.gap_warn ||
           now.piece != last_.piece || lost_in_decoder(*now.piece, from, to);
  }

  const Lane& lane_;
  const VerifyConfig& config_;
  Counts& counts_;
  Marked last_ = {nullptr, nullptr, false};
  MarkSequence order_;
  int64_t still_ = 0;
  double still_since_ = 0;
  bool frozen_before_ = false;
};

// Frames with one kind of fault, and how they are told of.
struct Fault {
  const char *code, *words;
  uint64_t count;
  std::optional<double> first;
};

void report(const Lane& lane, const VerifyConfig& config, const Fault& fault, uint64_t of,
            Findings& out) {
  const double share =
      static_cast<double>(fault.count) / static_cast<double>(std::max<uint64_t>(of, 1));
  if (share <= config.marks_warn) return;
  const bool fails = share > config.marks_fail;
  out.add(lane, {.code = fault.code,
                 .severity = fails ? Severity::kFail : Severity::kWarn,
                 .start = fault.first,
                 .value = share,
                 .threshold = fails ? config.marks_fail : config.marks_warn,
                 .text = fmt::format("{} of {} {}", fault.count, counted(of, "marked frame"),
                                     fault.words)});
}

std::vector<Marked> marked_pictures(const Lane& lane, const VerifyConfig& config, size_t& unread) {
  std::vector<Marked> marked;
  for (const LanePiece& piece : lane.pieces) {
    for (const ProbedPicture& picture : piece.stream.pictures) {
      if (picture.mark)
        marked.push_back({&picture, &piece, false});
      else if (!picture.damaged && !is_black(picture, config))
        ++unread;
    }
  }
  return marked;
}

// The sender is the one most pictures name; what another one sent does not belong here.
void check_source(const Lane& lane, std::vector<Marked>& marked, Findings& out) {
  std::map<uint16_t, size_t> sources;
  for (const Marked& m : marked) ++sources[m.picture->mark->source];
  const auto most = std::max_element(sources.begin(), sources.end(), [](auto& a, auto& b) {
                      return a.second < b.second;
                    })->first;
  std::vector<Marked> own;
  std::vector<const ProbedPicture*> foreign;
  bool after_foreign = false;
  for (const Marked& m : marked) {
    if (m.picture->mark->source == most) {
      own.push_back({m.picture, m.piece, after_foreign});
    } else {
      foreign.push_back(m.picture);
    }
    after_foreign = m.picture->mark->source != most;
  }
  if (!foreign.empty()) {
    out.add(lane, {.code = "wrong-source",
                   .severity = Severity::kFail,
                   .start = foreign.front()->time,
                   .end = foreign.back()->time,
                   .value = static_cast<double>(foreign.size()),
                   .threshold = 0,
                   .text = fmt::format("{} of source {} among those of source {}",
                                       counted(foreign.size(), "frame"),
                                       foreign.front()->mark->source, most)});
  }
  marked = std::move(own);
}

}  // namespace

void check_marks(const Lane& lane, const VerifyConfig& config, TrackMeasure& measure,
                 Findings& out) {
  size_t unread = 0;
  auto marked = marked_pictures(lane, config, unread);
  measure.marked = marked.size() >= kLeastMarks && marked.size() >= unread;
  if (!measure.marked) return;
  const double share = static_cast<double>(unread) / static_cast<double>(unread + marked.size());
  if (share > config.unread_warn) {
    measure.marks = marked.size();
    out.add(lane, {.code = "marks-unread",
                   .severity = Severity::kWarn,
                   .value = share,
                   .threshold = config.unread_warn,
                   .text = fmt::format("{} of {} marks cannot be read; frames are not counted",
                                       unread, unread + marked.size())});
    return;
  }
  Counts counts;
  // A screen beside the camera has marks of its own.
  for (const bool screen : {false, true}) {
    std::vector<Marked> of_one;
    std::copy_if(marked.begin(), marked.end(), std::back_inserter(of_one),
                 [screen](const auto& m) { return (m.piece->source == "screen") == screen; });
    if (of_one.empty()) continue;
    check_source(lane, of_one, out);
    Sequence sequence(lane, config, counts);
    for (const Marked& m : of_one) sequence.add(m);
    sequence.finish();
  }
  measure.marks = counts.marks;
  measure.marks_missing = counts.missing;
  measure.marks_duplicated = counts.duplicated;
  measure.marks_reordered = counts.reordered;
  const uint64_t of = counts.marks + counts.missing;
  const Fault faults[] = {
      {"frames-missing", "are missing", counts.missing, counts.first_missing},
      {"frames-duplicated", "are there twice", counts.duplicated, counts.first_duplicated},
      {"frames-reordered", "are out of order", counts.reordered, counts.first_reordered}};
  for (const Fault& fault : faults) report(lane, config, fault, of, out);
}

}  // namespace callbot::recordings
