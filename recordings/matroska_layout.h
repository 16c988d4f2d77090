// recordings/matroska_layout.h: is a Matroska file whole, by its structure (RFC 8794, RFC 9559)?
//
// Reads the head of every element and no media: some milliseconds for an hour of a call.
//
// Thread:  worker.
// Owner:   the caller.
// Fails:   kStorage if it cannot be read, kBadInput if it is no file. Damage is no failure but what
// is looked for.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace callbot::recordings {

struct MatroskaLayout {
  bool header = false;    // there are tracks before the first frame
  bool closed = false;    // every size agrees, to the last byte: it was written to its end
  uint64_t frames = 0;    // whole blocks
  uint64_t unusable = 0;  // bytes that may have held frames and make no whole block
};

Result<MatroskaLayout> read_layout(const std::filesystem::path& path);

}  // namespace callbot::recordings
