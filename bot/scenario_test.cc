#include "bot/scenario_test.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "bot/scenario_bundle.h"
#include "bot/scenario_check.h"
#include "bot/scenario_mistakes.h"
#include "scenarios/decode.h"
#include "scenarios/live_run.h"
#include "scenarios/report.h"

namespace callbot::bot {
namespace {

constexpr uint64_t kMostJson = 256u << 20;
constexpr JsonLimits kBaselineLimits{kMostJson, 64};
constexpr auto kShowEvery = std::chrono::seconds(1);
constexpr size_t kMostRows = 20;                                                // on a terminal
constexpr const char* kSecretNames[] = {"token", "secret", "password", "key"};  // our choice

bool is_secret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), g_ascii_tolower);
  return std::any_of(std::begin(kSecretNames), std::end(kSecretNames),
                     [&](const char* part) { return name.find(part) != std::string::npos; });
}

// Reports are read by many.
scenarios::Values without_secrets(const scenarios::Values& all) {
  scenarios::Values out;
  for (const auto& [name, value] : all) {
    if (is_secret(name))
      Log::hide(value);
    else
      out[name] = value;
  }
  return out;
}

// "run.html", "run-2.html".
fs::path numbered(const fs::path& path, size_t number) {
  if (number == 1) return path;
  fs::path out = path;
  return out.replace_filename(
      fmt::format("{}-{}{}", path.stem().string(), number, path.extension().string()));
}

// Before a run of hours, not after it. Its folder is made.
Result<> can_write(const fs::path& report) {
  if (report.empty()) return {};
  const fs::path folder = report.has_parent_path() ? report.parent_path() : ".";
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && access(folder.c_str(), W_OK) != 0)
    error = std::error_code(errno, std::generic_category());
  std::error_code unknown;
  if (!error && fs::is_directory(report, unknown))
    error = std::make_error_code(std::errc::is_a_directory);
  if (!error) return {};
  return fail(Code::kUsage, fmt::format("{}: cannot be written: {}: {}", report.string(),
                                        folder.string(), error.message()));
}

// Who interrupts a run does not wait for pictures of what it did not come to.
bool has_to_be_kept(const scenarios::RunRecord& record) {
  const auto verdict = record.judged.verdict;
  return verdict == scenarios::Verdict::kFail ||
         (verdict > scenarios::Verdict::kWarn && !record.evidence.interrupted);
}

std::optional<std::string> picture_of(const scenarios::FileFact& file) {
  const auto bytes = read_file(file.path, 16u << 20);
  return bytes ? std::optional(*bytes) : std::nullopt;
}

}  // namespace

ScenarioTest::ScenarioTest(Loop& loop, Console& console, TestOptions options,
                           std::function<void(Done)> done)
    : loop_(loop),
      console_(console),
      options_(std::move(options)),
      done_(std::move(done)),
      worker_(loop, 1) {}

ScenarioTest::~ScenarioTest() = default;

Result<> ScenarioTest::read_baseline() {
  if (options_.baseline.empty()) return {};
  const auto text = read_file(options_.baseline, kMostJson);
  if (!text) return tl::unexpected(text.error());
  auto runs = Json::parse(*text, kBaselineLimits).and_then(scenarios::runs_of);
  if (!runs)
    return fail(Code::kUsage,
                fmt::format("--baseline {}: {}", options_.baseline.string(), runs.error().message));
  baseline_ = std::move(*runs);
  return {};
}

Result<> ScenarioTest::plan() {
  if (auto read = read_baseline(); !read) return read;
  if (auto used = vars_are_used(options_); !used) return used;
  const auto rows = variable_rows(options_.csv);
  if (!rows) return tl::unexpected(rows.error());
  std::string wrong;
  for (const std::string& file : options_.files) {
    int number = 0;
    for (const scenarios::Values& row : *rows) {
      auto scenario = scenarios::load_scenario(
          file, {options_.vars, row, scenarios::from_environment}, mistakes_of);
      if (!scenario && scenario.error().code != Code::kUsage)
        return tl::unexpected(scenario.error());
      if (!scenario) {
        wrong += (wrong.empty() ? "" : "\n") + scenario.error().message;
        break;  // most often one of all rows
      }
      plan_row(std::move(*scenario), row, number);
    }
  }
  if (!wrong.empty()) return fail(Code::kUsage, wrong);
  reports_.insert(reports_.end(), {options_.junit, options_.json, options_.html});
  for (const fs::path& path : reports_)
    if (auto fine = can_write(path); !fine) return fine;
  for (const Planned& planned : planned_)
    if (const std::string& bundle = planned.scenario.report.bundle; !bundle.empty())
      if (auto fine = can_write(fs::path(bundle) / "run"); !fine) return fine;
  return {};
}

// `number`: of the file's last run so far.
void ScenarioTest::plan_row(scenarios::Scenario scenario, const scenarios::Values& row,
                            int& number) {
  for (scenarios::Actor& actor : scenario.actors)
    if (!actor.playout_latency) actor.playout_latency = options_.playout_latency;
  const scenarios::ReportPaths& own = scenario.report;
  // Where a flag says so, it is written there instead.
  if (options_.junit.empty()) reports_.emplace_back(own.junit);
  if (options_.json.empty()) reports_.emplace_back(own.json);
  if (options_.html.empty()) reports_.emplace_back(own.html);
  if (!options_.bundle.empty()) scenario.report.bundle = options_.bundle;
  const std::string& bundle = scenario.report.bundle;
  scenarios::Values given = row;
  for (const auto& [name, value] : options_.vars) given[name] = value;
  // As they are in evidence: --var goes before the row.
  scenarios::Values compared = without_secrets(row);
  for (auto& [name, value] : compared) value = given[name];
  for (int i = 0; i < options_.repeat; ++i)
    planned_.push_back({scenario,
                        {++number, without_secrets(given),
                         bundle.empty() ? fs::path() : fs::path(bundle) / ".receiving"},
                        {compared, static_cast<size_t>(i), options_.baseline_rules}});
}

void ScenarioTest::start() {
  if (auto planned = plan(); !planned) return say({exit_status(planned.error()), planned.error()});
  next();
}

void ScenarioTest::next() {
  run_.reset();
  if (interrupted_ || records_.size() == planned_.size()) return finish();
  const Planned& now = planned_[records_.size()];
  if (auto open =
          open_metrics(options_.metrics.empty() ? now.scenario.report.metrics : options_.metrics);
      !open)
    return say({exit_status(open.error()), open.error()});
  console_.event(
      "run", fmt::format("{} ({} of {})", now.scenario.name, records_.size() + 1, planned_.size()),
      Json::object().set("scenario", now.scenario.name).set("run", now.facts.number));
  run_ = std::make_unique<ScenarioRun>(
      loop_, console_, now.scenario, now.facts,
      alive_.guard([this](ScenarioRun::Remains remains) { ran(std::move(remains)); }));
  run_->start();
  if (console_.terminal()) show_.every(kShowEvery, [this] { show(); });
}

// Runs that are measured at the same address keep it: who scrapes it sees no hole.
Result<> ScenarioTest::open_metrics(const std::string& where) {
  if (where == metrics_at_) return {};
  metrics_.reset();
  metrics_at_ = where;
  if (where.empty()) return {};
  auto metrics = ScenarioMetrics::create(loop_, where, [this] {
    return run_ ? scenarios::prometheus_text(run_->live()) : std::string();
  });
  if (!metrics) return tl::unexpected(std::move(metrics.error()).in("--metrics"));
  metrics_ = std::move(*metrics);
  console_.event("metrics", metrics_->url(), Json::object().set("url", metrics_->url()));
  return {};
}

void ScenarioTest::show() const {
  const auto now = scenarios::live_table(run_->live(), kMostRows);
  std::vector<std::string> lines = table(now.rows);
  lines.insert(lines.begin(), now.summary);
  if (now.left_out > 0) lines.push_back(fmt::format("and {} more", now.left_out));
  console_.live(lines);
}

void ScenarioTest::ran(ScenarioRun::Remains remains) {
  using Files = std::vector<scenarios::FileFact>;
  show_.stop();
  console_.live({});
  const scenarios::Scenario& scenario = planned_[records_.size()].scenario;
  scenarios::Evidence& evidence = remains.evidence;
  scenarios::RunRecord record{judge(evidence), scenarios::summary_of(evidence),
                              std::move(evidence)};
  if (remains.media.empty()) return kept(std::move(record), Files());
  worker_.run<Files>(
      [record, report = scenario.report, media = remains.media]() -> Result<Files> {
        if (has_to_be_kept(record) || report.keeps_everything)
          return make_bundle(report.bundle, record, media, report.keeps_everything);
        drop_media(media);
        return Files();
      },
      alive_.guard([this, record](const Result<Files>& files) { kept(record, files); }));
}

scenarios::Judged ScenarioTest::judge(const scenarios::Evidence& evidence) const {
  const Planned& planned = planned_[records_.size()];
  auto judged = scenarios::judge(planned.scenario, evidence);
  if (!options_.baseline.empty())
    scenarios::add_cases(
        judged,
        scenarios::compare_with(baseline_, evidence, planned.scenario.thresholds, planned.compared),
        planned.scenario, evidence);
  return judged;
}

// With its files at hand, cases say where to look.
void ScenarioTest::kept(scenarios::RunRecord record,
                        const Result<std::vector<scenarios::FileFact>>& files) {
  const scenarios::Scenario& scenario = planned_[records_.size()].scenario;
  if (!files && !not_kept_) not_kept_ = files.error();
  if (files && !files->empty()) {
    record.evidence.files.insert(record.evidence.files.end(), files->begin(), files->end());
    record.judged = judge(record.evidence);
  }
  console_.line(scenarios::report_text(record));
  if (console_.json())
    console_.event("verdict", "",
                   Json::object()
                       .set("scenario", scenario.name)
                       .set("run", record.evidence.run)
                       .set("verdict", name_of(record.judged.verdict)));
  records_.push_back(std::move(record));
  loop_.post(alive_.guard([this] { next(); }));  // the run is not destroyed from inside
}

void ScenarioTest::interrupt() {
  interrupted_ = true;
  if (run_) run_->interrupt();
}

// --- reports

void ScenarioTest::finish() {
  const auto written = write_reports();
  if (!written) return say({exit_status(written.error()), written.error()});
  if (not_kept_) return say({exit_status(*not_kept_), not_kept_});
  std::vector<scenarios::Judged> judged;
  for (const auto& record : records_) judged.push_back(record.judged);
  const int status = interrupted_ ? kExitInterrupted : scenarios::exit_status_of(judged);
  say({static_cast<ExitStatus>(status), std::nullopt});
}

// Flags mean all runs; what a scenario says, its own.
Result<> ScenarioTest::write_reports() const {
  std::map<std::string, std::vector<size_t>> by_file;
  std::vector<size_t> all;
  for (size_t i = 0; i < records_.size(); ++i) {
    by_file[planned_[i].scenario.file].push_back(i);
    all.push_back(i);
  }
  if (all.empty()) return {};
  const scenarios::ReportPaths flags{options_.junit, options_.json, options_.html, "", ""};
  if (auto written = write(all, flags); !written) return written;
  for (const auto& [file, runs] : by_file) {
    scenarios::ReportPaths own = planned_[runs.front()].scenario.report;
    if (!flags.junit.empty()) own.junit.clear();
    if (!flags.json.empty()) own.json.clear();
    if (!flags.html.empty()) own.html.clear();
    if (auto written = write(runs, own); !written) return written;
  }
  return {};
}

Result<> ScenarioTest::write(const std::vector<size_t>& runs,
                             const scenarios::ReportPaths& paths) const {
  std::vector<scenarios::RunRecord> records;
  if (!paths.junit.empty() || !paths.json.empty()) {
    for (const size_t i : runs) records.push_back(records_[i]);
  }
  if (!paths.junit.empty()) {
    if (auto w = write_atomically(paths.junit, scenarios::report_junit(records)); !w) return w;
  }
  if (!paths.json.empty()) {
    if (auto w = write_atomically(paths.json, scenarios::run_json(records).dump(true)); !w)
      return w;
  }
  for (size_t i = 0; i < runs.size() && !paths.html.empty(); ++i) {
    const std::string page =
        scenarios::report_html(planned_[runs[i]].scenario, records_[runs[i]], picture_of);
    if (auto w = write_atomically(numbered(paths.html, i + 1), page); !w) return w;
  }
  return {};
}

void ScenarioTest::say(const Done& done) {
  loop_.post(alive_.guard([this, done] {
    if (const auto tell = std::exchange(done_, nullptr)) tell(done);
  }));
}

}  // namespace callbot::bot
