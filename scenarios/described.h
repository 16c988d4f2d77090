// scenarios/described.h: JSON out, JSON in and JSON Schema by one description of each struct:
//
//   void describe(auto& to, Is<MarkFact> auto& v) {
//     to("name", v.name);
//     to.time("at_ns", v.at_ns);
//   }
//
// Thread:  any.
// Owner:   run_json.cc.
// Fails:   In complains to its Fields; the others never.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/json.h"
#include "scenarios/evidence.h"

namespace callbot::scenarios {

// T is the struct, const for Out.
template <class S, class T>
concept Is = std::is_same_v<std::remove_const_t<S>, T>;

class Out {
 public:
  explicit Out(int64_t began) : began_(began) {}
  void operator()(const char* key, const std::string& v) {
    if (!v.empty()) json_.set(key, v);
  }
  void operator()(const char* key, const double& v) { json_.set(key, v); }
  void operator()(const char* key, const std::optional<double>& v) {
    if (v) json_.set(key, *v);
  }
  void operator()(const char* key, const bool& v) { json_.set(key, v); }
  void operator()(const char* key, const uint64_t& v) { json_.set(key, v); }
  void operator()(const char* key, const int& v) { json_.set(key, v); }
  void operator()(const char* key, const std::map<std::string, std::string>& v) {
    Json map = Json::object();
    for (const auto& [name, value] : v) map.set(name.c_str(), value);
    json_.set(key, map);
  }
  void time(const char* key, const int64_t& v) { json_.set(key, v - began_); }
  void wall(const char* key, const int64_t& v) { json_.set(key, v); }
  void span(const TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, const E& v, std::span<const char* const> names) {
    json_.set(key, names[static_cast<size_t>(v)]);
  }
  void texts(const char* key, const std::vector<std::string>& v) {
    Json list = Json::array();
    for (const std::string& text : v) list.add(text);
    json_.set(key, list);
  }
  template <class T>
  void list(const char* key, const std::vector<T>& v) {
    Json list = Json::array();
    for (const T& one : v) {
      Out out(began_);
      describe(out, one);
      list.add(out.json_);
    }
    json_.set(key, list);
  }
  template <class T>
  void maybe(const char* key, const std::optional<T>& v) {
    if (!v) return;
    Out out(began_);
    describe(out, *v);
    json_.set(key, out.json_);
  }
  template <class T>
  void object(const char* key, const T& v) {
    Out out(began_);
    describe(out, v);
    json_.set(key, out.json_);
  }
  void samples(const std::vector<Sample>& v) {
    Json times = Json::array();
    Json values = Json::array();
    for (const Sample& s : v) {
      times.add(s.at_ns - began_);
      values.add(s.value);
    }
    json_.set("at_ns", times).set("values", values);
  }
  Json take() { return json_; }

 private:
  int64_t began_;
  Json json_ = Json::object();
};

class In {
 public:
  explicit In(Fields& fields) : fields_(fields) { fields_.ignore_unknown(); }
  void operator()(const char* key, std::string& v) { v = fields_.get<std::string>(key, ""); }
  void operator()(const char* key, double& v) { v = fields_.get<double>(key, 0); }
  void operator()(const char* key, std::optional<double>& v) {
    if (fields_.has(key)) v = fields_.get<double>(key, 0);
  }
  void operator()(const char* key, bool& v) { v = fields_.get<bool>(key, false); }
  void operator()(const char* key, uint64_t& v) { v = fields_.get<uint64_t>(key, 0); }
  void operator()(const char* key, int& v) { v = fields_.get<int>(key, 0); }
  void operator()(const char* key, std::map<std::string, std::string>& v) {
    const Json map = fields_.raw(key);
    for (const std::string& name : map.keys()) v[name] = map.at(name.c_str()).text().value_or("");
  }
  void time(const char* key, int64_t& v) { v = fields_.get<int64_t>(key, 0); }
  void wall(const char* key, int64_t& v) { v = fields_.get<int64_t>(key, 0); }
  void span(TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, E& v, std::span<const char* const> names) {
    const auto text = fields_.need<std::string>(key);
    for (size_t i = 0; i < names.size(); ++i) {
      if (text != names[i]) continue;
      v = static_cast<E>(i);
      return;
    }
    fields_.complain(key, fmt::format("expected one of {}", fmt::join(names, ", ")));
  }
  void texts(const char* key, std::vector<std::string>& v) {
    fields_.list(
        key, [&](const Json& one, const std::string&) { v.push_back(one.text().value_or("")); });
  }
  template <class T>
  void list(const char* key, std::vector<T>& v) {
    fields_.list(key, [&](const Json& one, const std::string& path) {
      Fields child(one, path);
      In in(child);
      T value;
      describe(in, value);
      fields_.absorb(child);
      v.push_back(std::move(value));
    });
  }
  template <class T>
  void maybe(const char* key, std::optional<T>& v) {
    if (!fields_.has(key)) return;
    Fields child = fields_.object(key);
    In in(child);
    describe(in, v.emplace());
    fields_.absorb(child);
  }
  template <class T>
  void object(const char* key, T& v) {
    Fields child = fields_.object(key);
    In in(child);
    describe(in, v);
    fields_.absorb(child);
  }
  void samples(std::vector<Sample>& v) {
    const Json times = fields_.raw("at_ns");
    const Json values = fields_.raw("values");
    if (times.size() != values.size())
      return fields_.complain("values", "expected as many as at_ns");
    for (size_t i = 0; i < times.size(); ++i) {
      const auto at = times.at(i).whole();
      const auto value = values.at(i).number();
      if (!at || !value) return fields_.complain("values", "expected numbers");
      v.push_back({*at, *value});
    }
  }

 private:
  Fields& fields_;
};

// The same description as JSON Schema.
class SchemaOut {
 public:
  void operator()(const char* key, const std::string&) { type(key, "string"); }
  void operator()(const char* key, const double&) { type(key, "number"); }
  void operator()(const char* key, const std::optional<double>&) { type(key, "number"); }
  void operator()(const char* key, const bool&) { type(key, "boolean"); }
  void operator()(const char* key, const uint64_t&) { type(key, "integer"); }
  void operator()(const char* key, const int&) { type(key, "integer"); }
  void operator()(const char* key, const std::map<std::string, std::string>&) {
    properties_.set(key, Json::object().set("type", "object").set("additionalProperties", text()));
  }
  void time(const char* key, const int64_t&) {
    properties_.set(key, Json::object()
                             .set("type", "integer")
                             .set("description", "nanoseconds since the run began"));
  }
  void wall(const char* key, const int64_t&) { type(key, "integer"); }
  void span(const TimeWindow& v) {
    time("from_ns", v.from_ns);
    time("to_ns", v.to_ns);
  }
  template <class E>
  void choice(const char* key, const E&, std::span<const char* const> names) {
    Json list = Json::array();
    for (const char* name : names) list.add(name);
    properties_.set(key, Json::object().set("enum", list));
    required_.add(key);
  }
  void texts(const char* key, const std::vector<std::string>&) { array(key, text()); }
  template <class T>
  void list(const char* key, const std::vector<T>&) {
    array(key, of(T{}));
  }
  template <class T>
  void maybe(const char* key, const std::optional<T>&) {
    properties_.set(key, of(T{}));
  }
  template <class T>
  void object(const char* key, const T& v) {
    properties_.set(key, of(v));
    required_.add(key);
  }
  void samples(const std::vector<Sample>&) {
    array("at_ns", Json::object().set("type", "integer"));
    array("values", Json::object().set("type", "number"));
  }
  Json take() {
    Json out = Json::object().set("type", "object").set("properties", properties_);
    return out.set_if(required_.size() > 0, "required", required_);
  }
  template <class T>
  static Json of(const T& value) {
    SchemaOut out;
    describe(out, value);
    return out.take();
  }

 private:
  static Json text() { return Json::object().set("type", "string"); }
  void type(const char* key, const char* name) {
    properties_.set(key, Json::object().set("type", name));
  }
  void array(const char* key, const Json& items) {
    properties_.set(key, Json::object().set("type", "array").set("items", items));
  }
  Json properties_ = Json::object();
  Json required_ = Json::array();
};

}  // namespace callbot::scenarios
