// The declared timeline against who was seen and heard by whom.
//
// must:      in every stretch in which the observer looked, marks of the other were read; a hole no
//            longer than the grace is none, wherever it lies.
// must not:  no mark at all was read, but for the grace behind the window's begin and before its
//            end; where pictures came in the other's stream that nobody could read, that is
//            unmeasured. So is a window of which the grace leaves nothing.
// closed:    who is not named must be neither seen nor heard. Whoever is seen in somebody
// else's stream fails every row, allowed or not: that is cross-routing, or a wrong identity in a
// tile. What nobody looked at is unmeasured.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "scenarios/verdict.h"

namespace callbot::scenarios {
namespace {

using TimeWindows = std::vector<TimeWindow>;

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

TimeWindows clipped(const TimeWindows& spans, const TimeWindow& window) {
  TimeWindows out;
  for (TimeWindow s : spans) {
    s.from_ns = std::max(s.from_ns, window.from_ns);
    s.to_ns = std::min(s.to_ns, window.to_ns);
    if (s.to_ns > s.from_ns) out.push_back(s);
  }
  return merged(std::move(out));
}

// What of `whole` is not in `parts`; both merged.
TimeWindows without(const TimeWindows& whole, const TimeWindows& parts) {
  TimeWindows out;
  for (TimeWindow rest : whole) {
    for (const TimeWindow& part : parts) {
      if (part.to_ns <= rest.from_ns || part.from_ns >= rest.to_ns) continue;
      if (part.from_ns > rest.from_ns) out.push_back({rest.from_ns, part.from_ns});
      rest.from_ns = part.to_ns;
      if (rest.from_ns >= rest.to_ns) break;
    }
    if (rest.to_ns > rest.from_ns) out.push_back(rest);
  }
  return out;
}

class Row {
 public:
  Row(const TimelineRow& row, const Evidence& evidence, TimeWindow window)
      : row_(row), evidence_(evidence), window_(window) {}

  std::vector<Case> cases() const {
    std::vector<Case> out;
    for (const ActorFacts& observer : evidence_.actors) {
      if (!matches(row_.who, observer.role, observer.name) || observer.elsewhere) continue;
      for (const ActorFacts& whom : evidence_.actors) {
        if (whom.name == observer.name || whom.room != observer.room) continue;
        for (const Sight sight : {Sight::kSeen, Sight::kHeard}) {
          if (const auto rule = rule_of(whom, sight))
            out.push_back(one(observer, whom, sight, *rule));
        }
      }
      strangers(observer, out);
    }
    return out;
  }

 private:
  // An item that names somebody goes before one that means everybody, and may before nothing.
  std::optional<Rule> rule_of(const ActorFacts& whom, Sight sight) const {
    std::optional<Rule> found;
    size_t longest = 0;
    for (const TimelineRow::Item& item : row_.items) {
      if (item.sight != sight || !matches(item.whom, whom.role, whom.name)) continue;
      if (found && item.whom.size() < longest) continue;
      found = item.rule;
      longest = item.whom.size();
    }
    if (!found && row_.closed) found = Rule::kMustNot;
    return found == Rule::kMay ? std::nullopt : found;
  }

  Case blank(const ActorFacts& observer, const std::string& what) const {
    Case c;
    c.kind = Case::kTimeline;
    c.name = row_.name.empty() ? what : row_.name;
    c.detail = row_.name.empty() ? "" : what;
    c.window = window_;
    c.written = row_.place;
    c.place = CasePlace{window_.from_ns, observer.name, ""};
    return c;
  }

  TimeWindows looked(const ActorFacts& observer, const ActorFacts& whom, Sight sight) const {
    TimeWindows spans;
    for (const Look& look : evidence_.looks) {
      if (look.observer == observer.name && look.sight == sight &&
          (look.whom.empty() || look.whom == whom.name))
        spans.push_back(look.span);
    }
    return clipped(clipped(spans, window_), window_);
  }

  // Those of a hidden sender are found in anybody's stream.
  TimeWindows present(const ActorFacts& observer, const std::string& whom, Sight sight) const {
    TimeWindows spans;
    for (const Presence& p : evidence_.presence) {
      if (p.observer == observer.name && p.sight == sight && p.whom == whom)
        spans.push_back(p.span);
    }
    return clipped(spans, window_);
  }

  // Of pictures in its stream that carry no mark nobody knows whose they are.
  TimeWindows unknown(const ActorFacts& observer, const std::string& carrier, Sight sight) const {
    TimeWindows spans;
    for (const Presence& p : evidence_.presence) {
      if (p.observer == observer.name && p.sight == sight && p.whom.empty() && p.carrier == carrier)
        spans.push_back(p.span);
    }
    return leaks(clipped(spans, window_));
  }

  Case one(const ActorFacts& observer, const ActorFacts& whom, Sight sight, Rule rule) const {
    const bool must = rule == Rule::kMust;
    Case c = blank(observer,
                   fmt::format("{} {} {} {}{}", observer.name, must ? "must" : "must not",
                               sight == Sight::kSeen ? "see" : "hear", whom.name, span_text()));
    c.place->from = whom.name;
    const auto looks = looked(observer, whom, sight);
    const double seconds = seconds_within(looks, window_);
    c.samples = static_cast<size_t>(std::floor(seconds));
    const auto wrong = must ? holes(looks, present(observer, whom.name, sight))
                            : leaks(present(observer, whom.name, sight));
    if (!wrong.empty()) {
      c.verdict = Verdict::kFail;
      c.text = fmt::format("{} {}", must ? "not" : "", name_of(sight)).substr(must ? 0 : 1) + " " +
               spans_text(wrong);
      c.place->at_ns = wrong.front().from_ns;
    } else if (const auto unread = must ? TimeWindows{} : unknown(observer, whom.name, sight);
               !unread.empty()) {
      c.text = "pictures came without a readable mark " + spans_text(unread);
      c.place->at_ns = unread.front().from_ns;
    } else if (seconds <= 0) {
      c.text = fmt::format("{} looked at nothing of {} then", observer.name, whom.name);
    } else if (const std::string why =
                   nothing_left(looks, must, present(observer, whom.name, sight));
               !why.empty()) {
      c.text = why;
    } else {
      c.verdict = Verdict::kPass;
      const double share = seconds / window_.seconds();
      c.text = share > 0.995 ? "looked all the time"
                             : fmt::format("looked {:.0f} % of the time", share * 100);
    }
    find_place(*c.place, evidence_);
    return c;
  }

  // Why nothing of what was looked at could have failed; empty: something could.
  std::string nothing_left(const TimeWindows& looks, bool must, const TimeWindows& there) const {
    const auto grace = [&] { return fmt::format("{} s", row_.grace); };
    if (must && there.empty())
      return fmt::format("nothing came, and no longer than the grace of {} was looked", grace());
    if (!must && leaks({window_}).empty())
      return fmt::format("its {:.1f} s are all within the grace of {} at both ends",
                         window_.seconds(), grace());
    if (!must && leaks(looks).empty())
      return fmt::format("it was looked only within the grace of {} at an end", grace());
    return "";
  }

  TimeWindows holes(const TimeWindows& looks, const TimeWindows& seen) const {
    auto out = without(looks, seen);
    std::erase_if(
        out, [&](const TimeWindow& hole) { return hole.to_ns - hole.from_ns <= ns(row_.grace); });
    return out;
  }
  TimeWindows leaks(const TimeWindows& seen) const {
    return clipped(seen, {window_.from_ns + ns(row_.grace), window_.to_ns - ns(row_.grace)});
  }

  // In the stream of somebody whom no row can name, his own marks or none.
  bool is_uninvited(const Presence& p) const {
    return row_.closed && (p.whom.empty() || p.whom == p.carrier) &&
           evidence_.actor(p.carrier) == nullptr;
  }

  // Marks in a stream of somebody else, and who is nobody of the scenario.
  void strangers(const ActorFacts& observer, std::vector<Case>& out) const {
    for (const Presence& p : evidence_.presence) {
      if (p.observer != observer.name || p.carrier.empty()) continue;
      const bool uninvited = is_uninvited(p);
      if (!uninvited && (p.whom.empty() || p.whom == p.carrier)) continue;
      const auto spans = uninvited ? leaks({p.span}) : clipped({p.span}, window_);
      if (spans.empty()) continue;
      const std::string what =
          fmt::format("{} {} {}", observer.name, p.sight == Sight::kSeen ? "sees" : "hears",
                      uninvited ? p.carrier + ", who is nobody of the scenario"
                                : p.whom + " in the stream of " + p.carrier);
      const auto same = std::find_if(out.begin(), out.end(), [&](const Case& c) {
        return c.name == what || c.detail == what;
      });
      if (same != out.end()) continue;
      Case c = blank(observer, what);
      c.verdict = Verdict::kFail;
      c.text = spans_text(spans);
      c.place = CasePlace{spans.front().from_ns, observer.name, p.carrier};
      find_place(*c.place, evidence_);
      out.push_back(std::move(c));
    }
  }

  std::string span_text() const {
    const std::string text = text_of(row_.span);
    return text.empty() ? "" : ", " + text;
  }
  std::string spans_text(const TimeWindows& spans) const {
    std::string text;
    for (size_t i = 0; i < spans.size() && i < 3; ++i)
      text += fmt::format("{}from {:.1f} s to {:.1f} s", i == 0 ? "" : ", ",
                          evidence_.seconds(spans[i].from_ns), evidence_.seconds(spans[i].to_ns));
    if (spans.size() > 3) text += fmt::format(", and {} times more", spans.size() - 3);
    return text;
  }

  const TimelineRow& row_;
  const Evidence& evidence_;
  const TimeWindow window_;
};

}  // namespace

std::vector<Case> judge_timeline(const Scenario& scenario, const Evidence& evidence) {
  std::vector<Case> out;
  for (const TimelineRow& row : scenario.timeline) {
    const auto window = window_of(row.span, evidence);
    std::vector<Case> cases;
    if (window) cases = Row(row, evidence, *window).cases();
    if (cases.empty()) {
      Case c;
      c.kind = Case::kTimeline;
      c.name = row.name.empty() ? "timeline: " + row.who : row.name;
      c.text = window ? "nobody was there whom it is about" : window.error().message;
      c.written = row.place;
      cases.push_back(std::move(c));
    }
    out.insert(out.end(), cases.begin(), cases.end());
  }
  return out;
}

}  // namespace callbot::scenarios
