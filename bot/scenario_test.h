// bot/scenario_test.h: the verb test: runs scenarios one after the other, a run for each row of
// variables and each repetition; says what became of each, and writes the reports.
//
// Thread:  loop.
// Owner:   main, or a test.
// Fails:   through `done`, once: a wrong scenario before anything runs, a report that cannot be
//          written after everything ran.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/loop.h"
#include "base/worker.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/options.h"
#include "bot/scenario_metrics.h"
#include "bot/scenario_run.h"
#include "scenarios/baseline_runs.h"

namespace callbot::bot {

class ScenarioTest {
 public:
  struct Done {
    ExitStatus status = kExitGood;
    std::optional<Error> error;
  };

  ScenarioTest(Loop& loop, Console& console, TestOptions options, std::function<void(Done)> done);
  ~ScenarioTest();

  void start();
  void interrupt();  // of all that is to come; reports are written of what ran
  void terminate() { interrupt(); }

 private:
  struct Planned {
    scenarios::Scenario scenario;
    ScenarioRun::Facts facts;
    scenarios::BaselineWish compared;
  };
  Result<> read_baseline();
  Result<> plan();
  void plan_row(scenarios::Scenario scenario, const scenarios::Values& row, int& number);
  void next();
  Result<> open_metrics(const std::string& where);
  void show() const;
  void ran(ScenarioRun::Remains remains);
  scenarios::Judged judge(const scenarios::Evidence& evidence) const;  // of the run that is on
  void kept(scenarios::RunRecord record, const Result<std::vector<scenarios::FileFact>>& files);
  void finish();
  Result<> write_reports() const;
  Result<> write(const std::vector<size_t>& runs, const scenarios::ReportPaths& paths) const;
  void say(const Done& done);

  Loop& loop_;
  Console& console_;
  const TestOptions options_;
  std::function<void(Done)> done_;
  std::vector<Planned> planned_;
  std::vector<fs::path> reports_;  // that are to be written; some empty
  std::vector<scenarios::RunRecord> baseline_;
  std::vector<scenarios::RunRecord> records_;  // of planned_, as far as they ran
  Worker worker_;
  std::optional<Error> not_kept_;  // of bundles, the first
  std::unique_ptr<ScenarioRun> run_;
  std::string metrics_at_;  // where metrics_ listens, as it was written
  std::unique_ptr<ScenarioMetrics> metrics_;
  Timer show_;
  bool interrupted_ = false;
  Alive alive_;
};

}  // namespace callbot::bot
