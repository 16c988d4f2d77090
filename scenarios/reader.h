// scenarios/reader.h: reads one object of a scenario by its shape, and keeps every mistake with its
// place. Reading goes on after a mistake with defaults, so decoders need no branches.
//
// Thread:  one at a time.
// Owner:   the decoder; a Reader lives no longer than its Notes.
// Fails:   never; mistakes are collected in Notes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/yaml.h"
#include "scenarios/shapes.h"

namespace callbot::scenarios {

struct Mistake {
  TextPlace at;
  std::string path;  // "steps[3].timeout"
  std::string text;
};

// What is known of a document while it is decoded.
class Notes {
 public:
  explicit Notes(YamlDocument document) : document_(std::move(document)) {}

  const Json& root() const { return document_.root; }
  YamlDocument& document() { return document_; }
  // At the value; at the key where the key itself is wrong; at the nearest that stands in the text.
  void mistake(const std::string& path, std::string text, bool key = false);
  TextPlace place(const std::string& path) const { return document_.nearest(path); }
  const std::vector<Mistake>& mistakes() const { return mistakes_; }

  // What a text was that a variable made a number or truth of.
  std::map<std::string, std::string> written;
  // "shape.key" of everything that was read, for the tests that hold table and decoder together.
  std::set<std::string> asked;

 private:
  YamlDocument document_;
  std::vector<Mistake> mistakes_;
};

class Reader {
 public:
  // A bare text stands for the shape's plain key.
  Reader(Notes& notes, const Shape& shape, const Json& value, std::string path);

  bool has(const char* key) const;
  std::string path(const char* key) const { return path_of(path_, key); }
  const std::string& path() const { return path_; }
  void complain(const char* key, std::string text) { notes_.mistake(path(key), std::move(text)); }

  std::string text(const char* key,
                   std::string otherwise = "");     // kText, kChoice, kMetric, kMoment
  std::vector<std::string> texts(const char* key);  // kTexts, kChoices, kMoments
  int64_t whole(const char* key, int64_t otherwise);
  double number(const char* key, double otherwise);  // kNumber, kSeconds, kBitRate, kShare
  bool flag(const char* key, bool otherwise);
  std::optional<std::pair<int, int>> size(const char* key);
  // A text with a unit, or a number: as text.
  std::string quantity(const char* key);
  std::optional<StatName> stat(const char* key);
  std::optional<Reader> object(const char* key);
  // Every element of a map or a list.
  void map(const char* key, const std::function<void(const std::string& name, Reader)>& each);
  void list(const char* key, const std::function<void(Reader)>& each);
  void elements(const char* key, const std::function<void(const Json&, const std::string&)>& each);
  Json raw(const char* key);

  // Unknown keys, and required ones that are missing. At the end of each object.
  void done();
  Notes& notes() { return notes_; }
  const Json& value() const { return value_; }
  const Shape& shape() const { return shape_; }

 private:
  const Key& row(const char* key, std::initializer_list<KeyKind> kinds);
  std::optional<std::string> text_at(const Json& value, const std::string& path) const;
  void check_choice(const Key& row, const std::string& text, const std::string& path);
  bool within(const Key& row, double value);

  Notes& notes_;
  const Shape& shape_;
  Json value_;
  std::string path_;
};

}  // namespace callbot::scenarios
