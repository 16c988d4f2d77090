// base/yaml.h: YAML for people -> Json, and where everything stands in the text. The only file
// that sees yaml-cpp.
//
// YAML 1.2's core schema: true and false, whole numbers, numbers, null, the rest is text (so are
// yes, no, on, off, and numbers that begin with a zero: 007). Anchors, aliases and merge keys
// (<<) work; keys are text and stand once. JSON is YAML with braces; in a .json file comments
// (// and /* */) are tolerated too, and what JSON escapes is read as JSON says.
//
// Thread:  any.
// Owner:   the caller.
// Fails:   kBadInput: "3:7: a key that stands here twice: room (first in line 2)".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace callbot {

struct TextPlace {
  int line = 0, column = 0;  // from 1; 0: nowhere
  explicit operator bool() const { return line > 0; }
  friend bool operator==(const TextPlace&, const TextPlace&) = default;
};

struct YamlLimits {
  size_t most_bytes = 1u << 20;
  int deepest = 32;
  size_t most_nodes = 200'000;  // aliases count as often as they are used
};

enum class YamlDialect { kYaml, kJson };

// By path, "steps[3].timeout": where its key stands, and its value. The root is "".
struct TextPlaces {
  std::map<std::string, TextPlace, std::less<>> keys, values;
  // Of its value, or of its key; where it does not stand in the text, of the nearest around it.
  TextPlace nearest(const std::string& path, bool key = false) const;
};

struct YamlDocument : TextPlaces {
  Json root;
};

Result<YamlDocument> parse_yaml(std::string_view text, YamlDialect dialect = YamlDialect::kYaml,
                                YamlLimits limits = {});

// "video", "width" -> "video.width"; "steps", 3 -> "steps[3]".
std::string path_of(std::string_view parent, std::string_view key);
std::string path_of(std::string_view parent, size_t index);

// A plain scalar's value by the core schema.
Json yaml_scalar(const std::string& text);

}  // namespace callbot
