// Thresholds over evidence. The rules, in their order:
//
// 1. Groups: per run one, per actor or stream one each. Who is named (who, from) is expected: an
//    actor, or a pair of them in one room, without a series is an unmeasured group. Who is not
//    named counts where somebody measured it.
// 2. A group of whose series one is invalid is invalid; one that is unmeasured makes it unmeasured
//    (per run: unless the quorum of them was measured).
// 3. An actor who was not in the call within the window, and a stream of which nothing came within
//    it (its witness: decoded frames, samples, packets), was not measured there, whatever 0 says;
//    nor is what reports tell where they stayed away (scenarios/unreported.h).
// 4. A limit nearer to 0 than the uncertainty, or a value nearer to the limit, is invalid.
// 5. One that does not hold, where the bot itself was late, is invalid (scenarios/lateness.h).
// 6. Over groups: enough passed: pass; too many failed: fail; else invalid or unmeasured.
#include "scenarios/threshold.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "scenarios/lateness.h"
#include "scenarios/unreported.h"
#include "scenarios/verdict.h"

namespace callbot::scenarios {
namespace {

struct Group {
  std::string actor, from, stream;  // empty: any
  std::vector<const Series*> series;
};

struct Witness {
  std::string_view metrics, by;
};
// What has to have come for "none of it" to mean something.
constexpr Witness kWitnesses[] = {
    {"video.", "video.decoded"}, {"audio.", "audio.samples"}, {"rtp.", "rtp.packets"}};

class Judge {
 public:
  Judge(const Threshold& threshold, const Metric& metric, const Evidence& evidence,
        std::span<const Series* const> series, TimeWindow window)
      : t_(threshold), metric_(metric), evidence_(evidence), series_(series), window_(window) {}

  Case all() {
    Case total = blank();
    const auto groups = grouped();
    if (groups.empty()) {
      total.text = fmt::format("nobody measured {}", t_.metric);
      return total;
    }
    std::vector<Case> cases;
    cases.reserve(groups.size());
    for (const Group& group : groups) cases.push_back(one(group));
    return t_.per == Per::kRun ? cases.front() : together(std::move(total), cases);
  }

 private:
  Case blank() const {
    Case c;
    c.name = t_.name.empty() ? text_of(t_) : t_.name;
    c.metric = t_.metric;
    c.stat = text_of(t_.stat);
    c.op = t_.op;
    c.limit = t_.value;
    c.unit = unit_of(t_.stat, metric_);
    c.window = window_;
    c.definition = metric_.what;
    c.written = t_.place;
    return c;
  }

  bool is_who(const std::string& name) const { return is(t_.who, name); }
  bool is(const std::string& pattern, const std::string& name) const {
    if (pattern.empty()) return true;
    const ActorFacts* facts = evidence_.actor(name);
    return matches(pattern, facts == nullptr ? "" : facts->role, name);
  }

  std::vector<Group> grouped() const {
    std::vector<Group> groups;
    if (t_.per == Per::kRun) groups.push_back({});
    expect(groups);
    for (const Series* s : series_) {
      if (s->metric != t_.metric || !is_who(s->actor)) continue;
      if (!t_.from.empty() && !is(t_.from, s->from)) continue;
      if (!t_.stream.empty() && s->stream != t_.stream) continue;
      group_of(groups, *s).series.push_back(s);
    }
    if (t_.per == Per::kRun && groups[0].series.empty() && missing_.empty()) groups.clear();
    return groups;
  }

  // Rule 1.
  void expect(std::vector<Group>& groups) const {
    missing_.clear();
    if (t_.who.empty()) return;
    for (const ActorFacts& who : evidence_.actors) {
      if (!is_who(who.name) || who.elsewhere) continue;
      if (t_.from.empty()) {
        expect_one(groups, who.name, "");
        continue;
      }
      for (const ActorFacts& from : evidence_.actors) {
        if (from.name != who.name && from.room == who.room && is(t_.from, from.name))
          expect_one(groups, who.name, from.name);
      }
    }
  }
  void expect_one(std::vector<Group>& groups, const std::string& who,
                  const std::string& from) const {
    const bool there = std::any_of(series_.begin(), series_.end(), [&](const Series* s) {
      return s->metric == t_.metric && s->actor == who && (from.empty() || s->from == from) &&
             (t_.stream.empty() || s->stream == t_.stream);
    });
    if (there) return;
    missing_.push_back(from.empty() ? who : who + towards(t_.metric) + from);
    if (t_.per != Per::kRun) groups.push_back({who, from, t_.stream, {}});
  }

  Group& group_of(std::vector<Group>& groups, const Series& s) const {
    if (t_.per == Per::kRun) return groups.front();
    const bool stream = t_.per == Per::kStream;
    for (Group& g : groups) {
      if (g.series.empty() || g.actor != s.actor) continue;
      if (!stream || (g.from == s.from && g.stream == s.stream)) return g;
    }
    groups.push_back({s.actor, stream ? s.from : "", stream ? s.stream : "", {}});
    return groups.back();
  }

  std::vector<TimeWindow> inside(const std::string& actor) const {
    const ActorFacts* facts = evidence_.actor(actor);
    return facts == nullptr ? std::vector<TimeWindow>{window_} : facts->inside;
  }

  const Series* beside(const Series& s, std::string_view metric) const {
    for (const Series* other : series_) {
      if (other->metric == metric && other->actor == s.actor && other->from == s.from &&
          other->stream == s.stream)
        return other;
    }
    return nullptr;
  }

  // Why this series says nothing about this window; empty: it does. Rule 3.
  std::string silent(const Series& s) const {
    if (seconds_within(inside(s.actor), window_) <= 0)
      return fmt::format("{} was not in the call then", s.actor);
    for (const Witness& witness : kWitnesses) {
      if (!t_.metric.starts_with(witness.metrics) || t_.metric == witness.by) continue;
      const Series* by = beside(s, witness.by);
      if (by == nullptr || by->state != Measured::kOk) continue;
      const Metric* counted = find_metric(witness.by);
      const Series* one[] = {by};
      const auto total = compute({Stat::kTotal}, *counted, one, {}, window_, window_.seconds());
      if (total.value && *total.value <= 0)
        return fmt::format("nothing of it came then ({} is 0)", witness.by);
    }
    return unreported(s, window_, evidence_);
  }

  Case one(const Group& group) const {
    Case c = blank();
    c.detail = group.actor + (group.from.empty() ? "" : towards(t_.metric) + group.from) +
               (group.stream.empty() ? "" : " (" + group.stream + ")");
    std::vector<const Series*> measured;
    std::vector<std::string> reasons = group.actor.empty() ? missing_ : std::vector<std::string>{};
    for (std::string& reason : reasons) reason += ": not measured at all";
    size_t expected = reasons.size() + group.series.size();
    for (const Series* s : group.series) {
      if (s->state == Measured::kInvalid) {
        c.verdict = Verdict::kInvalid;
        c.text = s->why.empty() ? "not to be believed" : s->why;
        return c;
      }
      const std::string why = s->state == Measured::kUnmeasured
                                  ? (s->why.empty() ? "not measured" : s->why)
                                  : silent(*s);
      if (why.empty())
        measured.push_back(s);
      else
        reasons.push_back(group.from.empty() ? label(*s) + ": " + why : why);
    }
    const double enough = group.actor.empty() ? t_.quorum : 1;
    const auto least =
        static_cast<size_t>(std::ceil(enough * static_cast<double>(expected) - 1e-9));
    if (measured.size() < least || measured.empty()) {
      c.text = reasons.empty() ? "no series" : reasons.front();
      if (reasons.size() > 1) c.text += fmt::format(" (and {} more)", reasons.size() - 1);
      return c;
    }
    value(c, measured);
    return c;
  }

  static std::string label(const Series& s) {
    return s.actor + (s.from.empty() ? "" : towards(s.metric) + s.from);
  }

  void value(Case& c, const std::vector<const Series*>& measured) const {
    std::vector<const Series*> share;
    std::vector<TimeWindow> times;
    for (const Series* s : measured) {
      c.uncertainty = std::max(c.uncertainty, s->uncertainty);
      const auto in = inside(s->actor);
      times.insert(times.end(), in.begin(), in.end());
      const Series* by = beside(*s, metric_.share);
      if (by != nullptr && by->state == Measured::kOk) share.push_back(by);
    }
    if (t_.stat.stat == Stat::kRatio && *metric_.share != '\0' && share.size() < measured.size()) {
      c.text = fmt::format("{} was not measured for all of it", metric_.share);
      return;
    }
    const StatValue got =
        compute(t_.stat, metric_, measured, share, window_, seconds_within(times, window_));
    c.samples = got.samples;
    if (got.has_place) {
      const Series& worst = *measured[got.series];
      c.place = CasePlace{got.at_ns, worst.actor, worst.from};
      // What is sent is to be seen at the other end.
      if (is_sent(worst.metric) && !worst.from.empty()) std::swap(c.place->actor, c.place->from);
      find_place(*c.place, evidence_);
    }
    if (!got.value || (got.samples < t_.least_samples && t_.least_samples > 1)) {
      c.text = got.value ? fmt::format("{} samples: expected {}", got.samples, t_.least_samples)
                         : got.why;
      return;
    }
    c.value = got.value;
    compare(c);
    const bool one = t_.stat.stat == Stat::kMin || t_.stat.stat == Stat::kMax;
    doubt(c, measured, one && got.has_place ? std::optional(got.at_ns) : std::nullopt);
  }

  // Rule 5.
  void doubt(Case& c, const std::vector<const Series*>& measured,
             std::optional<int64_t> at_ns) const {
    if (c.verdict != Verdict::kFail && c.verdict != Verdict::kWarn) return;
    Missed missed{t_, metric_, *c.value, {}, window_, at_ns};
    for (const Series* s : measured) {
      if (!s->from.empty()) missed.senders.insert(s->from);
    }
    const std::string why = blames_the_bot(missed, series_);
    if (why.empty()) return;
    c.text += fmt::format(" (would be {}, but {})", name_of(c.verdict), why);
    c.verdict = Verdict::kInvalid;
  }

  void compare(Case& c) const {
    // Of counts, rates and shares the values' own uncertainty says nothing.
    if (std::string_view(c.unit) != metric_.unit || metric_.kind == MetricKind::kCount)
      c.uncertainty = 0;
    const std::string error = " ± " + value_text(c.uncertainty, c.unit);
    const double near = std::abs(*c.value - t_.value);
    if (c.uncertainty > 0 && std::abs(t_.value) < c.uncertainty) {
      c.verdict = Verdict::kInvalid;
      c.text = fmt::format("the limit of {} is tighter than the clocks can tell ({})",
                           value_text(t_.value, c.unit), error.substr(1));
    } else if (c.uncertainty > 0 && near < c.uncertainty) {
      c.verdict = Verdict::kInvalid;
      c.text = fmt::format("{}{} may lie on either side of {}", value_text(*c.value, c.unit), error,
                           value_text(t_.value, c.unit));
    } else {
      c.verdict = holds(*c.value, t_.op, t_.value) ? Verdict::kPass
                  : t_.warn                        ? Verdict::kWarn
                                                   : Verdict::kFail;
      c.text = fmt::format("{} {}{}, expected {} {}", c.stat, value_text(*c.value, c.unit),
                           c.uncertainty > 0 ? error : "", t_.op, value_text(t_.value, c.unit));
    }
  }

  // Rule 6. The worst group is the one that is shown.
  Case together(Case total, const std::vector<Case>& cases) const {
    size_t passed = 0;
    size_t failed = 0;
    size_t invalid = 0;
    for (const Case& c : cases) {
      passed += c.verdict == Verdict::kPass ? 1 : 0;
      failed += c.verdict == Verdict::kFail || c.verdict == Verdict::kWarn ? 1 : 0;
      invalid += c.verdict == Verdict::kInvalid ? 1 : 0;
      total.samples += c.samples;
    }
    const auto n = cases.size();
    const auto need = static_cast<size_t>(std::ceil(t_.quorum * static_cast<double>(n) - 1e-9));
    if (passed >= need)
      total.verdict = Verdict::kPass;
    else if (n - failed < need)
      total.verdict = t_.warn ? Verdict::kWarn : Verdict::kFail;
    else
      total.verdict = invalid > 0 ? Verdict::kInvalid : Verdict::kUnmeasured;
    const Case& shown = worst(cases, total.verdict);
    total.value = shown.value;
    total.uncertainty = shown.uncertainty;
    total.place = shown.place;
    total.detail = shown.detail;
    total.groups = n;
    total.groups_passed = passed;
    total.text = fmt::format("{}: {}; {} of {} {}s pass", shown.detail, shown.text, passed, n,
                             name_of(t_.per));
    if (need < n) total.text += fmt::format(", {} have to", need);
    return total;
  }

  // Of at least one.
  const Case& worst(const std::vector<Case>& cases, Verdict verdict) const {
    const Case* found = &cases.front();
    for (const Case& c : cases) {
      const bool kind = c.verdict == verdict;
      if ((kind && found->verdict != verdict) ||
          (kind && c.value && found->value && further(*c.value, *found->value)))
        found = &c;
    }
    return *found;
  }
  bool further(double a, double b) const {
    return t_.op[0] == '>'   ? a < b
           : t_.op[0] == '<' ? a > b
                             : std::abs(a - t_.value) > std::abs(b - t_.value);
  }

  const Threshold& t_;
  const Metric& metric_;
  const Evidence& evidence_;
  const std::span<const Series* const> series_;
  const TimeWindow window_;
  mutable std::vector<std::string> missing_;  // who was expected and has no series
};

}  // namespace

bool holds(double value, std::string_view op, double limit) {
  if (op == "<") return value < limit;
  if (op == "<=") return value <= limit;
  if (op == ">") return value > limit;
  if (op == ">=") return value >= limit;
  if (op == "==") return value == limit;
  return value != limit;
}

Case judge_threshold(const Threshold& threshold, const Evidence& evidence) {
  std::vector<const Series*> series;
  series.reserve(evidence.series.size());
  for (const Series& s : evidence.series) series.push_back(&s);
  return judge_threshold(threshold, evidence, series);
}

Case judge_threshold(const Threshold& threshold, const Evidence& evidence,
                     std::span<const Series* const> series) {
  Case c;
  c.name = threshold.name.empty() ? text_of(threshold) : threshold.name;
  c.metric = threshold.metric;
  c.written = threshold.place;
  const Metric* metric = find_metric(threshold.metric);
  const auto window = window_of(threshold.span, evidence);
  if (metric == nullptr) {
    c.text = "no such metric";
  } else if (!window) {
    c.text = window.error().message;
    c.definition = metric->what;
  } else {
    c = Judge(threshold, *metric, evidence, series, *window).all();
  }
  if (threshold.warn && c.verdict == Verdict::kUnmeasured) c.softened = true;
  return c;
}

std::vector<Case> judge_thresholds(const Scenario& scenario, const Evidence& evidence) {
  std::vector<Case> out;
  for (const Threshold& t : scenario.thresholds) out.push_back(judge_threshold(t, evidence));
  return out;
}

}  // namespace callbot::scenarios
