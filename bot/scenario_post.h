// bot/scenario_post.h: a chat message or a file on its way from one actor of a scenario to others,
// over their data channels, as fast as those take it.
//
// Thread:  loop. A file is read a little at a time.
// Owner:   bot::ScenarioActor.
// Fails:   file(): kStorage; later through failure(): a file that cannot be read any more.
#pragma once

#include <glib.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/gref.h"
#include "bot/call.h"
#include "bot/channel_messages.h"

namespace callbot::bot {

class ScenarioPost {
 public:
  static std::unique_ptr<ScenarioPost> message(const std::string& text);
  static Result<std::unique_ptr<ScenarioPost>> file(const fs::path& path);

  // Names in the call.
  void address(std::vector<std::string> to);
  // Sends what there is room for.
  void go_on(Call& call);
  bool done() const;
  // Why it is not done yet, or why it never will be.
  std::string missing() const { return missing_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  // How far it is with one of them.
  struct Way {
    std::string name;
    bool begun = false, done = false;
    uint64_t at = 0;
  };
  Result<> send(Call& call, const std::string& member, Way& way);

  std::string text_;  // of a message
  Descriptor file_;
  std::string name_, sha256_;
  uint64_t size_ = 0;
  int64_t id_ = 0;
  std::vector<Way> ways_;
  std::string missing_;
  std::optional<Error> failure_;
};

// Files on their way in, one from each member: whole, if size and hash are as was said.
class IncomingFiles {
 public:
  void begin(const std::string& member, const FileBegin& file);
  void take(const std::string& member, const std::string& bytes);
  bool any_from(const std::string& member) const { return files_.count(member) > 0; }
  // Its name. `end`: null where it broke off; kBadInput: it is not whole.
  Result<std::string> end(const std::string& member, const FileEnd* end);

 private:
  struct File {
    FileBegin said;
    uint64_t bytes = 0;
    std::unique_ptr<GChecksum, Freer<&g_checksum_free>> sum;
  };
  std::map<std::string, File> files_;  // by member
};

}  // namespace callbot::bot
