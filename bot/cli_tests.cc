#include "bot/cli_tests.h"

#include "scenarios/variables.h"

namespace callbot::bot {

void add_test(CLI::App& app, TestOptions& o) {
  auto* c = app.add_subcommand("test", "check scenarios of call tests; print their JSON Schema");
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
                "CSV whose first line names variables; checked with each of the other lines")
      ->type_name("FILE");
  c->callback([&o] {
    if (o.schema.empty() && o.files.empty())
      throw CLI::ValidationError("test", "expected FILE, or --schema");
    if (o.schema.empty() && !o.check)
      throw CLI::ValidationError(
          "test", "this version checks scenarios and does not run them yet: expected --check");
  });
  c->footer(
      "Exit status: 0 nothing is wrong, 2 something is.\n\n"
      "Examples:\n"
      "  callbot test --check tests/scenarios/smoke.yaml --var URL=ws://HOST:8080/rooms/ci\n"
      "  callbot test --schema > scenario.schema.json\n");
}

}  // namespace callbot::bot
