// base/json.h: strict JSON in and out, over json-glib. The only file that sees json-glib.
//
// Thread:  any; a Json is shared and, once handed on, not changed any more.
// Owner:   reference counted.
// Fails:   kBadInput that names the place ("video.width: expected a whole number").
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/gref.h"

namespace callbot {

template <>
struct RefTraits<JsonNode> {
  static void ref(JsonNode* p) { json_node_ref(p); }
  static void unref(JsonNode* p) { json_node_unref(p); }
};

struct JsonLimits {
  size_t most_bytes = 4u << 20;
  int deepest = 64;
};

// One JSON value.
class Json {
 public:
  Json();  // null
  static Json object();
  static Json array();
  static Json of(std::string_view text);
  static Json of(const char* text) { return of(std::string_view(text)); }
  static Json of(const std::string& text) { return of(std::string_view(text)); }
  static Json of(bool value);
  static Json of(double value);  // NaN and infinities become null
  static Json of(int64_t value);
  template <class T>
  requires std::is_integral_v<T>
  static Json of(T value) { return of(static_cast<int64_t>(value)); }
  static Json of(Json value) { return value; }

  // RFC 8259 and nothing else: one value, no comments, no NaN, no duplicate keys, whole numbers
  // within int64. Checked for size, depth and grammar before json-glib sees the text.
  static Result<Json> parse(std::string_view text, JsonLimits limits = {});

  // Builders. On an object; on an array.
  template <class T>
  Json& set(const char* key, const T& value) {
    return set_node(key, of(value));
  }
  Json& set_if(bool when, const char* key, const auto& value) {
    return when ? set(key, value) : *this;
  }
  template <class T>
  Json& add(const T& value) {
    return add_node(of(value));
  }

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  size_t size() const;             // members or elements; 0 for anything else
  Json at(size_t i) const;         // array element; null if there is none
  Json at(const char* key) const;  // object member; null if there is none
  std::optional<std::string> text() const;
  std::optional<int64_t> whole() const;
  std::optional<double> number() const;  // whole numbers too
  std::optional<bool> boolean() const;
  std::vector<std::string> keys() const;

  std::string dump(bool pretty = false) const;

 private:
  explicit Json(GRef<JsonNode> node) : node_(std::move(node)) {}
  Json& set_node(const char* key, const Json& value);
  Json& add_node(const Json& value);
  GRef<JsonNode> node_;
};

// Reads one object key by key, keeps the first mistake, and at the end complains of keys nobody
// asked for. Reading goes on after a mistake with defaults, so decoders need no branches.
class Fields {
 public:
  // `path` prefixes every message: "video" gives "video.width: ...". An empty path is the root.
  explicit Fields(const Json& object, std::string path = "");

  template <class T>
  T get(const char* key, T otherwise) {  // optional key
    auto value = read<T>(key, false);
    return value ? *value : otherwise;
  }
  template <class T>
  T need(const char* key) {  // required key
    auto value = read<T>(key, true);
    return value ? *value : T{};
  }
  bool has(const char* key) const;
  // A member object, or an empty one that reports nothing but required keys it lacks.
  // Give it back with absorb() so that its mistakes count.
  Fields object(const char* key);
  void absorb(const Fields& child);
  // Calls `each` for every element of a member array (none if it is absent).
  void list(const char* key, const std::function<void(const Json&, const std::string& path)>& each);
  Json raw(const char* key);  // any value; counts as asked for

  void complain(const char* key, std::string expected);  // "path.key: expected ..."
  void ignore_unknown() { unknown_allowed_ = true; }     // for formats that grow
  // The first wrong or unknown key, with its path.
  Result<> done();
  bool ok() const { return !error_; }

 private:
  template <class T>
  std::optional<T> read(const char* key, bool required);
  void mistake(std::string message);

  Json object_;
  std::string path_;
  std::vector<std::string> asked_;
  bool unknown_allowed_ = false;
  std::optional<Error> error_;
};

}  // namespace callbot
