#include "base/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace callbot {
namespace {

// RFC 8259, checked before json-glib sees the text: its parser takes comments, single quotes,
// assignments and several values in a row, wraps large numbers, and recurses without a limit.
class Grammar {
 public:
  Grammar(std::string_view text, int deepest) : text_(text), deepest_(deepest) {}

  Result<> check() {
    space();
    if (!value(0)) return complaint();
    space();
    if (at_ != text_.size()) {
      expected_ = "the end";
      return complaint();
    }
    return {};
  }

 private:
  Result<> complaint() const {
    const auto before = text_.substr(0, std::min(at_, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return fail(Code::kBadInput, fmt::format("not JSON: line {}, column {}: expected {}", line,
                                             before.size() - start + 1, expected_));
  }
  bool no(const char* expected) {
    expected_ = expected;
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return no("a value");
    at_ += w.size();
    return true;
  }
  bool value(int depth) {
    switch (peek()) {
      case '{':
        return depth < deepest_ ? object(depth) : no("less depth");
      case '[':
        return depth < deepest_ ? array(depth) : no("less depth");
      case '"':
        return string(nullptr);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  bool object(int depth) {
    take('{');
    space();
    if (take('}')) return true;
    std::set<std::string_view> keys;
    do {
      space();
      std::string_view key;
      const size_t start = at_;
      if (!string(&key)) return false;
      if (!keys.insert(key).second) {
        at_ = start;
        return no("each key once");
      }
      space();
      if (!take(':')) return no("':'");
      space();
      if (!value(depth + 1)) return false;
      space();
    } while (take(','));
    return take('}') || no("',' or '}'");
  }
  bool array(int depth) {
    take('[');
    space();
    if (take(']')) return true;
    do {
      space();
      if (!value(depth + 1)) return false;
      space();
    } while (take(','));
    return take(']') || no("',' or ']'");
  }
  bool hex4(unsigned* code) {
    const char* from = text_.data() + at_;
    if (at_ + 4 > text_.size()) return no("four hex digits");
    const auto [end, error] = std::from_chars(from, from + 4, *code, 16);
    if (error != std::errc() || end != from + 4) return no("four hex digits");
    at_ += 4;
    return true;
  }
  bool escape() {
    if (take('u')) {
      unsigned code = 0;
      if (!hex4(&code)) return false;
      if (code == 0) return no("no NUL character");  // json-glib would cut the text there
      if (code >= 0xDC00 && code <= 0xDFFF) return no("a high surrogate first");
      if (code < 0xD800 || code > 0xDBFF) return true;
      unsigned low = 0;
      if (!take('\\') || !take('u') || !hex4(&low) || low < 0xDC00 || low > 0xDFFF)
        return no("a low surrogate");
      return true;
    }
    if (at_ >= text_.size() ||
        std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos)
      return no("an escape");
    ++at_;
    return true;
  }
  bool string(std::string_view* content) {
    if (!take('"')) return no("a string");
    const size_t start = at_;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        if (content != nullptr) *content = text_.substr(start, at_ - start);
        ++at_;
        return true;
      }
      if (c < 0x20) return no("no control character in a string");
      ++at_;
      if (c == '\\' && !escape()) return false;
    }
    return no("'\"'");
  }
  bool digits() {
    const size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start || no("a value");
  }
  bool number() {
    const size_t start = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) return no("a digit");
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) return no("a digit");
    }
    const char* from = text_.data() + start;
    const char* to = text_.data() + at_;
    int64_t as_whole = 0;
    double as_double = 0;
    const bool fits = whole ? std::from_chars(from, to, as_whole).ec == std::errc()
                            : std::from_chars(from, to, as_double).ec == std::errc();
    return fits || no("a number within range");
  }

  std::string_view text_;
  int deepest_;
  size_t at_ = 0;
  const char* expected_ = "a value";
};

const char* kind_of(bool) { return "true or false"; }
const char* kind_of(const std::string&) { return "a text"; }
const char* kind_of(double) { return "a number"; }
template <class T>
requires std::is_integral_v<T>
const char* kind_of(T) { return "a whole number"; }

std::optional<bool> convert(const Json& json, bool) { return json.boolean(); }
std::optional<std::string> convert(const Json& json, const std::string&) { return json.text(); }
std::optional<double> convert(const Json& json, double) { return json.number(); }
template <class T>
requires std::is_integral_v<T> std::optional<T> convert(const Json& json, T) {
  const auto whole = json.whole();
  if (!whole || !std::in_range<T>(*whole)) return std::nullopt;
  return static_cast<T>(*whole);
}

// json-glib's own writer makes 5e+64 into "5e+64.0", which is no JSON.
class Writer {
 public:
  Writer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void value(const Json& json, int depth) {
    if (json.is_object()) {
      members(json, depth);
    } else if (json.is_array()) {
      elements(json, depth);
    } else if (const auto text = json.text()) {
      string(*text);
    } else if (const auto whole = json.whole()) {
      out_ += fmt::format("{}", *whole);
    } else if (const auto number = json.number()) {
      real(*number);
    } else if (const auto boolean = json.boolean()) {
      out_ += *boolean ? "true" : "false";
    } else {
      out_ += "null";
    }
  }

 private:
  void members(const Json& json, int depth) {
    out_ += '{';
    bool first = true;
    for (const std::string& key : json.keys()) {
      begin_item(first, depth + 1);
      string(key);
      out_ += pretty_ ? ": " : ":";
      value(json.at(key.c_str()), depth + 1);
    }
    end_items(first, depth);
    out_ += '}';
  }

  void elements(const Json& json, int depth) {
    out_ += '[';
    bool first = true;
    for (size_t i = 0; i < json.size(); ++i) {
      begin_item(first, depth + 1);
      value(json.at(i), depth + 1);
    }
    end_items(first, depth);
    out_ += ']';
  }

  void begin_item(bool& first, int depth) {
    if (!first) out_ += ',';
    first = false;
    new_line(depth);
  }
  void end_items(bool empty, int depth) {
    if (!empty) new_line(depth);
  }
  void new_line(int depth) {
    if (pretty_) out_ += '\n' + std::string(static_cast<size_t>(depth) * 2, ' ');
  }

  // The shortest text that reads as the same number, and as a double.
  void real(double number) {
    std::string text = fmt::format("{}", number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    out_ += text;
  }

  void string(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += {'\\', c};
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        out_ += fmt::format("\\u{:04x}", static_cast<int>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string& out_;
  const bool pretty_;
};

}  // namespace

Json::Json() : node_(GRef<JsonNode>::adopt(json_node_new(JSON_NODE_NULL))) {}

Json Json::object() {
  JsonNode* node = json_node_new(JSON_NODE_OBJECT);
  json_node_take_object(node, json_object_new());
  return Json(GRef<JsonNode>::adopt(node));
}

Json Json::array() {
  JsonNode* node = json_node_new(JSON_NODE_ARRAY);
  json_node_take_array(node, json_array_new());
  return Json(GRef<JsonNode>::adopt(node));
}

Json Json::of(std::string_view text) {
  // Text that is not UTF-8 or holds a NUL would make a document that nobody can read.
  if (text.empty()) text = "";  // an empty view may point nowhere
  Text valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  JsonNode* node = json_node_new(JSON_NODE_VALUE);
  json_node_set_string(node, valid.get());
  return Json(GRef<JsonNode>::adopt(node));
}

Json Json::of(bool value) {
  JsonNode* node = json_node_new(JSON_NODE_VALUE);
  json_node_set_boolean(node, value);
  return Json(GRef<JsonNode>::adopt(node));
}

Json Json::of(double value) {
  if (!std::isfinite(value)) return {};
  JsonNode* node = json_node_new(JSON_NODE_VALUE);
  json_node_set_double(node, value);
  return Json(GRef<JsonNode>::adopt(node));
}

Json Json::of(int64_t value) {
  JsonNode* node = json_node_new(JSON_NODE_VALUE);
  json_node_set_int(node, value);
  return Json(GRef<JsonNode>::adopt(node));
}

Result<Json> Json::parse(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.most_bytes)
    return fail(Code::kBadInput, fmt::format("JSON of {} bytes: expected at most {}", text.size(),
                                             limits.most_bytes));
  if (text.empty()) return fail(Code::kBadInput, "not JSON: expected a value");
  if (!g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr))
    return fail(Code::kBadInput, "not JSON: expected UTF-8");
  if (auto checked = Grammar(text, limits.deepest).check(); !checked)
    return tl::unexpected(checked.error());
  auto parser = GRef<JsonParser>::adopt(json_parser_new_immutable());
  GError* error = nullptr;
  if (!json_parser_load_from_data(parser.get(), text.data(), static_cast<gssize>(text.size()),
                                  &error))
    return fail(Code::kBadInput, fmt::format("not JSON: {}", ErrorPtr(error)->message));
  return Json(GRef<JsonNode>::adopt(json_parser_steal_root(parser.get())));
}

Json& Json::set_node(const char* key, const Json& value) {
  json_object_set_member(json_node_get_object(node_.get()), key,
                         GRef<JsonNode>(value.node_).release());
  return *this;
}

Json& Json::add_node(const Json& value) {
  json_array_add_element(json_node_get_array(node_.get()), GRef<JsonNode>(value.node_).release());
  return *this;
}

bool Json::is_null() const { return JSON_NODE_HOLDS_NULL(node_.get()); }
bool Json::is_object() const { return JSON_NODE_HOLDS_OBJECT(node_.get()); }
bool Json::is_array() const { return JSON_NODE_HOLDS_ARRAY(node_.get()); }

size_t Json::size() const {
  if (is_object()) return json_object_get_size(json_node_get_object(node_.get()));
  if (is_array()) return json_array_get_length(json_node_get_array(node_.get()));
  return 0;
}

Json Json::at(size_t i) const {
  if (!is_array() || i >= size()) return {};
  return Json(GRef<JsonNode>::share(
      json_array_get_element(json_node_get_array(node_.get()), static_cast<guint>(i))));
}

Json Json::at(const char* key) const {
  JsonNode* member =
      is_object() ? json_object_get_member(json_node_get_object(node_.get()), key) : nullptr;
  return member != nullptr ? Json(GRef<JsonNode>::share(member)) : Json();
}

std::optional<std::string> Json::text() const {
  if (!JSON_NODE_HOLDS_VALUE(node_.get()) || json_node_get_value_type(node_.get()) != G_TYPE_STRING)
    return std::nullopt;
  return json_node_get_string(node_.get());
}

std::optional<int64_t> Json::whole() const {
  if (!JSON_NODE_HOLDS_VALUE(node_.get()) || json_node_get_value_type(node_.get()) != G_TYPE_INT64)
    return std::nullopt;
  return json_node_get_int(node_.get());
}

std::optional<double> Json::number() const {
  if (const auto n = whole()) return static_cast<double>(*n);
  if (!JSON_NODE_HOLDS_VALUE(node_.get()) || json_node_get_value_type(node_.get()) != G_TYPE_DOUBLE)
    return std::nullopt;
  return json_node_get_double(node_.get());
}

std::optional<bool> Json::boolean() const {
  if (!JSON_NODE_HOLDS_VALUE(node_.get()) ||
      json_node_get_value_type(node_.get()) != G_TYPE_BOOLEAN)
    return std::nullopt;
  return json_node_get_boolean(node_.get()) != FALSE;
}

std::vector<std::string> Json::keys() const {
  std::vector<std::string> names;
  if (!is_object()) return names;
  GList* members = json_object_get_members(json_node_get_object(node_.get()));
  for (GList* m = members; m != nullptr; m = m->next)
    names.emplace_back(static_cast<const char*>(m->data));
  g_list_free(members);
  return names;
}

std::string Json::dump(bool pretty) const {
  std::string text;
  Writer(text, pretty).value(*this, 0);
  return text;
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object_.is_object() && !object_.is_null())
    mistake(path_.empty() ? "expected an object" : path_ + ": expected an object");
}

bool Fields::has(const char* key) const {
  const auto names = object_.keys();
  return std::find(names.begin(), names.end(), key) != names.end();
}

void Fields::mistake(std::string message) {
  if (!error_) error_ = Error{Code::kBadInput, std::move(message)};
}

void Fields::complain(const char* key, std::string expected) {
  mistake(fmt::format("{}{}{}: {}", path_, path_.empty() ? "" : ".", key, expected));
}

template <class T>
std::optional<T> Fields::read(const char* key, bool required) {
  asked_.emplace_back(key);
  if (!has(key)) {
    if (required) complain(key, fmt::format("missing, expected {}", kind_of(T{})));
    return std::nullopt;
  }
  auto value = convert(object_.at(key), T{});
  if (!value) complain(key, fmt::format("expected {}", kind_of(T{})));
  return value;
}

template std::optional<bool> Fields::read<bool>(const char*, bool);
template std::optional<int> Fields::read<int>(const char*, bool);
template std::optional<unsigned> Fields::read<unsigned>(const char*, bool);
template std::optional<int64_t> Fields::read<int64_t>(const char*, bool);
template std::optional<uint64_t> Fields::read<uint64_t>(const char*, bool);
template std::optional<double> Fields::read<double>(const char*, bool);
template std::optional<std::string> Fields::read<std::string>(const char*, bool);

Json Fields::raw(const char* key) {
  asked_.emplace_back(key);
  return object_.at(key);
}

Fields Fields::object(const char* key) {
  return Fields(raw(key), fmt::format("{}{}{}", path_, path_.empty() ? "" : ".", key));
}

void Fields::absorb(const Fields& child) {
  auto copy = child;
  if (auto result = copy.done(); !result) mistake(result.error().message);
}

void Fields::list(const char* key,
                  const std::function<void(const Json&, const std::string& path)>& each) {
  const Json value = raw(key);
  if (!has(key)) return;
  if (!value.is_array()) return complain(key, "expected a list");
  for (size_t i = 0; i < value.size(); ++i)
    each(value.at(i), fmt::format("{}{}{}[{}]", path_, path_.empty() ? "" : ".", key, i));
}

Result<> Fields::done() {
  if (!unknown_allowed_ && !error_) {
    for (const std::string& key : object_.keys()) {
      if (std::find(asked_.begin(), asked_.end(), key) == asked_.end())
        complain(key.c_str(), "unknown setting");
    }
  }
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace callbot
