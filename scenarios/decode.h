// scenarios/decode.h: a scenario file -> Scenario, with every mistake in it.
//
//   two-party.yaml:12:5: actors.bob.recieve: unknown key, did you mean "receive"?
//
// Thread:  any.
// Owner:   the caller.
// Fails:   kUsage: a line for each mistake; kStorage: the file cannot be read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "scenarios/reader.h"
#include "scenarios/scenario.h"
#include "scenarios/variables.h"

namespace callbot::scenarios {

// What else is wrong with it; of one with mistakes already, what could be read of it.
using MoreMistakes = std::function<std::vector<Mistake>(const Scenario&)>;

// `file` stands in messages; one that ends in .json may hold comments.
Result<Scenario> decode_scenario(std::string_view text, const std::string& file,
                                 const Variables& variables, const MoreMistakes& more = nullptr);
Result<Scenario> load_scenario(const fs::path& file, const Variables& variables,
                               const MoreMistakes& more = nullptr);

// "FILE:LINE:COLUMN: PATH: TEXT".
std::string text_of(const Mistake& mistake, const std::string& file);
Mistake mistake_at(const Scenario& scenario, const std::string& path, std::string text);
// kUsage: a line for each, in the order of the file.
Result<> no_mistakes(std::vector<Mistake> all, const std::string& file);

// The parts; for decode.cc and the tests that hold it and the table of keys together.
Scenario decode(Notes& notes);
void decode_actors(Reader& root, Scenario& scenario);  // rooms, media, actors, load
void decode_steps(Reader& root, Scenario& scenario);
void decode_judging(Reader& root, Scenario& scenario);  // timeline, thresholds, report
std::optional<NetworkSetting> decode_network(Reader& root, Reader& parent, const char* key);
// Names that are used but not there, steps that cannot be, in the order of the file.
void check_scenario(Notes& notes, const Scenario& scenario);
// "metric", "stat", "op", "value" of a threshold or an expectation.
struct Gate {
  std::string metric, op, written;
  StatName stat;
  double value = 0;
};
Gate decode_gate(Reader& reader);

}  // namespace callbot::scenarios
