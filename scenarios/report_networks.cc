#include "scenarios/report_networks.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/html.h"

namespace callbot::scenarios {
namespace {

constexpr double kLeastSpan = 0.4;   // % of the width: neighbours that are less are drawn as one
constexpr double kLeastLabel = 4;    // % of the width: less has room for no word
constexpr double kLeastApart = 0.8;  // % of the width, from line to line
constexpr size_t kManyLines = 12;    // more hide what is drawn, unless they are faint
constexpr size_t kMostNamed = 3;     // in the title of several
constexpr int64_t kNoGap_ns = 50'000'000;  // our choice: the next begins where the last one ended

// What is drawn as one.
struct Phases {
  std::vector<const NetworkFact*> facts;
  double from = 0, to = 0;  // % of the width
  bool begins_call = false;
};

double percent(const Evidence& e, const TimeScale& scale, int64_t at_ns) {
  return scale.x(e.seconds(at_ns)) / kChartWidth * 100;
}

// Does a call begin with it, rather than change in it?
bool begins_call(const Evidence& e, const NetworkFact* before, const NetworkFact& fact) {
  if (before == nullptr) {
    const ActorFacts* actor = e.actor(fact.actor);
    return actor == nullptr ||
           std::none_of(actor->inside.begin(), actor->inside.end(), [&](const TimeWindow& stay) {
             return fact.span.from_ns > stay.from_ns + kNoGap_ns &&
                    (stay.to_ns == 0 || fact.span.from_ns < stay.to_ns);
           });
  }
  const bool gap = fact.span.from_ns - before->span.to_ns > kNoGap_ns;
  return gap && fact.set_by == before->set_by;
}

std::vector<Phases> phases_of(const Evidence& e, const TimeScale& scale, const std::string& actor) {
  std::vector<const NetworkFact*> facts;
  for (const NetworkFact& fact : e.networks)
    if (fact.actor == actor && fact.span.to_ns > e.began_ns) facts.push_back(&fact);
  std::stable_sort(facts.begin(), facts.end(),
                   [](auto* a, auto* b) { return a->span.from_ns < b->span.from_ns; });
  std::vector<Phases> out;
  const NetworkFact* before = nullptr;
  for (const NetworkFact* fact : facts) {
    Phases one{{fact},
               percent(e, scale, fact->span.from_ns),
               percent(e, scale, fact->span.to_ns),
               begins_call(e, before, *fact)};
    before = fact;
    const bool narrow = !out.empty() && out.back().to - out.back().from < kLeastSpan &&
                        one.to - one.from < kLeastSpan && one.from - out.back().to < kLeastSpan;
    if (!narrow) {
      out.push_back(std::move(one));
      continue;
    }
    out.back().facts.push_back(fact);
    out.back().to = one.to;
  }
  return out;
}

std::string label_of(const NetworkFact& fact) {
  return fact.label.empty() ? fact.conditions : fact.label;
}

std::string span_of(const Evidence& e, const TimeWindow& span) {
  return span_text(e.seconds(span.from_ns), e.seconds(span.to_ns));
}

std::string title_of(const Evidence& e, const Phases& phases) {
  const NetworkFact& first = *phases.facts.front();
  const size_t count = phases.facts.size();
  if (count == 1)
    return html(
        fmt::format("{}, {}: {} ({}), {}{}{}", first.actor, span_of(e, first.span),
                    first.conditions, first.set_by.empty() ? "its own" : "set by " + first.set_by,
                    proof_text(first), first.text.empty() ? "" : ": ", first.text),
        600);
  std::string named;
  for (size_t i = 0; i < count && i < kMostNamed; ++i)
    named += (i == 0 ? "" : "; ") + label_of(*phases.facts[i]);
  return html(fmt::format("{}, {}: {} phases: {}{}", first.actor,
                          span_of(e, {first.span.from_ns, phases.facts.back()->span.to_ns}), count,
                          named, count > kMostNamed ? " ..." : ""),
              600);
}

std::string css_of(const Phases& phases) {
  const auto all = [&](auto&& is) {
    return std::all_of(phases.facts.begin(), phases.facts.end(), [&](auto* f) { return is(*f); });
  };
  const auto any = [&](Outcome outcome) {
    return !all([&](const NetworkFact& f) { return f.outcome != outcome; });
  };
  std::string css = "network";
  if (all([](const NetworkFact& f) { return f.conditions == "clean"; }))
    css += " clean";
  else if (all([](const NetworkFact& f) { return f.label == "blackout"; }))
    css += " cut";
  if (any(Outcome::kInvalid))
    css += " unproved";
  else if (any(Outcome::kUnmeasured))
    css += " unseen";
  return css;
}

std::string label_of(const Phases& phases) {
  if (phases.to - phases.from < kLeastLabel) return "";
  return html(label_of(*phases.facts.front()), 60);
}

}  // namespace

std::string network_strip(const Evidence& e, const TimeScale& scale, const std::string& actor,
                          Strip kind) {
  std::string out;
  for (const Phases& phases : phases_of(e, scale, actor))
    out += fmt::format(
        "<span class=\"{}\" style=\"left:{:.2f}%;width:{:.2f}%\" title=\"{}\">{}"
        "</span>",
        css_of(phases), phases.from, phases.to - phases.from, title_of(e, phases),
        kind == Strip::kWithLabels ? label_of(phases) : "");
  if (out.empty()) return "";
  return fmt::format("<div class=\"networks{}\">{}</div>", kind == Strip::kThin ? " thin" : "",
                     out);
}

std::string network_lines(const Evidence& e, const TimeScale& scale,
                          const std::set<std::string>& actors, double height) {
  std::vector<Phases> changes;
  for (const std::string& actor : actors) {
    for (Phases& phases : phases_of(e, scale, actor))
      if (!phases.begins_call) changes.push_back(std::move(phases));
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Phases& a, const Phases& b) { return a.from < b.from; });
  std::vector<const Phases*> drawn;
  for (const Phases& change : changes)
    if (drawn.empty() || change.from - drawn.back()->from >= kLeastApart) drawn.push_back(&change);
  const bool faint = drawn.size() > kManyLines;
  std::string out;
  for (const Phases* change : drawn)
    out += fmt::format(R"(<path class="change{}" d="M{:.1f} 0V{:g}"><title>{}</title></path>)",
                       faint ? " faint" : "", change->from / 100 * kChartWidth, height,
                       title_of(e, *change));
  return out;
}

std::string network_legend(const Evidence& e) {
  if (e.networks.empty()) return "";
  return "<li><i class=\"key network\"></i>network</li>"
         "<li><i class=\"key network clean\"></i>clean network</li>"
         "<li><i class=\"key network cut\"></i>blackout</li>"
         "<li><i class=\"key network unproved\"></i>network not proved</li>";
}

std::vector<std::string> networked(const Evidence& e, const std::set<std::string>& actors) {
  std::vector<std::string> out;
  for (const std::string& actor : actors) {
    if (std::any_of(e.networks.begin(), e.networks.end(),
                    [&](const NetworkFact& fact) { return fact.actor == actor; }))
      out.push_back(actor);
  }
  return out;
}

std::string proof_text(const NetworkFact& fact) {
  return fact.outcome == Outcome::kSkipped ? "not asked" : name_of(fact.outcome);
}

}  // namespace callbot::scenarios
