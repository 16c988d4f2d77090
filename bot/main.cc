// bot/main.cc: start, run one verb, exit status. The only place that turns an error into one.
#include <gst/gst.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/alive.h"
#include "base/loop.h"
#include "base/print.h"
#include "bot/check_call.h"
#include "bot/cli.h"
#include "bot/compose.h"
#include "bot/console.h"
#include "bot/ctl.h"
#include "bot/demo.h"
#include "bot/export.h"
#include "bot/judge.h"
#include "bot/key.h"
#include "bot/marks.h"
#include "bot/pattern.h"
#include "bot/record.h"
#include "bot/recordings_verb.h"
#include "bot/scenario_check.h"
#include "bot/scenario_test.h"
#include "bot/selftest.h"
#include "bot/send.h"
#include "bot/serve.h"
#include "bot/supervise.h"
#include "pipelines/gst_log.h"
#include "pipelines/rtc_bin.h"

namespace callbot::bot {
namespace {

// Turns the loop until `status` is set. Signals that come later are taken and change nothing: what
// they would act on is being destroyed.
ExitStatus run(Loop& loop, const std::optional<ExitStatus>& status, const Loop::Task& interrupt,
               const Loop::Task& terminate) {
  const Alive running;
  loop.on_unix_signal(SIGINT, running.guard(interrupt));
  loop.on_unix_signal(SIGTERM, running.guard(terminate));
  while (!status) g_main_context_iteration(nullptr, TRUE);
  return *status;
}

// Who reads events sees it among them; people on standard error.
ExitStatus tell_both(Console& console, const Error& error) {
  if (console.json())
    console.event("error", error.message,
                  Json::object().set("code", name_of(error.code)).set("message", error.message));
  return tell(error);
}

template <class Verb>
ExitStatus run_verb(Loop& loop, Console& console, const auto& options) {
  std::optional<ExitStatus> status;
  Verb verb(loop, console, options, [&](const auto& done) {
    status = done.status;
    if (done.error) tell_both(console, *done.error);
  });
  verb.start();
  return run(
      loop, status, [&] { verb.interrupt(); }, [&] { verb.terminate(); });
}

ExitStatus run_serve(Loop& loop, Console& console, const ServeOptions& options) {
  std::optional<ExitStatus> status;
  Serve serve(loop, console, options);
  if (auto started = serve.start(); !started) return tell_both(console, started.error());
  const auto stop = [&] { serve.stop([&] { status = kExitGood; }); };
  return run(loop, status, stop, stop);
}

ExitStatus run_call(Console& console, const Invocation& invocation) {
  Loop loop;
  if (const auto* o = std::get_if<RecordOptions>(&invocation.verb))
    return run_verb<Record>(loop, console, *o);
  if (const auto* o = std::get_if<SendOptions>(&invocation.verb))
    return run_verb<Send>(loop, console, *o);
  if (const auto* o = std::get_if<DemoOptions>(&invocation.verb))
    return run_verb<Demo>(loop, console, *o);
  if (const auto* o = std::get_if<CheckCallOptions>(&invocation.verb))
    return run_verb<CheckCall>(loop, console, *o);
  if (const auto* o = std::get_if<TestOptions>(&invocation.verb))
    return run_verb<ScenarioTest>(loop, console, *o);
  return run_serve(loop, console, std::get<ServeOptions>(invocation.verb));
}

// GLib before 2.76 keeps small objects in pools of its own, one set a thread: of 20 sessions with a
// dozen threads each that was 10 MB. It reads the variable before main() begins.
void start_again_without_slices(char** argv) {
  if (glib_check_version(2, 76, 0) == nullptr || getenv("G_SLICE") != nullptr) return;
  setenv("G_SLICE", "always-malloc", 1);
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  execv(program.c_str(), argv);  // where it cannot, the memory is all that it costs
}

// A call has about a dozen descriptors; the soft limit is often 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

ExitStatus run_program(int argc, char** argv) {
  auto parsed = parse_command_line(argc, argv);
  if (!parsed) return tell(parsed.error());
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    print("{}", help->text);
    return kExitGood;
  }
  auto& invocation = std::get<Invocation>(*parsed);
  if (std::holds_alternative<RecordOptions>(invocation.verb) ||
      std::holds_alternative<ServeOptions>(invocation.verb))
    start_again_without_slices(argv);
  Log::configure({invocation.output.level, invocation.output.json});
  if (auto* o = std::get_if<RecordOptions>(&invocation.verb)) {
    obey_supervisor(*o);
    if (o->restart)
      return static_cast<ExitStatus>(supervise(argc, argv, *o, invocation.output.json));
  }
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  for (const auto& key : invocation.keys) recordings::KeyRing::ours().add(key);
  if (const auto* o = std::get_if<KeyOptions>(&invocation.verb)) return run_key(*o);
  if (const auto* o = std::get_if<UnsealOptions>(&invocation.verb)) return run_unseal(*o);
  if (const auto* o = std::get_if<ShowOptions>(&invocation.verb)) return run_show(*o);
  if (const auto* o = std::get_if<CtlOptions>(&invocation.verb)) return run_ctl(*o);
  if (const auto* o = std::get_if<TestOptions>(&invocation.verb);
      o && (o->check || !o->schema.empty()))
    return run_scenario_check(*o);
  Console console(invocation.output.json);
  if (const auto* o = std::get_if<VerifyOptions>(&invocation.verb)) return run_verify(console, *o);
  if (const auto* o = std::get_if<MarksOptions>(&invocation.verb)) return run_marks(console, *o);
  if (const auto* o = std::get_if<SelftestOptions>(&invocation.verb))
    return run_selftest(console, *o);
  if (const auto* o = std::get_if<RepairOptions>(&invocation.verb)) return run_repair(console, *o);
  if (const auto* o = std::get_if<ReportOptions>(&invocation.verb)) return run_report(console, *o);
  if (const auto* o = std::get_if<RecordingsOptions>(&invocation.verb))
    return run_recordings(console, *o);
  if (const auto* o = std::get_if<ExportOptions>(&invocation.verb)) return run_export(console, *o);
  if (const auto* o = std::get_if<ComposeOptions>(&invocation.verb))
    return run_compose(console, *o);

  if (const auto* o = std::get_if<PatternOptions>(&invocation.verb))
    return run_pattern(console, *o);

  gst_init(nullptr, nullptr);
  pipelines::take_in_gst_log();
  const ExitStatus status = run_call(console, invocation);
  pipelines::RtcBin::wait_for_ends(std::chrono::seconds(5));
  return status;
}

// Who reads a report from a file whose disk is full must not take half of it for all.
ExitStatus with_output(ExitStatus status) {
  flush_output();
  if (output_error() == 0 || status != kExitGood) return status;
  return tell(Error{Code::kStorage, fmt::format("standard output: {}", strerror(output_error()))});
}

}  // namespace
}  // namespace callbot::bot

int main(int argc, char** argv) {
  const callbot::bot::ExitStatus status = callbot::bot::run_program(argc, argv);
  return callbot::bot::with_output(status);
}
