// What happens: steps.
#include <fmt/core.h>

#include <algorithm>

#include "scenarios/decode.h"
#include "scenarios/nearest.h"

namespace callbot::scenarios {
namespace {

constexpr double kUsualGrace = 0.5;  // our choice: sound and pictures that were under way

// The row of the table that this object is; says what is wrong where it is none.
const StepShape* row_of(Notes& notes, const Json& value, const std::string& path) {
  std::vector<std::string_view> keys, words;
  const StepShape* found = nullptr;
  size_t tells = 0;
  std::string_view last;
  for (const StepShape& row : step_shapes()) {
    const std::string_view key = row.key;
    if (key == "do") words.emplace_back(row.value);
    if (keys.empty() || keys.back() != key) keys.push_back(key);
    if (value.at(row.key).is_null()) continue;
    if (last != key) ++tells;
    last = key;
    if (row.value == nullptr || value.at("do").text() == row.value) found = &row;
  }
  if (!value.is_object()) {
    notes.mistake(path, "expected a step: \"do: join\", \"wait: 5s\", \"mark: NAME\" ...");
  } else if (tells == 0) {
    std::string meant;
    for (const std::string& key : value.keys()) {
      if (const auto s = suggestion(key, keys); s.ends_with('?')) meant = s;
    }
    notes.mistake(path, "expected one of the keys do, wait, mark, expect, run" + meant);
  } else if (tells > 1) {
    notes.mistake(path, "expected only one of the keys do, wait, mark, expect, run");
    return nullptr;
  } else if (found == nullptr) {
    notes.mistake(path_of(path, "do"),
                  "unknown step" + suggestion(value.at("do").text().value_or(""), words));
  }
  return found;
}

// Which keys go with what is expected; a key that is read by nobody would promise something.
void check_keys_of(Reader& reader, const Expectation& row) {
  for (const std::string_view need : row.needs) {
    if (!reader.has(std::string(need).c_str()))
      reader.notes().mistake(reader.path(),
                             fmt::format("missing {}: expect: {} needs it", need, row.name));
  }
  const auto listed = [](const std::vector<std::string_view>& keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const Key& key : reader.shape().keys) {
    const bool common = key.required || listed(row.needs, key.name) || listed(row.takes, key.name);
    if (!common && reader.has(key.name))
      reader.complain(key.name, fmt::format("means nothing with expect: {}", row.name));
  }
}

void decode_expect(Reader& reader, Step& step) {
  step.what = reader.text("expect");
  step.from = reader.text("from");
  step.stream = reader.text("stream");
  step.timeout = reader.number("within", step.timeout);
  step.lasts = reader.number("for", 0);
  const bool absence = step.what == "unseen" || step.what == "silence";
  step.grace = reader.number("grace", absence ? kUsualGrace : 0);
  if (const auto size = reader.size("size")) std::tie(step.width, step.height) = *size;
  step.codec = reader.text("codec");
  step.text = reader.text("text");
  if (step.what == "metric") {
    const Gate gate = decode_gate(reader);
    step.metric = gate.metric;
    step.stat = gate.stat;
    step.op = gate.op;
    step.value = gate.value;
  } else {
    for (const char* key : {"metric", "stat", "op", "value"}) reader.raw(key);
  }
  if (const Expectation* row = find_expectation(step.what)) check_keys_of(reader, *row);
}

void decode_switch(Reader& reader, Step& step) {
  step.media = reader.text("media");
  step.codec = reader.text("codec");
  if (const auto size = reader.size("size")) std::tie(step.width, step.height) = *size;
  const auto fps = static_cast<int>(reader.whole("fps", 30));
  const double bitrate = reader.number("bitrate", 0);
  if (reader.has("fps")) step.fps = fps;
  if (reader.has("bitrate")) step.bitrate = bitrate;
  for (const char* key : {"media", "codec", "size", "fps", "bitrate"}) {
    if (reader.has(key)) return;
  }
  reader.notes().mistake(reader.path(), "expected one of media, codec, size, fps, bitrate");
}

void decode_kind(Reader& root, Reader& reader, Step& step) {
  switch (step.kind) {
    case StepKind::kMute:
    case StepKind::kUnmute:
      step.what = reader.text("what", "audio");
      break;
    case StepKind::kSwitch:
      decode_switch(reader, step);
      break;
    case StepKind::kShareScreen:
      step.media = reader.text("media");
      break;
    case StepKind::kNetwork:
      step.network = decode_network(root, reader, "set");
      step.verify = reader.flag("verify", false);
      break;
    case StepKind::kMessage:
      step.text = reader.text("text");
      step.to = reader.text("to");
      break;
    case StepKind::kFile:
      step.path = reader.text("path");
      step.to = reader.text("to");
      break;
    case StepKind::kWait:
      step.wait = reader.number("wait", 0);
      break;
    case StepKind::kMark:
      step.mark = reader.text("mark");
      if (step.mark.empty() || (step.mark[0] >= '0' && step.mark[0] <= '9'))
        reader.complain("mark", "expected a name that begins with no digit: those are times");
      break;
    case StepKind::kExpect:
      decode_expect(reader, step);
      break;
    case StepKind::kRun:
      step.program = reader.texts("run");
      if (step.program.empty() || step.program[0].empty())
        reader.complain("run", "expected a program");
      step.exit_status = static_cast<int>(reader.whole("exit_status", 0));
      break;
    default:
      break;
  }
}

}  // namespace

void decode_steps(Reader& root, Scenario& scenario) {
  size_t number = 0;  // one that cannot be read counts too
  root.elements("steps", [&](const Json& value, const std::string& path) {
    const size_t index = number++;
    Notes& notes = root.notes();
    const StepShape* row = row_of(notes, value, path);
    if (row == nullptr) return;
    Reader reader(notes, *row->shape, value, path);
    Step step{.kind = row->kind, .index = index, .place = notes.place(path)};
    step.name = reader.text("name");
    step.optional = reader.flag("optional", false);
    const double at = reader.number("at", 0);
    if (reader.has("at")) step.at = at;
    if (row->shape->find("do") != nullptr) reader.text("do");
    if (row->shape->find("who") != nullptr) step.who = reader.text("who");
    if (row->shape->find("timeout") != nullptr) step.timeout = reader.number("timeout", 10);
    decode_kind(root, reader, step);
    reader.done();
    scenario.steps.push_back(std::move(step));
  });
  if (root.has("steps") && scenario.steps.empty() && root.notes().mistakes().empty())
    root.complain("steps", "expected something to happen");
}

}  // namespace callbot::scenarios
