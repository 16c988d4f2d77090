// bot/scenario_bundle.h: the folder that is kept of a run: of each moment of failure the media that
// was received, what was measured (run.json), and what happened (events.txt); on request everything
// that was received.
//
// Thread:  worker; blocks on the file system.
// Owner:   the caller.
// Fails:   kStorage. Media that cannot be cut out is left out, and said in the log.
#pragma once

#include <vector>

#include "bot/scenario_media.h"
#include "scenarios/run_json.h"

namespace callbot::bot {

// Makes <out>/<scenario>-<time>-run-<N>/, `everything` with a file of each stream in received/, and
// takes the recordings away. What it made, for the run's evidence.
Result<std::vector<scenarios::FileFact>> make_bundle(const fs::path& out,
                                                     const scenarios::RunRecord& run,
                                                     const std::vector<KeptMedia>& media,
                                                     bool everything = false);

// Nothing is kept of it: the run passed.
void drop_media(const std::vector<KeptMedia>& media);

}  // namespace callbot::bot
