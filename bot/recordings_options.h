// bot/recordings_options.h: what `callbot recordings ...` can be told.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   never; bot/cli_recordings fills and checks them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "recordings/catalogue.h"
#include "recordings/expire.h"

namespace callbot::bot {

// list, and find, which is a list with something to look for.
struct ListRecordings {
  recordings::CatalogueQuery query;
  std::string sort = "started";
  bool reverse = false;
  size_t limit = 0;  // 0: all
  bool rebuild = false;
};

struct ShowRecording {
  std::string name;
};

struct TagRecording {
  std::string name;
  std::vector<std::string> add, remove;
};

struct KeepRecording {
  std::string name;
  bool off = false;
};

struct ExpireRecordings {
  recordings::ExpireConfig config;
  bool yes = false;
};

struct RecordingsOptions {
  std::filesystem::path out = "recordings";
  bool json = false;
  std::variant<ListRecordings, ShowRecording, TagRecording, KeepRecording, ExpireRecordings> verb;
};

}  // namespace callbot::bot
