#include "bot/scenario_run.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <thread>

#include "base/clock.h"
#include "base/units.h"
#include "scenarios/fold_plan.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using scenarios::Outcome;
using State = ScenarioActor::State;

constexpr auto kTick = 10ms;  // how exactly steps keep their times: our choice
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLeaveWithin = 6 * kSecond;  // of everybody, in the end

std::map<std::string, std::string> machine() {
  const unsigned all = std::thread::hardware_concurrency();
  std::map<std::string, std::string> facts = {{"processors", std::to_string(all)}};
  if (const double ours = CpuAllowance().processors(); ours < all)
    facts["processors"] += fmt::format(" ({:.3g} for the bot)", ours);
  utsname system{};
  if (uname(&system) == 0)
    facts["system"] = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
  return facts;
}

}  // namespace

ScenarioRun::ScenarioRun(Loop& loop, Console& console, const scenarios::Scenario& scenario,
                         Facts facts, Done done)
    : loop_(loop),
      console_(console),
      scenario_(scenario),
      done_(std::move(done)),
      watch_(scenario),
      folding_(scenarios::fold_plan_of(scenario)),
      ourselves_(
          "", [this](const Series& s, const Sample& one) { measured(s, one); }, &folding_),
      keep_(std::move(facts.keep)) {
  evidence_.scenario = scenario.name;
  evidence_.file = scenario.file;
  evidence_.description = scenario.description;
  evidence_.version = CALLBOT_VERSION;
  evidence_.seed = scenario.seed;
  evidence_.run = facts.number;
  evidence_.variables = std::move(facts.variables);
  evidence_.machine = machine();
}

ScenarioRun::~ScenarioRun() {
  feeds_.reset();
  step_.reset();
  cast_.reset();  // before the server they are connected to
}

Result<std::string> ScenarioRun::start_server() {
  const auto all = scenarios::instances(scenario_);
  const bool wanted = std::any_of(all.begin(), all.end(),
                                  [](const auto& i) { return i.url == scenarios::kEmbedded; });
  if (!wanted) return "";
  ServeOptions options;
  options.port = 0;
  options.most_members = std::max(options.most_members, static_cast<int>(all.size()));
  serve_ = std::make_unique<Serve>(loop_, console_, options);
  return serve_->start().map([&] { return "ws" + serve_->url().substr(4); });
}

void ScenarioRun::start() {
  const int64_t now = monotonic_ns();
  evidence_.began_ns = evidence_.steps_ns = now;
  evidence_.began_wall_ns = wall_ns();
  const auto server = start_server();
  Cast::Hears hears{[this](ScenarioActor& actor, const Told& what) { told(actor, what); },
                    [this](const Series& series, const Sample& one) { measured(series, one); },
                    [this](const scenarios::Instance& who) { return media_of(who); }, &folding_};
  cast_ = std::make_unique<Cast>(loop_, scenario_, server ? *server : "", std::move(hears));
  load_ = std::make_unique<ScenarioLoad>(scenario_, *cast_);
  if (!server) {
    evidence_.established = false;
    end(server.error().message);
  }
  watch_.steps_began(now);
  ticked_ns_ = looked_ns_ = now;
  self_.emplace(now, ourselves_);
  tick_.every(kTick, [this] { tick(); });
  if (server) read_feeds();
}

// Nobody joins before all is there that is to be sent.
void ScenarioRun::read_feeds() {
  feeds_ = std::make_unique<ScenarioFeeds>(loop_, console_, scenario_);
  if (!feeds_->anything_to_read()) return feeds_.reset();
  feeds_->read([this](Result<std::map<std::string, ActorFeeds>> read) {
    loop_.post(alive_.guard([this] { feeds_.reset(); }));
    if (!read) {
      evidence_.established = false;
      return end(read.error().message);
    }
    for (const auto& actor : cast_->all()) {
      const auto found = read->find(actor->who().name);
      if (found != read->end()) actor->take_feeds(std::move(found->second));
    }
  });
}

// Null: what it receives is not kept.
std::unique_ptr<ScenarioMedia> ScenarioRun::media_of(const scenarios::Instance& who) {
  if (keep_.empty() || who.actor->verify == scenarios::Verify::kNone) return nullptr;
  return std::make_unique<ScenarioMedia>(loop_, pool_, keep_, who.name);
}

void ScenarioRun::interrupt() {
  evidence_.interrupted = true;
  end("interrupted");
}

// --- the timeline

void ScenarioRun::tick() {
  const int64_t now = monotonic_ns();
  self_->ticked(std::max(0.0, static_cast<double>(now - ticked_ns_) / 1e9 - 0.01));
  ticked_ns_ = now;
  if (now - looked_ns_ >= kSecond) look_every_second(now);
  take_proofs();
  if (ending_) return let_go();
  if (feeds_) return;
  if (scenario_.timeout && now > evidence_.began_ns + std::llround(*scenario_.timeout * 1e9))
    return end(fmt::format("it took longer than {}", seconds_text(*scenario_.timeout)));
  if (next_ == 0 && !cast_->is_prepared()) return;
  look_after_load(now);
  // Steps that take no time follow one another at once.
  while (!ending_) {
    if (!step_) next_step(now);
    if (!step_) return;
    const auto ended = step_->poll(now);
    if (!ended) return;
    step_ended(*ended, now);
  }
}

void ScenarioRun::next_step(int64_t now) {
  if (next_ == scenario_.steps.size()) return end("");
  const scenarios::Step& step = scenario_.steps[next_];
  if (step.at && now < evidence_.steps_ns + std::llround(*step.at * 1e9)) return;
  ++next_;
  if (next_ == 1) {
    evidence_.steps_ns = now;
    watch_.steps_began(now);
    scenarios::cut_at_times(folding_, scenario_, now);
    load_->begin(now);
  }
  if (step.kind == scenarios::StepKind::kExpect) folding_.cut(now);
  step_ = std::make_unique<ScenarioStep>(step, *cast_);
  step_->begin(now);
}

void ScenarioRun::step_ended(const StepEnd& ended, int64_t now) {
  const scenarios::Step& step = step_->step();
  const std::string what = text_of(step);
  evidence_.steps.push_back({step.index,
                             what,
                             name_of(step.kind),
                             ended.actor,
                             ended.outcome,
                             step.optional,
                             {step_->began_ns(), now},
                             ended.text});
  if (step.kind == scenarios::StepKind::kMark) {
    evidence_.marks.push_back({step.mark, now});
    watch_.mark(step.mark, now);
    folding_.cut(now);
  }
  console_.event("step",
                 fmt::format("{}: {}{}{}", what, name_of(ended.outcome),
                             ended.text.empty() ? "" : ": ", ended.text),
                 Json::object()
                     .set("step", step.index)
                     .set("what", what)
                     .set("outcome", name_of(ended.outcome))
                     .set("text", ended.text));
  step_.reset();
  // Who did not get in does nothing of what comes.
  if (step.kind == scenarios::StepKind::kJoin && ended.outcome != Outcome::kDone &&
      !step.optional) {
    evidence_.established = false;
    end(ended.text);
  }
}

void ScenarioRun::take_proofs() {
  for (const auto& actor : cast_->all()) {
    for (const auto& proof : actor->take_proofs()) take_proof(proof);
  }
}

// What a step wanted proved, and was not: its outcome is invalid, long after it ended.
void ScenarioRun::take_proof(const ScenarioNetwork::Proof& proof) {
  const scenarios::NetworkFact& fact = proof.fact;
  evidence_.networks.push_back(fact);
  if (fact.outcome == Outcome::kSkipped) return;
  const std::string text = fmt::format("{}: {}{}{}", fact.actor, fact.conditions,
                                       fact.text.empty() ? "" : ": ", fact.text);
  console_.event(fact.outcome == Outcome::kInvalid ? "unproved" : "network", text,
                 Json::object()
                     .set("actor", fact.actor)
                     .set("step", proof.step ? Json::of(*proof.step) : Json())
                     .set("conditions", fact.conditions)
                     .set("outcome", name_of(fact.outcome))
                     .set("why", fact.text));
  const auto step = std::find_if(evidence_.steps.begin(), evidence_.steps.end(),
                                 [&](const auto& f) { return proof.step == f.index; });
  if (step == evidence_.steps.end() || step->outcome != Outcome::kDone) return;
  step->outcome = fact.outcome;
  step->text =
      fmt::format("{}{}: {}", step->text.empty() ? "" : step->text + "; ", fact.actor, fact.text);
  if (fact.outcome == Outcome::kInvalid) step->actor = fact.actor;
}

// Others of the load may well get in: the run goes on.
void ScenarioRun::look_after_load(int64_t now) {
  load_->tick(now);
  for (const std::string& failure : load_->take_failures()) {
    evidence_.established = false;
    evidence_.events.push_back({now, "", "load", failure});
    console_.event("load", failure, Json::object().set("text", failure));
    if (not_in_.empty()) not_in_ = failure;
  }
}

void ScenarioRun::look_every_second(int64_t now) {
  for (const auto& actor : cast_->all()) actor->sample(now);
  for (const auto& actor : cast_->all()) {
    self_->left_out(actor->who().name, actor->left_out());
    self_->behind(actor->who().name, actor->behind());
  }
  self_->look(now, process_seconds(), drops_.take());
  looked_ns_ = now;
  if (const auto why = watch_.check(now); why && !ending_) end(*why);
}

// --- what comes of it

void ScenarioRun::measured(const Series& series, const Sample& sample) {
  if (series.metric == "bot.overruns" && self_) self_->overran(series.actor, sample.value);
  if (series.metric == "bot.encoder_limited" && self_) self_->limited(series.actor, sample.value);
  if (watch_.empty()) return;
  const auto role = [&](const std::string& name) {
    const ScenarioActor* actor = cast_->named(name);
    return actor == nullptr ? "" : actor->who().actor->role;
  };
  watch_.sample({series.metric, series.actor, role(series.actor), series.from, role(series.from),
                 series.stream},
                sample);
}

// Nobody here makes one who is elsewhere do something: a step that waits for it does.
bool ScenarioRun::is_awaited(const std::string& what, const ScenarioActor& of) const {
  if (!of.is_elsewhere()) return false;
  const size_t from = std::min(next_ == 0 ? 0 : next_ - 1, scenario_.steps.size());
  return std::any_of(scenario_.steps.begin() + static_cast<std::ptrdiff_t>(from),
                     scenario_.steps.end(), [&](const scenarios::Step& step) {
                       return step.kind == scenarios::StepKind::kExpect && step.what == what &&
                              scenarios::matches(step.from, of.who().actor->role, of.who().name);
                     });
}

bool ScenarioRun::is_unexpected(const ScenarioActor& actor, const Told& told) const {
  if (ending_ || actor.state() == State::kLeaving) return false;
  const ScenarioActor* other = cast_->shown(actor, told.from);
  // That somebody crashed is heard of late, maybe when he is back.
  const bool stays = other != nullptr && other->state() == State::kInside && !other->crashed();
  if (told.kind == "joined")
    return other == nullptr || (other->state() == State::kOut && !other->is_elsewhere());
  if (told.kind == "left") return stays && !is_awaited("left", *other);
  if (told.kind == "reconnected" || told.kind == "broken")
    return other == nullptr || (stays && !is_awaited("left", *other));
  if (other != nullptr && is_awaited(told.kind, *other)) return false;
  if (told.kind == "muted" || told.kind == "unmuted") {
    const auto kind = told.text == "camera" ? MediaKind::kVideo : MediaKind::kAudio;
    return other == nullptr || other->on(kind) == (told.kind == "muted");
  }
  if (told.kind == "connected" || told.kind == "trouble" || told.kind == "rendition") return false;
  if (told.kind == "message" || told.kind == "file")
    return other == nullptr || !other->has_posted(told.kind);
  return true;  // a lost server: no step makes one
}

void ScenarioRun::told(ScenarioActor& actor, const Told& told) {
  const std::string text =
      told.from.empty() || told.text.empty() ? told.from + told.text : told.from + ": " + told.text;
  evidence_.events.push_back(
      {told.at_ns, actor.who().name, told.kind, text, is_unexpected(actor, told)});
}

scenarios::Evidence ScenarioRun::evidence(int64_t now) const {
  scenarios::Evidence all = evidence_;
  all.ended_ns = now;
  for (const auto& actor : cast_->all()) {
    all.actors.push_back(actor->facts(now));
    all.pairs.insert(all.pairs.end(), actor->pairs().begin(), actor->pairs().end());
    const auto looks = actor->looks(now);
    all.looks.insert(all.looks.end(), looks.begin(), looks.end());
  }
  std::stable_sort(all.pairs.begin(), all.pairs.end(),
                   [](const auto& a, const auto& b) { return a.at_ns < b.at_ns; });
  add_measured(all);
  return all;
}

void ScenarioRun::add_measured(scenarios::Evidence& all) const {
  all.series = ourselves_.series();
  all.presence.clear();
  for (const auto& actor : cast_->all()) {
    const auto& series = actor->series();
    all.series.insert(all.series.end(), series.begin(), series.end());
    const auto recoveries = actor->recoveries(all.ended_ns);
    all.series.insert(all.series.end(), recoveries.begin(), recoveries.end());
    const auto presence = actor->presence();
    all.presence.insert(all.presence.end(), presence.begin(), presence.end());
  }
}

scenarios::LiveRun ScenarioRun::live() const {
  scenarios::LiveRun out{evidence_.scenario,
                         evidence_.run,
                         static_cast<double>(monotonic_ns() - evidence_.began_ns) / 1e9,
                         step_ ? text_of(step_->step()) : "",
                         next_,
                         scenario_.steps.size(),
                         cast_ ? cast_->inside() : 0,
                         cast_ ? cast_->all().size() : 0,
                         {}};
  for (const Series& s : ourselves_.series()) out.series.push_back(&s);
  if (!cast_) return out;
  for (const auto& actor : cast_->all()) {
    for (const Series& s : actor->series()) out.series.push_back(&s);
  }
  return out;
}

// --- the end

void ScenarioRun::end(const std::string& why) {
  if (ending_) return;
  evidence_.ended = why.empty() ? not_in_ : why;
  ending_ = true;
  ending_ns_ = monotonic_ns();
  step_.reset();
  for (const auto& actor : cast_->all()) actor->judge_network();
  take_proofs();
  evidence_ = evidence(ending_ns_);
  for (const auto& actor : cast_->all()) actor->leave();
}

void ScenarioRun::let_go() {
  if (finished_) return;
  const bool over =
      cast_->inside() == 0 && cast_->is_measured() && cast_->is_compared() && cast_->is_written();
  if (!over && monotonic_ns() < ending_ns_ + kLeaveWithin) return;
  finished_ = true;
  tick_.stop();
  // What came until the end is measured a little later.
  for (const auto& actor : cast_->all()) actor->sample(monotonic_ns());
  add_measured(evidence_);
  if (self_) evidence_.invalid = self_->invalid();
  for (const auto& actor : cast_->all())
    if (!actor->is_measured() && actor->who().actor->browser.empty())
      evidence_.invalid.push_back(actor->who().name +
                                  ": what came last was not measured: the bot was too slow");
  if (const size_t left_out = cast_->left_out_of_vmaf(); left_out > 0) {
    const std::string text =
        fmt::format("{} pictures were left out: ffmpeg is slower than they come", left_out);
    console_.event("vmaf", text, Json::object().set("text", text));
  }
  const auto done = alive_.guard([this] { finish(); });
  if (serve_)
    serve_->stop(done);
  else
    loop_.post(done);
}

void ScenarioRun::finish() {
  // The owner may destroy us in there.
  const auto done = std::move(done_);
  std::vector<KeptMedia> media;
  for (const auto& actor : cast_->all()) {
    if (actor->media() == nullptr) continue;
    const auto& kept = actor->media()->kept();
    media.insert(media.end(), kept.begin(), kept.end());
  }
  done({std::move(evidence_), std::move(media)});
}

}  // namespace callbot::bot
