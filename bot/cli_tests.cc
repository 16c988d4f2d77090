#include "bot/cli_tests.h"

#include <fmt/core.h>

#include "base/units.h"
#include "bot/cli_values.h"
#include "scenarios/scenario.h"
#include "scenarios/variables.h"

namespace callbot::bot {
namespace {

Result<std::optional<double>> playout_latency(const std::string& text) {
  const auto seconds = parse_seconds(text);
  if (!seconds) return tl::unexpected(seconds.error());
  if (*seconds > scenarios::kMostPlayoutLatency)
    return fail(Code::kUsage, fmt::format("\"{}\": expected at most {}", text,
                                          seconds_text(scenarios::kMostPlayoutLatency)));
  return *seconds;
}

// Where its reports go, and what they are compared with.
void add_outputs(CLI::App* c, TestOptions& o) {
  for (const auto& [flag, path, what] :
       {std::tuple{"--junit", &o.junit, "file for JUnit XML, a case for everything that is judged"},
        {"--json", &o.json, "file for JSON (--schema=run says how it is made)"},
        {"--html", &o.html, "file for a page; of several runs FILE-2 and on"},
        {"--baseline", &o.baseline,
         "the --json of an earlier run, which this one is compared with"}})
    c->add_option(flag, *path, what)->type_name("FILE");
  c->add_option(
       "--bundle", o.bundle,
       "folder for what is kept of a run that does not pass: media, pictures and numbers of "
       "the seconds around each failure")
      ->type_name("FOLDER");
  parsed<double>(c, "--baseline-tolerance", "a number may be worse by so much of what it was",
                 o.baseline_rules.tolerance, parse_share, "SHARE")
      ->default_str("10%")
      ->needs("--baseline");
  c->add_option_function<std::string>(
       "--baseline-severity",
       [&o](const std::string& what) {
         o.baseline_rules.fails = what == "fail";
         o.baseline_rules.needs_one = what == "fail";
       },
       "what became worse, or is missing: it warns (without this flag too) or fails. A run that "
       "has "
       "nothing to be compared with is unmeasured (exit status 5); with \"warn\" it only warns too")
      ->check(CLI::IsMember({"warn", "fail"}))
      ->needs("--baseline");
  c->add_option_function<std::string>(
       "--metrics",
       [&o](const std::string& text) {
         if (auto listen = parse_listen_address(text); !listen)
           throw CLI::ValidationError("--metrics", listen.error().message);
         o.metrics = text;
       },
       "where Prometheus can read what is measured, at /metrics; \":9100\" is on the loopback "
       "address")
      ->type_name("ADDRESS:PORT");
}

}  // namespace

void add_test(CLI::App& app, TestOptions& o) {
  auto* c = app.add_subcommand(
      "test", "run call tests that are written as scenarios; check them; print their schema");
  c->add_option("FILE", o.files, "scenarios, YAML or JSON; scenarios/SCENARIO.md says how");
  c->add_flag("--check", o.check, "say every mistake in them, with file, line and column");
  c->add_option_function<std::string>(
       "--schema", [&o](const std::string& what) { o.schema = what.empty() ? "scenario" : what; },
       "print the JSON Schema of scenarios, or of the JSON that runs leave (--schema=run)")
      ->expected(0, 1)
      ->check(CLI::IsMember({"scenario", "run", ""}))
      ->type_name("[=scenario|run]");
  c->add_option_function<std::vector<std::string>>(
       "--var",
       [&o](const std::vector<std::string>& texts) {
         for (const std::string& text : texts) {
           auto var = scenarios::parse_var(text);
           if (!var) throw CLI::ValidationError("--var", var.error().message);
           o.vars[var->first] = var->second;
         }
       },
       "what ${NAME} is; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  c->add_option("--vars", o.csv,
                "CSV whose first line names variables; a run for each of the other lines")
      ->type_name("FILE");
  c->add_option("--repeat", o.repeat, "run each so many times")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  parsed<std::optional<double>>(
      c, "--playout-latency",
      "playout_latency of every actor that sets none itself: delays and freezes are those of a "
      "playout so much after the arrival",
      o.playout_latency, playout_latency, "TIME")
      ->default_str("0s");
  add_outputs(c, o);
  c->callback([&o] {
    if (o.schema.empty() && o.files.empty())
      throw CLI::ValidationError("test", "expected FILE, or --schema");
  });
  c->footer(
      "Actors are bots, and real browsers (Chromium, Firefox) where they are installed. What is\n"
      "not run yet is refused, with its place; what nothing measures is unmeasured.\n\n"
      "Exit status: 0 pass, 1 a demand is not met, 2 the scenario is wrong, 3 the call was not\n"
      "established, 4 a file could not be read or written, 5 unmeasured or invalid, 130\n"
      "interrupted. With --check: 0 nothing is wrong, 2 something is.\n\n"
      "Examples:\n"
      "  callbot test tests/scenarios/smoke.yaml --junit out/junit.xml --html out/run.html "
      "--bundle out\n"
      "  callbot test tests/scenarios/browser-and-bot.yaml --var browser=firefox\n"
      "  callbot test --check tests/scenarios/smoke.yaml --var url=ws://HOST:8080/rooms/ci\n"
      "  callbot test --schema > scenario.schema.json\n");
}

}  // namespace callbot::bot
