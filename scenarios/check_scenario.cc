// What no single key can tell: names that are used but not there, steps that cannot be.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "base/files.h"
#include "scenarios/decode.h"
#include "scenarios/nearest.h"

namespace callbot::scenarios {
namespace {

class Checks {
 public:
  Checks(Notes& notes, const Scenario& scenario)
      : notes_(notes), scenario_(scenario), instances_(instances(scenario)) {}

  void all() {
    actors();
    load();
    steps();
    for (size_t i = 0; i < scenario_.timeline.size(); ++i) row(i);
    for (size_t i = 0; i < scenario_.thresholds.size(); ++i) threshold(i);
    // Among which may be what lets somebody join.
    const auto& mistakes = notes_.mistakes();
    const bool wrong_steps = std::any_of(mistakes.begin(), mistakes.end(), [](const Mistake& m) {
      return m.path.starts_with("steps[");
    });
    for (size_t i = 0; i < scenario_.actors.size(); ++i) {
      const Actor& a = scenario_.actors[i];
      if (!a.elsewhere && joins_.count(a.role) == 0 && !wrong_steps)
        notes_.mistake(path_of("actors", a.role), "no step and no load lets it join", true);
    }
  }

 private:
  template <class T>
  static std::vector<std::string_view> names(const std::vector<T>& all, std::string T::*member) {
    std::vector<std::string_view> out;
    out.reserve(all.size());
    for (const T& one : all) out.emplace_back(one.*member);
    return out;
  }

  void unknown(const std::string& path, const char* what, const std::string& name,
               const std::vector<std::string_view>& known) {
    notes_.mistake(path, fmt::format("unknown {} \"{}\"{}", what, printable(name, 60),
                                     suggestion(name, known)));
  }

  void media(const std::string& path, const std::string& name) {
    if (!name.empty() && scenario_.media_named(name) == nullptr)
      unknown(path, "media", name, names(scenario_.media, &Media::name));
  }

  // Whom a pattern means; complains where that is nobody.
  std::vector<const Instance*> whom(const std::string& path, const std::string& pattern) {
    std::vector<const Instance*> out;
    if (pattern.empty()) return out;
    for (const Instance& i : instances_) {
      if (matches(pattern, i.actor->role, i.name)) out.push_back(&i);
    }
    if (out.empty() && !scenario_.actors.empty())
      unknown(path, "actor", pattern, names(scenario_.actors, &Actor::role));
    return out;
  }

  void actors() {
    std::set<std::string> seen, shown;
    for (const Actor& a : scenario_.actors) {
      const std::string path = path_of("actors", a.role);
      if (!a.room.empty() && scenario_.room(a.room) == nullptr)
        unknown(path_of(path, "room"), "room", a.room, names(scenario_.rooms, &Room::name));
      media(path_of(path, "send"), a.send);
      if (a.elsewhere) elsewhere(path, a);
      for (const char* key : {"seed", "echo"})
        if (!a.elsewhere && is_given(path_of(path, key)))
          notes_.mistake(path_of(path, key), "only for one that is elsewhere");
    }
    for (const Instance& i : instances_) {
      if (!seen.insert(i.name).second)
        notes_.mistake(path_of("actors", i.actor->role),
                       fmt::format("{} is the name of two actors", i.name), true);
      if (!shown.insert(i.url + "\n" + i.room + "\n" + i.shown).second)
        notes_.mistake(path_of(path_of("actors", i.actor->role), "name"),
                       fmt::format("{} is the name of two in one room", i.shown));
    }
  }

  // Another program plays it: there is nothing here that does anything for it.
  void elsewhere(const std::string& path, const Actor& actor) {
    for (const char* key : {"count", "token", "verify", "verify_window", "playout_latency",
                            "network", "browser", "optional"})
      if (is_given(path_of(path, key)))
        notes_.mistake(path_of(path, key), "not for one that is elsewhere");
    size_t there = 0;
    for (const Instance& i : instances_) {
      if (i.actor == &actor && ++there == 2)
        notes_.mistake(path, "elsewhere: expected a room without a count", true);
      if (i.actor == &actor && there == 1 && i.url == kEmbedded)
        notes_.mistake(path, "elsewhere: expected a room with a url", true);
      if (i.actor < &actor && i.actor->elsewhere && i.actor->echo.empty() && actor.echo.empty() &&
          i.actor->seed == actor.seed)
        notes_.mistake(path_of(path, "seed"), fmt::format("{} has that one", i.name));
    }
    if (!actor.echo.empty()) return echo(path, actor);
    // Ours are numbered from 1.
    if (actor.seed <= instances_.size())
      notes_.mistake(path_of(path, "seed"),
                     fmt::format("expected more than {}: our own actors have those numbers",
                                 instances_.size()));
  }

  // Its marks are those of another one.
  void echo(const std::string& path, const Actor& actor) {
    for (const char* key : {"send", "seed"})
      if (is_given(path_of(path, key)))
        notes_.mistake(path_of(path, key),
                       "not for an echo: it sends what " + actor.echo + " does");
    const auto whose = whom(path_of(path, "echo"), actor.echo);
    if (whose.empty()) return;
    const auto is_its_room = [&](const Instance& i) {
      return i.actor == &actor && in_one_room(i, *whose.front());
    };
    const Actor& one = *whose.front()->actor;
    if (whose.size() > 1 || one.elsewhere || !one.browser.empty() || one.send.empty() ||
        std::none_of(instances_.begin(), instances_.end(), is_its_room))
      notes_.mistake(path_of(path, "echo"),
                     "expected one bot of this scenario, in the same room, that sends something");
  }

  void played_elsewhere(const std::string& path, const std::string& who) {
    notes_.mistake(path, fmt::format("{} is played elsewhere", who));
  }

  bool is_given(const std::string& path) const { return notes_.document().values.count(path) > 0; }

  void load() {
    std::map<std::string, int> before_stage;  // by role
    for (size_t i = 0; i < scenario_.load.size(); ++i) {
      const LoadStage& stage = scenario_.load[i];
      const std::string path = path_of(path_of("load.stages", i), "who");
      const Actor* actor = scenario_.actor(stage.who);
      if (actor == nullptr) {
        if (!stage.who.empty())
          unknown(path, "role", stage.who, names(scenario_.actors, &Actor::role));
        continue;
      }
      if (actor->elsewhere) played_elsewhere(path, stage.who);
      loaded_.insert(actor->role);
      joins_.insert(actor->role);
      const auto count = std::count_if(instances_.begin(), instances_.end(),
                                       [&](const Instance& one) { return one.actor == actor; });
      if (stage.to > count)
        notes_.mistake(path_of(path_of("load.stages", i), "to"),
                       fmt::format("there are only {} of {}", count, stage.who));
      int& before = before_stage[stage.who];
      const int moves = std::abs(stage.to - std::exchange(before, stage.to));
      if (stage.join_rate > 0 && moves > stage.join_rate * stage.lasts + 1)
        notes_.mistake(path_of(path_of("load.stages", i), "for"),
                       fmt::format("{} of {} take longer than that at {:g} a second", moves,
                                   stage.who, stage.join_rate));
    }
  }

  void steps() {
    for (const Step& step : scenario_.steps) {
      const std::string path = path_of("steps", step.index);
      const auto who = whom(path_of(path, "who"), step.who);
      whom(path_of(path, "from"), step.from);
      whom(path_of(path, "to"), step.to);
      media(path_of(path, "media"), step.media);
      if (step.kind == StepKind::kMark && !marks_.emplace(step.mark, step.index).second)
        notes_.mistake(path_of(path, "mark"), fmt::format("{} is a mark already (step {})",
                                                          step.mark, marks_[step.mark] + 1));
      if (!who.empty()) presence(step, path, who);
      if (step.kind == StepKind::kExpect) expectation(step, path);
    }
  }

  void expectation(const Step& step, const std::string& path) {
    const Expectation* row = find_expectation(step.what);
    const std::string at = path_of(path, "who");
    if (row != nullptr && row->decodes && !looks(step.who, Looks::kRotate))
      notes_.mistake(at, fmt::format("{} decodes nothing: expected {}", step.who,
                                     expected_of(Looks::kRotate)));
    const Metric* metric = find_metric(step.metric);
    if (metric != nullptr && !looks(step.who, metric->looks))
      notes_.mistake(at, fmt::format("{} does not measure {}: expected {}", step.who, metric->name,
                                     expected_of(metric->looks)));
  }

  std::vector<const Instance*> ours(const std::string& at, bool pattern,
                                    std::vector<const Instance*> who) {
    std::erase_if(who, [&](const Instance* one) {
      if (one->actor->elsewhere && !pattern) played_elsewhere(at, one->name);
      return one->actor->elsewhere;
    });
    return who;
  }

  // Who is in the call, as far as the steps say. A pattern with * means those of them who can: who
  // is not there yet to join, who is there for all else.
  void presence(const Step& step, const std::string& path,
                const std::vector<const Instance*>& who) {
    const std::string at = path_of(path, "who");
    const bool join = step.kind == StepKind::kJoin;
    const bool leaves = step.kind == StepKind::kLeave || step.kind == StepKind::kCrash;
    const bool pattern = step.who.find('*') != std::string::npos;
    size_t able = 0;
    for (const Instance* one : ours(at, pattern, who)) {
      const bool loaded = loaded_.count(one->actor->role) > 0;
      if (loaded && join) {
        if (!pattern)
          notes_.mistake(at, fmt::format("{} joins by `load` already", one->actor->role));
        continue;
      }
      if (loaded || step.kind == StepKind::kNetwork) {
        ++able;
        continue;
      }
      const bool inside = inside_.count(one->name) > 0;
      if (inside != join) ++able;
      if (inside == join && !pattern)
        notes_.mistake(at, fmt::format("{} {}", one->name,
                                       join ? "has joined already" : "is not in the call here"));
      if (join) joins_.insert(one->actor->role);
      if (join) inside_.insert(one->name);
      if (leaves) inside_.erase(one->name);
    }
    if (able == 0 && pattern)
      notes_.mistake(at, join ? "nobody is left to join" : "nobody is in the call here");
  }

  void end(const std::string& path, const std::optional<Span::End>& end) {
    if (!end || end->mark.empty() || marks_.count(end->mark) > 0) return;
    std::vector<std::string_view> known;
    for (const auto& [name, step] : marks_) known.emplace_back(name);
    unknown(path, "mark", end->mark, known);
  }

  void span(const std::string& path, const Span& span) {
    const bool between = notes_.document().values.count(path_of(path, "between")) > 0;
    end(between ? path_of(path_of(path, "between"), 0) : path_of(path, "after"), span.from);
    end(between ? path_of(path_of(path, "between"), 1) : path_of(path, "before"), span.to);
    if (!span.from || !span.to) return;
    const auto from = marks_.find(span.from->mark);
    const auto to = marks_.find(span.to->mark);
    const bool marks = from != marks_.end() && to != marks_.end();
    const bool times = span.from->mark.empty() && span.to->mark.empty();
    if ((marks && from->second >= to->second) || (times && span.from->seconds >= span.to->seconds))
      notes_.mistake(path_of(path, "between"), "expected the earlier one first");
  }

  void row(size_t index) {
    const TimelineRow& r = scenario_.timeline[index];
    const std::string path = path_of("timeline", index);
    whom(path_of(path, "who"), r.who);
    for (const TimelineRow::Item& item : r.items) {
      const char* rule = item.rule == Rule::kMust  ? "must"
                         : item.rule == Rule::kMay ? "may"
                                                   : "must_not";
      whom(path_of(path, fmt::format("{}_{}", rule, item.sight == Sight::kSeen ? "see" : "hear")),
           item.whom);
    }
    span(path, r.span);
    if (!looks(r.who, Looks::kRotate))
      notes_.mistake(path_of(path, "who"),
                     "none of them decodes anything: expected verify: rotate or all");
  }

  void threshold(size_t index) {
    const Threshold& t = scenario_.thresholds[index];
    const std::string path = path_of("thresholds", index);
    const auto who = whom(path_of(path, "who"), t.who);
    if (!who.empty() && std::all_of(who.begin(), who.end(),
                                    [](const Instance* one) { return one->actor->elsewhere; }))
      played_elsewhere(path_of(path, "who"), t.who);
    whom(path_of(path, "from"), t.from);
    span(path, t.span);
    const Metric* metric = find_metric(t.metric);
    if (metric != nullptr && !looks(t.who.empty() ? "*" : t.who, metric->looks))
      notes_.mistake(path_of(path, "metric"),
                     fmt::format("nobody it is about measures {}: expected {}", t.metric,
                                 expected_of(metric->looks)));
  }

  static Looks looks_of(const Actor& actor) {
    switch (actor.verify) {
      case Verify::kNone:
        return Looks::kNone;
      case Verify::kHeaders:  // browsers decode what they show
        return actor.browser.empty() ? Looks::kHeaders : Looks::kRotate;
      case Verify::kRotate:
        return Looks::kRotate;
      case Verify::kAll:
        return Looks::kAll;
    }
    return Looks::kNone;
  }

  // One of them looks so closely, or closer.
  bool looks(const std::string& who, Looks how) const {
    bool anybody = false;
    for (const Instance& i : instances_) {
      if (!matches(who, i.actor->role, i.name)) continue;
      anybody = true;
      if (looks_of(*i.actor) >= how) return true;
    }
    return !anybody;  // that is another mistake
  }

  Notes& notes_;
  const Scenario& scenario_;
  const std::vector<Instance> instances_;
  std::map<std::string, size_t> marks_;
  std::set<std::string> joins_;   // roles that ever join
  std::set<std::string> loaded_;  // roles that `load` lets join
  std::set<std::string> inside_;  // instances
};

}  // namespace

void check_scenario(Notes& notes, const Scenario& scenario) { Checks(notes, scenario).all(); }

}  // namespace callbot::scenarios
