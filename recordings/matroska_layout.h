// recordings/matroska_layout.h: is a Matroska file whole, by its structure (RFC 8794, RFC 9559)?
//
// Reads the head of every element and no media: some milliseconds for an hour of a call.
//
// Thread:  worker.
// Owner:   the caller.
// Fails:   kStorage if it cannot be read, kBadInput if it is no file, kDenied if it is sealed and
// no
//          key fits. Damage is no failure but what is looked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "recordings/readable_file.h"

namespace callbot::recordings {

struct MatroskaLayout {
  bool header = false;    // there are tracks before the first frame
  bool closed = false;    // every size agrees, to the last byte: it was written to its end
  uint64_t frames = 0;    // whole blocks
  uint64_t whole_to = 0;  // where the last of them ends
  // Where the size of an element that goes on behind the end of the file stands, and in how many
  // bytes.
  struct SizeField {
    uint64_t at = 0;
    int length = 0;
  };
  std::vector<SizeField> too_long = {};
  uint64_t unusable = 0;               // bytes that may have held frames and make no whole block
  std::vector<ByteRange> harmed = {};  // of a sealed file: elements that were lost in part
  uint64_t size = 0;                   // of the file, opened
  bool cuttable = true;                // in place; not a sealed file that is harmed
};

Result<MatroskaLayout> read_layout(const std::filesystem::path& path);
// Cuts the file behind its last whole frame and makes the sizes that said more unknown ones (RFC
// 8794, 6.2). Done once more it changes nothing. A sealed file can only grow: what is behind its
// last whole frame becomes a Void element (RFC 8794, 11.3.2). kStorage; kDenied if no key fits.
Result<> cut_in_place(const std::filesystem::path& path, const MatroskaLayout& layout);

}  // namespace callbot::recordings
