#include "bot/scenario_program.h"

#include <fmt/core.h>

#include <array>
#include <sstream>

#include "base/files.h"

namespace callbot::bot {
namespace {

constexpr size_t kMostKept = 4000, kMostShown = 400;  // bytes
constexpr int kAtATime = 16;                          // reads; one that never stops gets no more

void end_source(GSource* source) {
  g_source_destroy(source);
  g_source_unref(source);
}

}  // namespace

Result<std::unique_ptr<ScenarioProgram>> ScenarioProgram::start(
    const std::vector<std::string>& words) {
  std::vector<const char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  // Its output would mix with the report.
  const auto flags = static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                   G_SUBPROCESS_FLAGS_STDERR_MERGE);
  auto process = GRef<GSubprocess>::adopt(g_subprocess_newv(argv.data(), flags, &error));
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

// It would wait for somebody to take what it writes.
ScenarioProgram::ScenarioProgram(GRef<GSubprocess> process)
    : process_(std::move(process)),
      output_(G_POLLABLE_INPUT_STREAM(g_subprocess_get_stdout_pipe(process_.get()))),
      listens_(g_pollable_input_stream_create_source(output_, nullptr), end_source) {
  const GPollableSourceFunc heard = [](GObject*, gpointer self) -> gboolean {
    static_cast<ScenarioProgram*>(self)->listen();
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(listens_.get(), G_SOURCE_FUNC(heard), this, nullptr);
  g_source_attach(listens_.get(), g_main_context_get_thread_default());
}

void ScenarioProgram::listen() {
  std::array<char, 4096> bytes{};
  for (int i = 0; i < kAtATime; ++i) {
    GError* error = nullptr;
    const gssize count = g_pollable_input_stream_read_nonblocking(output_, bytes.data(),
                                                                  bytes.size(), nullptr, &error);
    const ErrorPtr failed(error);
    if (count > 0) said_.append(bytes.data(), static_cast<size_t>(count));
    if (said_.size() > kMostKept) said_.erase(0, said_.size() - kMostKept);
    if (count > 0) continue;
    const bool more =
        failed && g_error_matches(failed.get(), G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) != 0;
    if (!more) listens_.reset();
    return;
  }
}

std::string ScenarioProgram::last_words() {
  if (listens_) listen();
  std::string all;
  std::istringstream text(said_);
  for (std::string line; std::getline(text, line);)
    if (!line.empty()) all += (all.empty() ? "" : "; ") + line;
  if (all.size() > kMostShown) all = "..." + all.substr(all.size() - kMostShown);
  return printable(all, kMostShown + 3);
}

int ScenarioProgram::exit_status() const {
  constexpr int kSignalled = 128;  // as shells count
  if (g_subprocess_get_if_exited(process_.get()))
    return g_subprocess_get_exit_status(process_.get());
  return kSignalled + g_subprocess_get_term_sig(process_.get());
}

}  // namespace callbot::bot
