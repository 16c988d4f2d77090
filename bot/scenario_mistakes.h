// bot/scenario_mistakes.h: what of a scenario cannot be run as it stands, said before anything
// runs: files that are not there, what this version does not do, what a browser's page cannot do.
//
// Thread:  main's or the loop; reads the beginnings of files.
// Owner:   the caller.
// Fails:   kUsage: a line for each mistake, with its place, in the order of the file.
#pragma once

#include <vector>

#include "scenarios/decode.h"

namespace callbot::bot {

std::vector<scenarios::Mistake> mistakes_of(const scenarios::Scenario& scenario);
Result<> can_run(const scenarios::Scenario& scenario);

}  // namespace callbot::bot
