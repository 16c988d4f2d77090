#include "base/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "base/files.h"

namespace callbot {
namespace {

TextPlace place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// Thrown in this file alone, through yaml-cpp's frames.
struct Mistake {
  TextPlace at;
  std::string text;
};

struct YamlNode {
  enum Kind { kScalar, kMap, kList } kind = kScalar;
  TextPlace at;
  Json scalar;
  std::vector<std::string> names;  // of a map
  std::vector<TextPlace> name_places;
  std::vector<size_t> children;  // indices of nodes
  size_t weight = 1;             // nodes in it, aliases counted as often as they are used
};

constexpr const char* kMerge = "<<";
constexpr size_t kMostNames = 2000;  // of one map: they are looked through one by one

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(scalar(place_of(mark), Json()), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Mistake{place_of(mark), "an alias inside its own anchor"};
    attach(found->second, place_of(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const TextPlace at = place_of(mark);
    if (value.find('\0') != std::string::npos) throw Mistake{at, "expected no NUL character"};
    if (wants_name()) return name(at, value);
    const bool plain = tag == "?" || tag.empty();
    const bool text = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!plain && !text) throw Mistake{at, fmt::format("unknown tag {}", printable(tag, 40))};
    put(scalar(at, plain ? yaml_scalar(value) : Json::of(value)), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::kList, place_of(mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::kMap, place_of(mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlDocument take() {
    YamlDocument document;
    if (nodes_.empty()) return document;
    document.root = json_of(0, "", document);
    document.values[""] = nodes_[0].at;
    return document;
  }

 private:
  struct Open {
    size_t node;
    YAML::anchor_t anchor;
    bool named = false;  // of a map: its next child is a value
  };

  static YamlNode scalar(TextPlace at, Json value) {
    YamlNode node;
    node.at = at;
    node.scalar = std::move(value);
    return node;
  }
  bool wants_name() const {
    return !open_.empty() && nodes_[open_.back().node].kind == YamlNode::kMap &&
           !open_.back().named;
  }

  void name(TextPlace at, const std::string& text) {
    YamlNode& map = nodes_[open_.back().node];
    const auto same = std::find(map.names.begin(), map.names.end(), text);
    if (same != map.names.end())
      throw Mistake{
          at, fmt::format("a key that stands here twice: {} (first in line {})",
                          printable(text, 60), map.name_places[same - map.names.begin()].line)};
    if (map.names.size() == kMostNames)
      throw Mistake{at, fmt::format("expected at most {} keys", kMostNames)};
    map.names.push_back(text);
    map.name_places.push_back(at);
    open_.back().named = true;
  }

  void put(YamlNode node, YAML::anchor_t anchor) {
    const TextPlace at = node.at;
    nodes_.push_back(std::move(node));
    if (anchor != 0) anchors_[anchor] = nodes_.size() - 1;
    attach(nodes_.size() - 1, at);
  }

  void open(YamlNode::Kind kind, TextPlace at, const std::string& tag, YAML::anchor_t anchor) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Mistake{at, fmt::format("unknown tag {}", printable(tag, 40))};
    if (wants_name()) throw Mistake{at, "expected a text as key"};
    if (static_cast<int>(open_.size()) >= limits_.deepest)
      throw Mistake{at, fmt::format("expected at most {} levels", limits_.deepest)};
    YamlNode node;
    node.kind = kind;
    node.at = at;
    nodes_.push_back(std::move(node));
    open_.push_back({nodes_.size() - 1, anchor});
  }

  void close() {
    const Open done = open_.back();
    open_.pop_back();
    if (nodes_[done.node].kind == YamlNode::kMap) merge(nodes_[done.node]);
    if (done.anchor != 0) anchors_[done.anchor] = done.node;
    attach(done.node, nodes_[done.node].at);
  }

  void attach(size_t index, TextPlace at) {
    if (open_.empty()) return;
    if (wants_name()) throw Mistake{at, "expected a text as key"};
    YamlNode& parent = nodes_[open_.back().node];
    parent.children.push_back(index);
    open_.back().named = false;
    weigh(parent, index, at);
  }

  void weigh(YamlNode& parent, size_t index, TextPlace at) {
    parent.weight += nodes_[index].weight;
    if (parent.weight > limits_.most_nodes || nodes_.size() > limits_.most_nodes)
      throw Mistake{at, fmt::format("expected at most {} values", limits_.most_nodes)};
  }

  // What the map itself says goes before what is merged; of several, the first.
  void merge(YamlNode& map) {
    const auto key = std::find(map.names.begin(), map.names.end(), kMerge);
    if (key == map.names.end()) return;
    const auto at = key - map.names.begin();
    const size_t source = map.children[static_cast<size_t>(at)];
    map.names.erase(key);
    map.name_places.erase(map.name_places.begin() + at);
    map.children.erase(map.children.begin() + at);
    const YamlNode& from = nodes_[source];
    if (from.kind == YamlNode::kList) {
      for (const size_t one : from.children) merge_from(map, one, from.at);
    } else {
      merge_from(map, source, from.at);
    }
  }
  void merge_from(YamlNode& map, size_t source, TextPlace at) {
    const YamlNode& from = nodes_[source];
    if (from.kind != YamlNode::kMap) throw Mistake{at, "<<: expected a map, or a list of maps"};
    for (size_t i = 0; i < from.names.size(); ++i) {
      if (std::find(map.names.begin(), map.names.end(), from.names[i]) != map.names.end()) continue;
      map.names.push_back(from.names[i]);
      map.name_places.push_back(from.name_places[i]);
      map.children.push_back(from.children[i]);
      weigh(map, from.children[i], at);
    }
  }

  Json json_of(size_t index, const std::string& path, YamlDocument& document) const {
    const YamlNode& node = nodes_[index];
    document.values[path] = node.at;
    if (node.kind == YamlNode::kScalar) return node.scalar;
    Json json = node.kind == YamlNode::kMap ? Json::object() : Json::array();
    for (size_t i = 0; i < node.children.size(); ++i) {
      if (node.kind == YamlNode::kList) {
        json.add(json_of(node.children[i], path_of(path, i), document));
        continue;
      }
      const std::string below = path_of(path, node.names[i]);
      document.keys[below] = node.name_places[i];
      json.set(node.names[i].c_str(), json_of(node.children[i], below, document));
    }
    return json;
  }

  const YamlLimits limits_;
  std::vector<YamlNode> nodes_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, size_t> anchors_;  // of values that are whole
};

// Comments and tabs of JSON become spaces, surrogate pairs one escape that YAML knows; nothing
// changes its line, and nothing behind a string its column.
class JsonText {
 public:
  explicit JsonText(std::string_view in) : in_(in) {}

  std::string yaml() {
    while (at_ < in_.size()) {
      if (in_[at_] == '"') {
        string();
      } else if (starts("//")) {
        while (at_ < in_.size() && in_[at_] != '\n') blank();
      } else if (starts("/*")) {
        while (at_ < in_.size() && !starts("*/")) blank();
        blank();
        blank();
      } else if (in_[at_] == '\t') {
        blank();
      } else {
        out_ += in_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  bool starts(std::string_view what) const { return in_.substr(at_).starts_with(what); }
  void blank() {
    if (at_ >= in_.size()) return;
    out_ += in_[at_] == '\n' ? '\n' : ' ';
    ++at_;
  }
  std::optional<unsigned> unit(size_t at) const {
    if (!in_.substr(std::min(at, in_.size())).starts_with("\\u")) return std::nullopt;
    const auto digits = in_.substr(at + 2, 4);
    unsigned code = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) return std::nullopt;
    return code;
  }
  void string() {
    size_t shorter = 0;
    out_ += in_[at_++];
    while (at_ < in_.size() && in_[at_] != '"') {
      const auto high = unit(at_);
      const auto low = unit(at_ + 6);
      if (high && low && *high >= 0xD800 && *high < 0xDC00 && *low >= 0xDC00 && *low < 0xE000) {
        out_ += fmt::format("\\U{:08x}", 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00));
        at_ += 12;
        shorter += 2;
      } else {
        if (in_[at_] == '\\' && at_ + 1 < in_.size()) out_ += in_[at_++];
        out_ += in_[at_++];
      }
    }
    if (at_ < in_.size()) out_ += in_[at_++];
    out_.append(shorter, ' ');
  }

  std::string_view in_;
  std::string out_;
  size_t at_ = 0;
};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// [-+]? ( 0 | [1-9][0-9]* ) ( . [0-9]* )? ( [eE] [-+]? [0-9]+ )?
bool is_number(std::string_view text, bool& whole) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || (digits > 1 && text[0] == '0')) return false;
  text.remove_prefix(digits);
  whole = text.empty();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return all_digits(text);
}

tl::unexpected<Error> failure(TextPlace at, std::string_view text) {
  return fail(Code::kBadInput, fmt::format("{}:{}: {}", at.line, at.column, text));
}

Result<> check_text(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.most_bytes)
    return fail(Code::kBadInput,
                fmt::format("{} bytes: expected at most {}", text.size(), limits.most_bytes));
  const char* end = nullptr;
  if (g_utf8_validate(text.data(), static_cast<gssize>(text.size()), &end)) return {};
  const auto before = text.substr(0, static_cast<size_t>(end - text.data()));
  const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return failure({static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                  static_cast<int>(before.size() - start) + 1},
                 "expected UTF-8");
}

}  // namespace

TextPlace TextPlaces::nearest(const std::string& path, bool key) const {
  std::string at = path;
  while (true) {
    const auto& first = key ? keys : values;
    const auto& second = key ? values : keys;
    if (const auto found = first.find(at); found != first.end()) return found->second;
    if (const auto found = second.find(at); found != second.end()) return found->second;
    if (at.empty()) return {1, 1};
    const size_t cut = at.find_last_of(".[");
    at.resize(cut == std::string::npos ? 0 : cut);
    key = true;  // what is missing is missing below its parent's name
  }
}

std::string path_of(std::string_view parent, std::string_view key) {
  return fmt::format("{}{}{}", parent, parent.empty() ? "" : ".", key);
}
std::string path_of(std::string_view parent, size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

Json yaml_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return Json::of(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json::of(false);
  bool whole = false;
  if (!is_number(text, whole)) return Json::of(text);
  const char* from = text.data() + (text[0] == '+' ? 1 : 0);
  const char* to = text.data() + text.size();
  int64_t as_whole = 0;
  if (whole && std::from_chars(from, to, as_whole).ec == std::errc()) return Json::of(as_whole);
  double number = 0;
  if (std::from_chars(from, to, number).ec != std::errc() || !std::isfinite(number))
    return Json::of(text);
  return Json::of(number);
}

Result<YamlDocument> parse_yaml(std::string_view text, YamlDialect dialect, YamlLimits limits) {
  if (auto checked = check_text(text, limits); !checked) return tl::unexpected(checked.error());
  std::istringstream in(dialect == YamlDialect::kJson ? JsonText(text).yaml() : std::string(text));
  try {
    YAML::Parser parser(in);
    Builder builder(limits);
    if (!parser.HandleNextDocument(builder)) return failure({1, 1}, "expected something in it");
    YamlDocument document = builder.take();
    Builder second(limits);
    if (parser.HandleNextDocument(second)) {
      const YamlDocument more = second.take();
      const auto at = more.values.find("");
      return failure(at == more.values.end() ? TextPlace{1, 1} : at->second,
                     "expected one document, here is a second");
    }
    return document;
  } catch (const Mistake& mistake) {
    return failure(mistake.at, mistake.text);
  } catch (const YAML::Exception& e) {
    return failure(e.mark.is_null() ? TextPlace{1, 1} : place_of(e.mark), e.msg);
  } catch (const std::exception& e) {
    return failure({1, 1}, e.what());
  }
}

}  // namespace callbot
