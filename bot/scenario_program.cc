#include "bot/scenario_program.h"

#include <fmt/core.h>

namespace callbot::bot {

Result<std::unique_ptr<ScenarioProgram>> ScenarioProgram::start(
    const std::vector<std::string>& words) {
  std::vector<const char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  // Its output would mix with the report.
  auto process = GRef<GSubprocess>::adopt(
      g_subprocess_newv(argv.data(), G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error));
  if (!process) return fail(Code::kUsage, fmt::format("run: {}", ErrorPtr(error)->message));
  std::unique_ptr<ScenarioProgram> program(new ScenarioProgram(std::move(process)));
  auto ended = std::make_unique<std::shared_ptr<bool>>(program->ended_);
  g_subprocess_wait_async(
      program->process_.get(), nullptr,
      [](GObject*, GAsyncResult*, gpointer data) {
        **std::unique_ptr<std::shared_ptr<bool>>(static_cast<std::shared_ptr<bool>*>(data)) = true;
      },
      ended.release());
  return program;
}

ScenarioProgram::~ScenarioProgram() {
  if (!ended()) g_subprocess_force_exit(process_.get());
}

int ScenarioProgram::exit_status() const {
  constexpr int kSignalled = 128;  // as shells count
  if (g_subprocess_get_if_exited(process_.get()))
    return g_subprocess_get_exit_status(process_.get());
  return kSignalled + g_subprocess_get_term_sig(process_.get());
}

}  // namespace callbot::bot
