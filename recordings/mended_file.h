// recordings/mended_file.h: what became of a media file that was looked into.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never.
#pragma once

#include <cstdint>
#include <string>

namespace callbot::recordings {

enum class Mended {
  kWhole,       // nothing was to be done, but for the journal perhaps
  kMended,      // cut at its last whole frame
  kSwapped,     // was under the name of another file, and is back under its own
  kChanged,     // whole, but no longer what was written; left as it is
  kUnreadable,  // not one frame could be read
  kEmpty,
  kMissing,
  kSealed,  // encrypted, and no key fits; left as it is
};

struct MendedFile {
  std::string file = {};
  Mended what = Mended::kWhole;
  bool touched = false;       // the folder was changed for it
  bool in_place = false;      // without a copy, so without an index
  uint64_t frames = 0;        // kept; 0 where it was not looked at
  uint64_t unusable = 0;      // bytes
  int64_t duration_ns = 0;    // of what is kept
  int64_t missing_ns = 0;     // known to have been there behind that
  std::string moved_to = {};  // the damaged one, below the folder
  std::string text = {};      // for people
};

// "whole", "mended" ...
const char* name_of(Mended what);
// For people: "90 frames kept, 17 bytes not usable".
std::string to_text(const MendedFile& file);

}  // namespace callbot::recordings
