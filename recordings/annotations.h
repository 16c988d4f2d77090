// recordings/annotations.h: what people said of a recording afterwards: annotations.json.
//
// Tags, and whether it is to be kept for ever. The file stands in the recording's folder and is
// the truth; FORMAT.md specifies it.
//
// Thread:  any; blocks on the file system. Several processes may change one at once.
// Owner:   the caller.
// Fails:   kBadInput that names the key or the tag, kUnsupported for a later version, kStorage.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace callbot::recordings {

struct Annotations {
  std::set<std::string> tags = {};
  bool keep = false;  // recordings expire leaves it alone
  bool operator==(const Annotations&) const = default;
};

constexpr size_t kMostTags = 64;
// A tag: 1 to 64 bytes of UTF-8 without white space, comma and control characters that does not
// begin with '+' or '-'.
Result<> check_tag(std::string_view tag);

// None at all where the file is missing.
Result<Annotations> load_annotations(const std::filesystem::path& folder);
// Reads, changes and writes, while nobody else does. What `change` made of it.
Result<Annotations> change_annotations(const std::filesystem::path& folder,
                                       const std::function<Result<>(Annotations&)>& change);

}  // namespace callbot::recordings
