#include "scenarios/decode.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/units.h"
#include "scenarios/nearest.h"
#include "scenarios/shape_rows.h"

namespace callbot::scenarios {
namespace {

constexpr uint64_t kMostFile = 1u << 20;

// Of network/conditions.h: what each key is, by the table alone.
void read_by_table(Reader reader) {
  for (const Shape* shape = &reader.shape(); shape != nullptr; shape = shape->common) {
    for (const Key& key : shape->keys) {
      switch (key.kind) {
        case KeyKind::kChoice:
        case KeyKind::kText:
          reader.text(key.name);
          break;
        case KeyKind::kChoices:
        case KeyKind::kTexts:
          reader.texts(key.name);
          break;
        case KeyKind::kWhole:
          reader.whole(key.name, 0);
          break;
        case KeyKind::kFlag:
          reader.flag(key.name, false);
          break;
        case KeyKind::kAmount:
          reader.quantity(key.name);
          break;
        case KeyKind::kObject:
          if (auto child = reader.object(key.name)) read_by_table(*child);
          break;
        case KeyKind::kList:
          reader.list(key.name, read_by_table);
          break;
        default:
          reader.number(key.name, 0);
      }
    }
  }
  reader.done();
}

// YAML takes the brace of an unquoted ${NAME} for its own. `error`: "LINE:COLUMN: ...".
std::string variable_hint(std::string_view text, std::string_view error) {
  size_t line = 0;
  std::from_chars(error.data(), error.data() + error.size(), line);
  for (; line > 1 && !text.empty(); --line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const bool there = text.substr(0, text.find('\n')).find("${") != std::string_view::npos;
  return there ? " (between { } and [ ] a ${NAME} needs quotes around it)" : "";
}

}  // namespace

std::optional<NetworkSetting> decode_network(Reader& root, Reader& parent, const char* key) {
  const std::string name = parent.value().at(key).text().value_or("");
  const Json networks = root.value().at("networks");
  if (!name.empty() && networks.at(name.c_str()).is_object()) {
    parent.raw(key);
    return NetworkSetting{path_of("networks", name), networks.at(name.c_str()), name};
  }
  if (!name.empty()) {
    const auto presets = network_shape().find("preset")->choices;
    std::vector<std::string_view> known(presets.begin(), presets.end());
    const auto own = networks.keys();
    known.insert(known.end(), own.begin(), own.end());
    parent.raw(key);
    if (std::find(known.begin(), known.end(), name) == known.end())
      parent.complain(key, fmt::format("unknown network \"{}\"{}", printable(name, 60),
                                       suggestion(name, known)));
    return NetworkSetting{parent.path(key), Json::of(name), name};
  }
  auto reader = parent.object(key);
  if (!reader) return std::nullopt;
  const Json value = reader->value();
  read_by_table(*reader);
  const std::string preset = value.at("preset").text().value_or("");
  return NetworkSetting{parent.path(key), value,
                        value.size() == 1 && !preset.empty() ? preset : "own"};
}

Scenario decode(Notes& notes) {
  Scenario scenario;
  Reader root(notes, scenario_shape(), notes.root(), "");
  if (notes.root().is_null()) notes.mistake("", "expected something in it");
  if (!root.value().is_object()) return scenario;
  root.whole("callbot", 1);
  scenario.name = root.text("name");
  scenario.description = root.text("description");
  scenario.seed = static_cast<uint64_t>(root.whole("seed", 1));
  const Json vars = root.raw("vars");
  if (!vars.is_object() && !vars.is_null()) root.complain("vars", "expected names and values");
  for (const std::string& name : vars.keys()) {
    const Json value = vars.at(name.c_str());
    if (value.is_array() || value.is_object())
      notes.mistake(path_of("vars", name), "expected a text, a number or a truth");
  }
  root.map("networks", [](const std::string&, Reader reader) { read_by_table(reader); });
  decode_actors(root, scenario);
  decode_steps(root, scenario);
  decode_judging(root, scenario);
  root.done();
  check_scenario(notes, scenario);
  return scenario;
}

Gate decode_gate(Reader& reader) {
  Gate gate;
  gate.metric = reader.text("metric");
  gate.op = reader.text("op", "<=");
  gate.written = reader.quantity("value");
  const auto stat = reader.stat("stat");
  const Metric* metric = find_metric(gate.metric);
  if (stat) gate.stat = *stat;
  if (metric == nullptr || !stat) return gate;
  if (const std::string wrong = stat_mistake(gate.stat, *metric); !wrong.empty())
    reader.complain("stat", wrong);
  if (gate.written.empty()) return gate;
  const std::string unit = unit_of(gate.stat, *metric);
  const auto value = parse_quantity(gate.written, unit);
  // Milliseconds would be meant as often as seconds.
  const bool bare =
      value && *value != 0 &&
      std::string_view("0123456789.").find(gate.written.back()) != std::string_view::npos;
  if (bare && (unit == "s" || unit == "bit/s"))
    reader.complain("value", fmt::format("\"{}\": expected a number with its unit, such as {}",
                                         gate.written, unit == "s" ? "200ms" : "300 kbit/s"));
  else if (value && is_share(gate.stat, *metric) && std::abs(*value) > 1)
    reader.complain("value", fmt::format("{}: expected a share up to 1, or per cent, such as 5%",
                                         gate.written));
  else if (value)
    gate.value = *value;
  else
    reader.complain("value", value.error().message);
  return gate;
}

std::string text_of(const Mistake& mistake, const std::string& file) {
  return fmt::format("{}:{}:{}: {}{}{}", file, mistake.at.line, mistake.at.column, mistake.path,
                     mistake.path.empty() ? "" : ": ", mistake.text);
}

Mistake mistake_at(const Scenario& scenario, const std::string& path, std::string text) {
  return {scenario.places ? scenario.places->nearest(path) : TextPlace(), path, std::move(text)};
}

Result<> no_mistakes(std::vector<Mistake> all, const std::string& file) {
  std::stable_sort(all.begin(), all.end(), [](const Mistake& a, const Mistake& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  // Who carries a value out finds in it what the table of keys has found.
  const auto same = [](const Mistake& a, const Mistake& b) {
    return a.path == b.path && a.text == b.text;
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  std::string text;
  for (const Mistake& one : all) text += (text.empty() ? "" : "\n") + text_of(one, file);
  return all.empty() ? Result<>() : fail(Code::kUsage, text);
}

Result<Scenario> decode_scenario(std::string_view text, const std::string& file,
                                 const Variables& variables, const MoreMistakes& more) {
  const bool json = file.ends_with(".json") || file.ends_with(".jsonc");
  auto document = parse_yaml(text, json ? YamlDialect::kJson : YamlDialect::kYaml);
  if (!document)
    return fail(Code::kUsage, fmt::format("{}:{}{}", file, document.error().message,
                                          variable_hint(text, document.error().message)));
  Notes notes(std::move(*document));
  substitute(notes, variables);
  Scenario scenario = decode(notes);
  scenario.file = file;
  scenario.places = std::make_shared<const TextPlaces>(notes.document());
  std::vector<Mistake> mistakes = notes.mistakes();
  for (Mistake& one : more ? more(scenario) : std::vector<Mistake>())
    mistakes.push_back(std::move(one));
  if (auto fine = no_mistakes(std::move(mistakes), file); !fine)
    return tl::unexpected(fine.error());
  return scenario;
}

Result<Scenario> load_scenario(const fs::path& file, const Variables& variables,
                               const MoreMistakes& more) {
  const auto text = read_file(file, kMostFile);
  if (!text) return tl::unexpected(text.error());
  return decode_scenario(*text, file.string(), variables, more);
}

}  // namespace callbot::scenarios
