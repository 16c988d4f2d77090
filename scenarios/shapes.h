// scenarios/shapes.h: THE TABLE OF KEYS of a scenario file. The decoder reads by it, the JSON
// Schema is made from it, and what it does not have is unknown.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "scenarios/scenario.h"

namespace callbot::scenarios {

enum class KeyKind {
  kText,
  kTexts,  // one text, or a list of them
  kWhole,  // from least to most
  kNumber,
  kFlag,      // true or false
  kSeconds,   // "400ms"; a number is seconds
  kBitRate,   // "300 kbit/s"
  kShare,     // "10%"
  kAmount,    // a time or bytes: "200ms", "64KiB"
  kSize,      // "640x360"
  kChoice,    // one of `choices`
  kChoices,   // a list of them
  kQuantity,  // in the unit of the metric beside it
  kMetric,    // a name of the metric table
  kStat,      // scenarios/stats.h
  kMoment,    // a mark, or a time since the steps began
  kMoments,   // two of them
  kValues,    // name -> text, number or truth
  kObject,    // `shape`
  kMap,       // name -> `shape`
  kList,      // of `shape`
  kSteps,     // of step_shapes()
};

struct Shape;

struct Key {
  const char* name;
  KeyKind kind;
  const char* what;  // a sentence for the schema and the reference
  const Shape* shape = nullptr;
  std::span<const char* const> choices = {};
  bool required = false;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

struct Shape {
  const char* name;
  const char* what;
  std::span<const Key> keys;
  const Shape* common = nullptr;  // its keys belong to it too
  const char* plain = nullptr;    // a bare text stands for this key
  bool extra = false;             // keys that begin with x- are nobody's business: for anchors

  const Key* find(std::string_view key) const;
  std::vector<std::string_view> names() const;
};

const Shape& scenario_shape();

// A step is told by one of the keys do, wait, mark, expect, run; with do by its value too.
struct StepShape {
  StepKind kind;
  const char* key;
  const char* value;  // of do; else null
  const Shape* shape;
};
std::span<const StepShape> step_shapes();

// Every shape there is, the steps' too.
std::vector<const Shape*> all_shapes();

// What can be expected of a call in an expect step.
struct Expectation {
  const char* name;
  const char* what;
  std::vector<std::string_view> needs;  // keys without which it means nothing
  std::vector<std::string_view> takes;  // the others that mean something
  bool decodes = false;                 // only who decodes can tell
};
std::span<const Expectation> expectations();
const Expectation* find_expectation(std::string_view name);

}  // namespace callbot::scenarios
