// recordings/asked.h: what was asked of a recording and holds until it is taken back: pauses, and
// the patterns of names that say who is recorded. It follows from the journal, so that it holds
// when another process goes on.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   read_asked: as load() of manifest.h.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "recordings/event.h"

namespace callbot::recordings {

struct Asked {
  struct Pause {
    std::string participant = {};  // empty: everybody
    std::string policy = {}, by = {};
  };
  struct Rule {
    std::string pattern = {};
    bool include = false;
    friend bool operator==(const Rule&, const Rule&) = default;
  };
  // Not resumed. The end of a recording is none of a pause: whoever goes on in it goes on pausing.
  std::vector<Pause> pauses = {};
  std::vector<Rule> rules = {};  // all there ever were, in the order of the journal
};

Asked asked_by(const std::vector<Event>& events);

// For another recording of the same call.
struct AskedBefore {
  Asked asked = {};
  // Name and id of everybody but recorders: pauses are by id.
  std::vector<std::pair<std::string, std::string>> participants = {};
};
Result<AskedBefore> read_asked(const std::filesystem::path& folder);

}  // namespace callbot::recordings
