// bot/main.cc: start, run one verb, exit status. The only place that turns an error into one.
#include <fmt/core.h>
#include <gst/gst.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "bot/cli.h"
#include "bot/console.h"
#include "bot/demo.h"
#include "bot/judge.h"
#include "bot/record.h"
#include "bot/send.h"
#include "bot/serve.h"
#include "pipelines/gst_log.h"

namespace callbot::bot {
namespace {

ExitStatus say(const Error& error) {
  fmt::print(stderr, "callbot: {}\n", error.message);
  return exit_status(error);
}

// Turns the loop until `status` is set; SIGINT and SIGTERM interrupt.
ExitStatus run(Loop& loop, const std::optional<ExitStatus>& status, const Loop::Task& interrupt) {
  loop.on_unix_signal(SIGINT, interrupt);
  loop.on_unix_signal(SIGTERM, interrupt);
  while (!status) g_main_context_iteration(nullptr, TRUE);
  return *status;
}

template <class Verb>
ExitStatus run_verb(Loop& loop, Console& console, const auto& options) {
  std::optional<ExitStatus> status;
  Verb verb(loop, console, options, [&](const auto& done) {
    status = done.status;
    if (done.error) say(*done.error);
  });
  verb.start();
  return run(loop, status, [&] { verb.interrupt(); });
}

ExitStatus run_serve(Loop& loop, Console& console, const ServeOptions& options) {
  std::optional<ExitStatus> status;
  Serve serve(loop, console, options);
  if (auto started = serve.start(); !started) return say(started.error());
  return run(loop, status, [&] { serve.stop([&] { status = kExitGood; }); });
}

// A call has about a dozen descriptors; the soft limit is often 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char** argv) {
  auto parsed = parse_command_line(argc, argv);
  if (!parsed) return say(parsed.error());
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    fmt::print("{}", help->text);
    return kExitGood;
  }
  const auto& invocation = std::get<Invocation>(*parsed);
  Log::configure({invocation.output.level, invocation.output.json});
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  if (const auto* o = std::get_if<ShowOptions>(&invocation.verb)) return run_show(*o);
  Console console(invocation.output.json);
  if (const auto* o = std::get_if<VerifyOptions>(&invocation.verb)) return run_verify(console, *o);
  if (const auto* o = std::get_if<ReportOptions>(&invocation.verb)) return run_report(console, *o);

  gst_init(nullptr, nullptr);
  pipelines::take_in_gst_log();
  Loop loop;
  if (const auto* o = std::get_if<RecordOptions>(&invocation.verb))
    return run_verb<Record>(loop, console, *o);
  if (const auto* o = std::get_if<SendOptions>(&invocation.verb))
    return run_verb<Send>(loop, console, *o);
  if (const auto* o = std::get_if<DemoOptions>(&invocation.verb))
    return run_verb<Demo>(loop, console, *o);
  return run_serve(loop, console, std::get<ServeOptions>(invocation.verb));
}

}  // namespace
}  // namespace callbot::bot

int main(int argc, char** argv) { return callbot::bot::main(argc, argv); }
