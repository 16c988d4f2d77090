#include "bot/cli.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/print.h"
#include "bot/cli_calls.h"
#include "bot/cli_feeds.h"
#include "bot/cli_folders.h"
#include "bot/cli_recordings.h"
#include "bot/cli_tests.h"
#include "bot/cli_values.h"

namespace callbot::bot {
namespace {

constexpr const char* kExitStatuses = R"(
Exit status, the same list for every command:
  0    done, and good (PASS or WARN)
  1    done, but the call or the recording is not good (FAIL), or an export lacks a part
  2    wrong use
  3    could not connect or join
  4    storage: a folder or file could not be read or written
  5    unmeasured or invalid: there was nothing to judge, or it is encrypted and no --key
       opens it
  130  interrupted before it was done (Ctrl-C or SIGTERM while a recording runs ends the
       recording and judges it; a second Ctrl-C interrupts the judging)
)";

void add_demo(CLI::App& app, DemoOptions& demo) {
  auto* d = app.add_subcommand("demo", "a call on this machine: two bots, a recorder, its verdict");
  d->add_option("--out", demo.out, "folder that gets the recording")->capture_default_str();
  parsed<std::chrono::milliseconds>(d, "--duration", "how long to record", demo.duration, duration,
                                    "TIME")
      ->default_str("10s");
  d->footer("Example:\n  callbot demo --duration 5s\n");
}

void add_selftest(CLI::App& app, SelftestOptions& selftest) {
  auto* s = app.add_subcommand("selftest",
                               "make known faults and compare what is measured with what was made");
  s->add_flag("--json", selftest.json, "as JSON");
  s->add_flag_callback(
      "--no-call", [&selftest] { selftest.call = false; }, "without the call: five seconds in all");
  s->footer(
      "Delay, jitter, loss, duplicates, order, freezes, skew, drift, mute leaks and more are made "
      "in\n"
      "marked media, without a network and faster than real time; then three bots hold a call "
      "over\n"
      "lines that lose and delay packets. Delays and skew have to be reported within 5 ms, "
      "freezes\n"
      "within a frame, what is counted exactly; each line says what is allowed. Exit status 1:\n"
      "something is further off; 3: the call could not be held; 5: the machine was too slow for "
      "it.\n\n"
      "Example:\n"
      "  callbot selftest\n");
}

std::string help_of(const CLI::App& app) {
  const CLI::App* verb = &app;
  std::string before;
  while (!verb->get_subcommands().empty()) {
    before += (before.empty() ? "" : " ") + verb->get_name();
    for (const CLI::Option* option : verb->get_options()) {
      if (option->get_positional()) before += " " + option->get_name(true);
    }
    verb = verb->get_subcommands().front();
  }
  return verb->help(before);
}

// The options of every verb; the command line fills those of one.
struct Verbs {
  RecordOptions record;
  SendOptions send;
  ServeOptions serve;
  VerifyOptions verify;
  ReportOptions report;
  ShowOptions show;
  RepairOptions repair;
  ExportOptions exported;
  ComposeOptions composed;
  DemoOptions demo;
  KeyOptions key;
  UnsealOptions unseal;
  MarksOptions marks;
  SelftestOptions selftest;
  RecordingsOptions recordings;
  CtlOptions ctl;
  PatternOptions pattern;
  TestOptions test;
  CheckCallOptions check;
};

// In the order of the help.
void add_verbs(CLI::App& app, Verbs& v) {
  add_record(app, v.record);
  add_send(app, v.send);
  add_pattern(app, v.pattern);
  add_serve(app, v.serve);
  add_verify(app, v.verify);
  add_report(app, v.report);
  add_ctl(app, v.ctl);
  add_show(app, v.show);
  add_repair(app, v.repair);
  add_export(app, v.exported);
  add_compose(app, v.composed);
  add_marks(app, v.marks);
  add_selftest(app, v.selftest);
  add_test(app, v.test);
  add_demo(app, v.demo);
  add_check(app, v.check);
  add_recordings(app, v.recordings);
  add_key(app, v.key);
  add_unseal(app, v.unseal);
}

void add_output(CLI::App& app, OutputOptions& output) {
  app.add_option_function<std::string>(
         "--log", [&output](const std::string& text) { output.json = text == "json"; },
         "how events and log lines are written")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
  app.add_flag_callback(
      "-v,--verbose", [&output] { output.level = LogLevel::kInfo; }, "log more");
  app.add_flag_callback(
      "--debug", [&output] { output.level = LogLevel::kDebug; }, "log everything");
}

// What was asked for, once the command line is parsed.
void choose(const CLI::App& chosen, Verbs& v, Invocation& invocation) {
  const std::string& verb = chosen.get_name();
  if (verb == "record") invocation.verb = v.record;
  if (verb == "send") invocation.verb = v.send;
  if (verb == "pattern") invocation.verb = v.pattern;
  if (verb == "serve") invocation.verb = v.serve;
  if (verb == "verify") invocation.verb = v.verify;
  if (verb == "report") invocation.verb = v.report;
  if (verb == "show") invocation.verb = v.show;
  if (verb == "repair") invocation.verb = v.repair;
  if (verb == "recordings") invocation.verb = v.recordings;
  if (verb == "test") invocation.verb = v.test;
  if (verb == "demo") invocation.verb = v.demo;
  if (verb == "key") invocation.verb = v.key;
  if (verb == "unseal") invocation.verb = v.unseal;
  if (verb == "export") invocation.verb = v.exported;
  if (verb == "compose") invocation.verb = v.composed;
  if (verb == "check") invocation.verb = v.check;
  if (verb == "marks") invocation.verb = v.marks;
  if (verb == "selftest") invocation.verb = v.selftest;
  if (verb != "ctl") return;
  v.ctl.command = chosen.get_subcommands().front()->get_name();
  invocation.verb = v.ctl;
}

// In our own words where CLI11's do not help.
Error usage_error(const CLI::App& app, const CLI::ParseError& e) {
  const auto verbs = app.get_subcommands();
  const auto rest = app.remaining();
  const std::string verb = verbs.empty() ? "" : verbs.front()->get_name() + " ";
  const std::string wrong = verb == "ctl " ? wrong_ctl_command(*verbs.front(), rest) : "";
  if (!wrong.empty()) return {Code::kUsage, wrong};
  if (verbs.empty() && !rest.empty())
    return {Code::kUsage,
            fmt::format("{}: no such command\nTry \"callbot --help\".", printable(rest.front()))};
  return {Code::kUsage, fmt::format("{}\nTry \"callbot {}--help\".", e.what(), verb)};
}

}  // namespace

Result<std::variant<Invocation, HelpText>> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "callbot joins WebRTC calls without a browser: records them, judges the recording, "
      "and sends marked test media.",
      "callbot");
  app.set_version_flag("--version", "callbot " CALLBOT_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(std::string("Examples:\n"
                         "  callbot demo\n"
                         "  callbot serve --record recordings\n"
                         "  callbot COMMAND --help\n") +
             kExitStatuses);

  OutputOptions output;
  add_output(app, output);
  Verbs verbs;
  add_verbs(app, verbs);
  std::vector<recordings::SecretKey> keys;
  for (const char* name :
       {"verify", "report", "show", "repair", "export", "compose", "unseal", "marks"})
    add_keys(app.get_subcommand(name), keys);

  try {
    app.parse(arguments(mark_removed_tags(argc, argv)));
  } catch (const CLI::CallForVersion&) {
    return HelpText{std::string("callbot ") + CALLBOT_VERSION + "\n"};
  } catch (const CLI::CallForHelp&) {
    return HelpText{help_of(app)};
  } catch (const CLI::CallForAllHelp&) {
    return HelpText{app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::ParseError& e) {
    return tl::unexpected(usage_error(app, e));
  }

  for (const DiskLimits* disk : {&verbs.record.disk, &verbs.serve.disk}) {
    if (disk->reserve != 0 && disk->low() > disk->reserve)
      return fail(Code::kUsage, "--low-water: expected at most as much as --reserve");
  }

  Invocation invocation{output, keys, verbs.demo};
  choose(*app.get_subcommands().front(), verbs, invocation);
  return invocation;
}

ExitStatus exit_status(const Error& error) {
  switch (error.code) {
    case Code::kUsage:
    case Code::kUnsupported:
      return kExitUsage;
    case Code::kConnect:
    case Code::kDenied:
    case Code::kTimeout:
      return kExitConnect;
    case Code::kStorage:
      return kExitStorage;
    case Code::kBadInput:
    case Code::kUnmeasured:
      return kExitUnmeasured;
    case Code::kInterrupted:
      return kExitInterrupted;
    case Code::kInternal:
      break;
  }
  return kExitNotGood;
}

ExitStatus exit_status_on_disk(const Error& error) {
  const bool invalid = error.code == Code::kDenied || error.code == Code::kUnsupported;
  return invalid ? kExitUnmeasured : exit_status(error);
}

ExitStatus tell(const Error& error) {
  print_error("callbot: {}\n", error.message);
  return exit_status(error);
}

ExitStatus tell_on_disk(const Error& error) {
  (void)tell(error);
  return exit_status_on_disk(error);
}

}  // namespace callbot::bot
