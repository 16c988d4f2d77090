#include "scenarios/reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/files.h"
#include "base/units.h"
#include "scenarios/nearest.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostMistakes = 100;

std::string in_quotes(const std::string& text) { return "\"" + printable(text, 60) + "\""; }

// A number as a person would have written it, for the rules of texts.
std::string number_text(double value) {
  std::string text = fmt::format("{:.9f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string bounds(const Key& row) {
  const bool least = std::isfinite(row.least);
  const bool most = std::isfinite(row.most);
  const auto text = [&](double value) {
    return row.kind == KeyKind::kBitRate ? bit_rate_text(value) : fmt::format("{:g}", value);
  };
  if (least && most) {
    if (row.least == row.most) return ": " + text(row.least);
    return fmt::format(" from {} to {}", text(row.least), text(row.most));
  }
  if (least) return " from " + text(row.least);
  return most ? " up to " + text(row.most) : "";
}

// "WIDTHxHEIGHT", even and up to 8192.
std::optional<std::pair<int, int>> parse_size(const std::string& text) {
  constexpr int kMost = 8192;
  int width = 0;
  int height = 0;
  const char* end = text.data() + text.size();
  const auto [x, first] = std::from_chars(text.data(), end, width);
  if (first != std::errc() || x == end || *x != 'x') return std::nullopt;
  const auto [rest, second] = std::from_chars(x + 1, end, height);
  if (second != std::errc() || rest != end) return std::nullopt;
  const auto fine = [](int n) { return n >= 16 && n <= kMost && n % 2 == 0; };
  if (!fine(width) || !fine(height)) return std::nullopt;
  return std::pair{width, height};
}

Result<double> parse_as(KeyKind kind, const std::string& text) {
  switch (kind) {
    case KeyKind::kBitRate:
      return parse_bit_rate(text);
    case KeyKind::kShare:
      return parse_share(text);
    default:
      return parse_seconds(text);
  }
}

const char* expected_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::kBitRate:
      return "expected a bit rate such as 300 kbit/s or 2 Mbit/s";
    case KeyKind::kShare:
      return "expected a share such as 10% or 0.1, from 0 to 1";
    case KeyKind::kNumber:
      return "expected a number";
    default:
      return "expected a time such as 400ms, 1.5s or 2min";
  }
}

}  // namespace

void Notes::mistake(const std::string& path, std::string text, bool key) {
  if (mistakes_.size() == kMostMistakes) return;
  mistakes_.push_back({document_.nearest(path, key), path, std::move(text)});
}

Reader::Reader(Notes& notes, const Shape& shape, const Json& value, std::string path)
    : notes_(notes), shape_(shape), value_(value), path_(std::move(path)) {
  if (value_.is_object() || value_.is_null()) return;
  if (shape.plain != nullptr && !value_.is_array()) {
    // The text itself is what stands at the key; it has no place of its own.
    const auto at = notes_.place(path_);
    notes_.document().values.emplace(path_of(path_, shape.plain), at);
    if (const auto was = notes_.written.find(path_); was != notes_.written.end())
      notes_.written.emplace(path_of(path_, shape.plain), was->second);
    value_ = Json::object().set(shape.plain, value);
    return;
  }
  notes_.mistake(path_, fmt::format("expected {}", shape.what) + ": keys and values");
  value_ = Json();
}

bool Reader::has(const char* key) const {
  const auto names = value_.keys();
  return std::find(names.begin(), names.end(), key) != names.end();
}

const Key& Reader::row(const char* key, std::initializer_list<KeyKind> kinds) {
  static const Key none{"", KeyKind::kText, ""};
  notes_.asked.insert(std::string(shape_.name) + "." + key);
  const Key* found = shape_.find(key);
  if (found == nullptr || std::find(kinds.begin(), kinds.end(), found->kind) == kinds.end()) {
    notes_.mistake(path(key), "a defect: the table of keys has another idea of this one");
    return none;
  }
  return *found;
}

std::optional<std::string> Reader::text_at(const Json& value, const std::string& path) const {
  const auto was = notes_.written.find(path);
  return was != notes_.written.end() ? was->second : value.text();
}

void Reader::check_choice(const Key& row, const std::string& text, const std::string& path) {
  if (row.choices.empty()) return;
  const std::vector<std::string_view> known(row.choices.begin(), row.choices.end());
  if (std::find(known.begin(), known.end(), text) != known.end()) return;
  notes_.mistake(
      path, fmt::format("unknown {} {}{}", row.name, in_quotes(text), suggestion(text, known)));
}

std::string Reader::text(const char* key, std::string otherwise) {
  const Key& r = row(key, {KeyKind::kText, KeyKind::kChoice, KeyKind::kMetric, KeyKind::kMoment});
  if (!has(key)) return otherwise;
  const Json value = value_.at(key);
  auto text = text_at(value, path(key));
  // A moment or a name may well look like a number; it is written as one.
  if (!text && r.kind == KeyKind::kMoment && value.number()) text = number_text(*value.number());
  if (!text) {
    complain(key, value.is_null()
                      ? "expected a text"
                      : "expected a text (in quotes where it looks like a number or truth)");
    return otherwise;
  }
  check_choice(r, *text, path(key));
  if (r.kind == KeyKind::kMetric && find_metric(*text) == nullptr) {
    std::vector<std::string_view> known;
    for (const Metric& m : metrics()) known.emplace_back(m.name);
    const std::string meant = suggestion(*text, known);
    complain(key, fmt::format("unknown metric {}{}", in_quotes(*text), meant));
  }
  return *text;
}

std::vector<std::string> Reader::texts(const char* key) {
  const Key& r = row(key, {KeyKind::kTexts, KeyKind::kChoices, KeyKind::kMoments});
  std::vector<std::string> out;
  if (!has(key)) return out;
  const Json value = value_.at(key);
  if (!value.is_array()) {
    const auto text = text_at(value, path(key));
    if (!text || r.kind == KeyKind::kMoments)
      complain(key, r.kind == KeyKind::kMoments ? "expected two marks or times: [steady, 20s]"
                                                : "expected a text, or a list of texts");
    else
      out.push_back(*text);
  }
  for (size_t i = 0; i < value.size() && value.is_array(); ++i) {
    const std::string at = path_of(path(key), i);
    auto text = text_at(value.at(i), at);
    if (!text && r.kind == KeyKind::kMoments && value.at(i).number())
      text = number_text(*value.at(i).number());
    if (text)
      out.push_back(*text);
    else
      notes_.mistake(at, "expected a text");
  }
  for (size_t i = 0; i < out.size(); ++i)
    check_choice(r, out[i], value.is_array() ? path_of(path(key), i) : path(key));
  if (r.kind == KeyKind::kMoments && value.is_array() && out.size() != 2)
    complain(key, "expected two marks or times: [steady, 20s]");
  return out;
}

bool Reader::within(const Key& row, double value) {
  if (value >= row.least && value <= row.most) return true;
  complain(row.name,
           row.kind == KeyKind::kSeconds   ? fmt::format("expected a time{} (s)", bounds(row))
           : row.kind == KeyKind::kBitRate ? fmt::format("expected a bit rate{}", bounds(row))
                                           : fmt::format("expected a number{}", bounds(row)));
  return false;
}

int64_t Reader::whole(const char* key, int64_t otherwise) {
  const Key& r = row(key, {KeyKind::kWhole});
  if (!has(key)) return otherwise;
  const auto value = value_.at(key).whole();
  if (value && static_cast<double>(*value) >= r.least && static_cast<double>(*value) <= r.most)
    return *value;
  complain(key, "expected a whole number" + bounds(r));
  return otherwise;
}

double Reader::number(const char* key, double otherwise) {
  const Key& r =
      row(key, {KeyKind::kNumber, KeyKind::kSeconds, KeyKind::kBitRate, KeyKind::kShare});
  if (!has(key)) return otherwise;
  const Json json = value_.at(key);
  const auto plain = json.number();
  std::optional<double> value;
  if (r.kind == KeyKind::kNumber) {
    value = plain;
  } else if (const auto text = plain ? number_text(*plain) : json.text()) {
    // A number goes through the text's rules too: signs and bounds are said once.
    if (const auto parsed = parse_as(r.kind, *text)) value = *parsed;
  }
  if (!value) {
    complain(key, expected_of(r.kind) + (r.kind == KeyKind::kNumber ? bounds(r) : ""));
    return otherwise;
  }
  return within(r, *value) ? *value : otherwise;
}

bool Reader::flag(const char* key, bool otherwise) {
  row(key, {KeyKind::kFlag});
  if (!has(key)) return otherwise;
  const auto value = value_.at(key).boolean();
  if (!value) complain(key, "expected true or false");
  return value.value_or(otherwise);
}

std::optional<std::pair<int, int>> Reader::size(const char* key) {
  row(key, {KeyKind::kSize});
  if (!has(key)) return std::nullopt;
  const auto text = text_at(value_.at(key), path(key));
  const auto value = text ? parse_size(*text) : std::nullopt;
  if (!value) complain(key, "expected a size such as 640x360: even numbers from 16 to 8192");
  return value;
}

std::string Reader::quantity(const char* key) {
  row(key, {KeyKind::kQuantity, KeyKind::kAmount});
  if (!has(key)) return "";
  const Json value = value_.at(key);
  if (const auto text = text_at(value, path(key))) return *text;
  if (const auto number = value.number()) return number_text(*number);
  complain(key, "expected a number, or a text with its unit");
  return "";
}

std::optional<StatName> Reader::stat(const char* key) {
  row(key, {KeyKind::kStat});
  if (!has(key)) return std::nullopt;
  const auto stat = parse_stat(value_.at(key).text().value_or(""));
  if (!stat) {
    complain(key, stat.error().message);
    return std::nullopt;
  }
  return *stat;
}

std::optional<Reader> Reader::object(const char* key) {
  const Key& r = row(key, {KeyKind::kObject});
  if (!has(key) || r.shape == nullptr) return std::nullopt;
  return Reader(notes_, *r.shape, value_.at(key), path(key));
}

void Reader::map(const char* key, const std::function<void(const std::string&, Reader)>& each) {
  const Key& r = row(key, {KeyKind::kMap});
  if (!has(key) || r.shape == nullptr) return;
  const Json value = value_.at(key);
  if (!value.is_object() && !value.is_null())
    return complain(key, fmt::format("expected names, each with {}", r.shape->what));
  for (const std::string& name : value.keys())
    each(name, Reader(notes_, *r.shape, value.at(name.c_str()), path_of(path(key), name)));
}

void Reader::elements(const char* key,
                      const std::function<void(const Json&, const std::string&)>& each) {
  row(key, {KeyKind::kList, KeyKind::kSteps});
  if (!has(key)) return;
  const Json value = value_.at(key);
  if (!value.is_array() && !value.is_null()) return complain(key, "expected a list");
  for (size_t i = 0; i < value.size(); ++i) each(value.at(i), path_of(path(key), i));
}

void Reader::list(const char* key, const std::function<void(Reader)>& each) {
  const Key& r = row(key, {KeyKind::kList});
  if (r.shape == nullptr) return;
  elements(key, [&](const Json& one, const std::string& at) {
    each(Reader(notes_, *r.shape, one, at));
  });
}

Json Reader::raw(const char* key) {
  notes_.asked.insert(std::string(shape_.name) + "." + key);
  return value_.at(key);
}

void Reader::done() {
  const auto known = shape_.names();
  for (const std::string& key : value_.keys()) {
    if (shape_.find(key) != nullptr || (shape_.extra && key.starts_with("x-"))) continue;
    notes_.mistake(path_of(path_, key), fmt::format("unknown key{}", suggestion(key, known)), true);
  }
  for (const Shape* shape = &shape_; shape != nullptr; shape = shape->common) {
    for (const Key& key : shape->keys) {
      if (key.required && !has(key.name))
        notes_.mistake(path_.empty() ? key.name : path_,
                       fmt::format("missing {}: {}", key.name, key.what));
    }
  }
}

}  // namespace callbot::scenarios
