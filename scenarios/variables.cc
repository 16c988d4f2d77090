#include "scenarios/variables.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "scenarios/nearest.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostText = 64u << 10;  // of one text, once its values are in
constexpr size_t kMostRows = 10'000;
constexpr int kDeepest = 16;             // values in values
constexpr int kMostReferences = 10'000;  // of the whole file

bool is_name(std::string_view text) {
  const auto fine = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), fine);
}

class Substitution {
 public:
  Substitution(Notes& notes, const Variables& variables) : notes_(notes), variables_(variables) {
    const Json vars = notes.root().at("vars");
    for (const std::string& name : vars.keys()) {
      const Json value = vars.at(name.c_str());
      if (value.is_array() || value.is_object()) continue;  // the decoder complains of it
      own_[name] = value.text().value_or(value.is_null() ? "" : value.dump());
    }
  }

  Json walk(const Json& json, const std::string& path) {
    if (json.is_object()) {
      Json out = Json::object();
      for (const std::string& key : json.keys())
        out.set(key.c_str(), walk(json.at(key.c_str()), path_of(path, key)));
      return out;
    }
    if (json.is_array()) {
      Json out = Json::array();
      for (size_t i = 0; i < json.size(); ++i) out.add(walk(json.at(i), path_of(path, i)));
      return out;
    }
    const auto text = json.text();
    if (!text || text->find('$') == std::string::npos) return json;
    return value(*text, path);
  }

 private:
  Json value(const std::string& text, const std::string& path) {
    const std::string filled = fill(text, path, 0);
    const bool whole = text.starts_with("${") && text.find('}') == text.size() - 1;
    if (!whole) return Json::of(filled);
    notes_.written[path] = filled;
    return yaml_scalar(filled);
  }

  std::string fill(const std::string& text, const std::string& path, int depth) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      if (text.compare(at, 3, "$${") == 0) {
        out += "${";
        at += 3;
      } else if (text.compare(at, 2, "${") == 0) {
        const size_t end = text.find('}', at);
        if (end == std::string::npos) {
          notes_.mistake(path, "a ${ without its }; $${ is the text ${");
          return out;
        }
        out += reference(text.substr(at + 2, end - at - 2), path, depth);
        at = end + 1;
      } else {
        out += text[at++];
      }
      if (out.size() > kMostText) {
        notes_.mistake(path, fmt::format("expected at most {} bytes", kMostText));
        return "";
      }
    }
    return out;
  }

  std::string reference(const std::string& inside, const std::string& path, int depth) {
    if (++references_ > kMostReferences) {
      if (references_ == kMostReferences + 1)
        notes_.mistake(path, fmt::format("expected at most {} references", kMostReferences));
      return "";
    }
    const size_t cut = inside.find(":-");
    const std::string name = inside.substr(0, cut);
    if (!is_name(name)) {
      notes_.mistake(path, fmt::format("${{{}}}: expected a name of letters, digits and _",
                                       printable(inside, 60)));
      return "";
    }
    if (const auto value = outer(name)) return *value;
    if (const auto own = own_.find(name); own != own_.end()) {
      if (depth < kDeepest) return fill(own->second, path, depth + 1);
      notes_.mistake(path, fmt::format("${{{}}} needs itself", name));
      return "";
    }
    if (cut != std::string::npos) return inside.substr(cut + 2);
    undefined(name, path);
    return "";
  }

  std::optional<std::string> outer(const std::string& name) const {
    for (const Values* values : {&variables_.given, &variables_.row}) {
      if (const auto found = values->find(name); found != values->end()) return found->second;
    }
    return variables_.environment ? variables_.environment(name) : std::nullopt;
  }

  void undefined(const std::string& name, const std::string& path) {
    std::vector<std::string_view> known;
    const Values* own = &own_;
    for (const Values* values : {own, &variables_.given, &variables_.row}) {
      for (const auto& [one, value] : *values) known.emplace_back(one);
    }
    std::string meant = suggestion(name, known);
    if (!meant.ends_with('?')) meant = ": expected --var, the environment, or vars to say it";
    notes_.mistake(path, fmt::format("undefined variable ${{{}}}{}", name, meant));
  }

  Notes& notes_;
  const Variables& variables_;
  Values own_;
  int references_ = 0;
};

class Csv {
 public:
  explicit Csv(std::string_view text) : text_(text) {}

  bool end() const { return at_ >= text_.size(); }
  int line() const { return line_; }
  // One record; none: a quote that never ends, or letters behind one.
  std::optional<std::vector<std::string>> record() {
    std::vector<std::string> fields;
    while (true) {
      auto field = end() || text_[at_] != '"' ? plain() : quoted();
      if (!field) return std::nullopt;
      fields.push_back(std::move(*field));
      if (take(',')) continue;
      take('\r');
      if (take('\n')) {
        ++line_;
        return fields;
      }
      return end() ? std::optional(fields) : std::nullopt;
    }
  }

 private:
  bool take(char c) {
    if (end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<std::string> plain() {
    const size_t stop = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    std::string out(text_.substr(at_, stop - at_));
    at_ = stop;
    return out;
  }
  std::optional<std::string> quoted() {
    std::string out;
    ++at_;
    while (!end()) {
      if (text_[at_] == '"' && !text_.substr(at_ + 1).starts_with('"')) {
        ++at_;
        return out;
      }
      if (text_[at_] == '"') ++at_;
      if (text_[at_] == '\n') ++line_;
      out += text_[at_++];
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

auto csv_mistake(int line, const std::string& text) {
  return fail(Code::kUsage, fmt::format("line {}: {}", line, text));
}

}  // namespace

std::optional<std::string> from_environment(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

void substitute(Notes& notes, const Variables& variables) {
  Substitution substitution(notes, variables);
  Json filled = Json::object();
  const Json root = notes.root();
  if (!root.is_object()) return;
  // Values of `vars` matter where they are used, and may need what this run does not use.
  for (const std::string& key : root.keys()) {
    const Json value = root.at(key.c_str());
    filled.set(key.c_str(), key == "vars" ? value : substitution.walk(value, key));
  }
  notes.document().root = filled;
}

Result<std::pair<std::string, std::string>> parse_var(const std::string& text) {
  const size_t cut = text.find('=');
  if (cut == std::string::npos || !is_name(text.substr(0, cut)))
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected NAME=VALUE, the name of letters, digits "
                            "and _",
                            printable(text, 60)));
  return std::pair{text.substr(0, cut), text.substr(cut + 1)};
}

Result<std::vector<Values>> parse_csv(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Csv csv(text);
  const auto names = csv.record();
  if (!names) return csv_mistake(1, "expected names of columns, with commas between");
  for (const std::string& name : *names) {
    if (!is_name(name))
      return csv_mistake(
          1, fmt::format("\"{}\": expected a name of letters, digits and _", printable(name, 60)));
    if (std::count(names->begin(), names->end(), name) > 1)
      return csv_mistake(1, fmt::format("column {} stands here twice", name));
  }
  std::vector<Values> rows;
  while (!csv.end()) {
    const int line = csv.line();
    const auto fields = csv.record();
    if (!fields) return csv_mistake(line, "a quoted field that does not end in a quote");
    if (fields->size() == 1 && fields->front().empty()) continue;
    if (fields->size() != names->size())
      return csv_mistake(line,
                         fmt::format("{} fields: expected {}", fields->size(), names->size()));
    if (rows.size() == kMostRows)
      return csv_mistake(line, fmt::format("expected at most {} rows", kMostRows));
    Values row;
    for (size_t i = 0; i < names->size(); ++i) row[(*names)[i]] = (*fields)[i];
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return csv_mistake(2, "expected a row for each run");
  return rows;
}

}  // namespace callbot::scenarios
