// scenarios/schema.h: the JSON Schema (draft 2020-12) of a scenario, made from the table of keys
// that the decoder reads by; for editors.
//
// What a schema cannot say (names that must be there, stats that mean something, steps that can be)
// only `callbot test --check` knows.
//
// Thread:  any; pure.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include "base/json.h"

namespace callbot::scenarios {

Json scenario_schema();

}  // namespace callbot::scenarios
