// tests/support/schema_check.h: as much of JSON Schema (draft 2020-12) as ours use: $ref within the
// document, type, enum, const, properties, patternProperties, additionalProperties, required,
// items, minItems, maxItems, minimum, maximum, pattern, anyOf, oneOf. Any other keyword is a
// failure.
#pragma once

#include <string>

#include "base/json.h"

namespace callbot::test {

// Empty: valid; else where it is not, and why.
std::string schema_mistake(const Json& schema, const Json& value);

}  // namespace callbot::test
