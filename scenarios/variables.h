// scenarios/variables.h: ${NAME} and ${NAME:-otherwise} in a scenario's texts, $${NAME} for the
// text itself.
//
// What a name is, in this order: --var, the CSV's row, the environment, the file's `vars`, the
// reference's own otherwise. Values hold references of their own in `vars` only. A text that is one
// reference and nothing else may become a number or a truth where the key wants one.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   mistakes with their places; parse_csv and parse_var: kUsage that says what was expected.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "scenarios/reader.h"

namespace callbot::scenarios {

using Values = std::map<std::string, std::string>;

struct Variables {
  Values given;                                                               // --var NAME=VALUE
  Values row;                                                                 // of a CSV
  std::function<std::optional<std::string>(const std::string&)> environment;  // null: none
};
// The process's own.
std::optional<std::string> from_environment(const std::string& name);

// Puts the values into the document; Notes then knows what was written where.
void substitute(Notes& notes, const Variables& variables);

// "NAME=VALUE".
Result<std::pair<std::string, std::string>> parse_var(const std::string& text);
// RFC 4180: the first line names the columns; a run for every other.
Result<std::vector<Values>> parse_csv(std::string_view text);

}  // namespace callbot::scenarios
