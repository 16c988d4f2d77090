#include "tests/support/schema_check.h"

#include <fmt/core.h>

#include <regex>
#include <set>

namespace callbot::test {
namespace {

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  std::string check(const Json& schema, const Json& value, const std::string& at) {
    if (const auto truth = schema.boolean()) return *truth ? "" : at + ": nothing may be here";
    static const std::set<std::string> known = {"$schema",
                                                "$defs",
                                                "title",
                                                "description",
                                                "$ref",
                                                "type",
                                                "enum",
                                                "const",
                                                "properties",
                                                "patternProperties",
                                                "additionalProperties",
                                                "required",
                                                "items",
                                                "minItems",
                                                "maxItems",
                                                "minimum",
                                                "maximum",
                                                "pattern",
                                                "anyOf",
                                                "oneOf"};
    for (const std::string& keyword : schema.keys()) {
      if (known.count(keyword) == 0) return at + ": unknown keyword " + keyword;
    }
    for (const auto rule :
         {&Checker::plain, &Checker::bounds, &Checker::object, &Checker::array, &Checker::either}) {
      if (auto wrong = (this->*rule)(schema, value, at); !wrong.empty()) return wrong;
    }
    return "";
  }

 private:
  static bool is(const std::string& type, const Json& v) {
    if (type == "object") return v.is_object();
    if (type == "array") return v.is_array();
    if (type == "string") return v.text().has_value();
    if (type == "boolean") return v.boolean().has_value();
    if (type == "integer") return v.whole().has_value();
    if (type == "number") return v.number().has_value();
    return type == "null" && v.is_null();
  }

  std::string plain(const Json& schema, const Json& value, const std::string& at) {
    if (const auto ref = schema.at("$ref").text()) {
      Json target = root_;
      std::string rest = ref->substr(2);  // "#/"
      for (size_t cut = 0; cut != std::string::npos;) {
        cut = rest.find('/');
        target = target.at(rest.substr(0, cut).c_str());
        rest = cut == std::string::npos ? "" : rest.substr(cut + 1);
      }
      if (target.is_null()) return at + ": no " + *ref;
      if (auto wrong = check(target, value, at); !wrong.empty()) return wrong;
    }
    if (const auto type = schema.at("type").text(); type && !is(*type, value))
      return fmt::format("{}: {} is no {}", at, value.dump(), *type);
    const Json list = schema.at("enum");
    bool found = list.is_null();
    for (size_t i = 0; i < list.size(); ++i) found = found || list.at(i).dump() == value.dump();
    if (!found) return fmt::format("{}: {} is none of {}", at, value.dump(), list.dump());
    const Json constant = schema.at("const");
    if (!constant.is_null() && constant.dump() != value.dump())
      return fmt::format("{}: {} is not {}", at, value.dump(), constant.dump());
    return "";
  }

  std::string bounds(const Json& schema, const Json& value, const std::string& at) {
    const auto number = value.number();
    if (const auto least = schema.at("minimum").number(); least && number && *number < *least)
      return fmt::format("{}: below {}", at, *least);
    if (const auto most = schema.at("maximum").number(); most && number && *number > *most)
      return fmt::format("{}: above {}", at, *most);
    const auto pattern = schema.at("pattern").text();
    if (pattern && value.text() && !std::regex_search(*value.text(), std::regex(*pattern)))
      return fmt::format("{}: {} does not match {}", at, value.dump(), *pattern);
    return "";
  }

  std::string object(const Json& schema, const Json& value, const std::string& at) {
    if (!value.is_object()) return "";
    const Json required = schema.at("required");
    for (size_t i = 0; i < required.size(); ++i) {
      if (value.at(required.at(i).text()->c_str()).is_null())
        return fmt::format("{}: {} is missing", at, required.at(i).dump());
    }
    for (const std::string& key : value.keys()) {
      const Json below = value.at(key.c_str());
      const std::string path = at + "." + key;
      bool known = false;
      if (const Json own = schema.at("properties").at(key.c_str()); !own.is_null()) {
        known = true;
        if (auto wrong = check(own, below, path); !wrong.empty()) return wrong;
      }
      const Json patterns = schema.at("patternProperties");
      for (const std::string& pattern : patterns.keys())
        known = known || std::regex_search(key, std::regex(pattern));
      const Json more = schema.at("additionalProperties");
      if (known || more.is_null()) continue;
      if (auto wrong = check(more, below, path); !wrong.empty()) return wrong;
    }
    return "";
  }

  std::string array(const Json& schema, const Json& value, const std::string& at) {
    if (!value.is_array()) return "";
    const auto n = static_cast<int64_t>(value.size());
    if (const auto least = schema.at("minItems").whole(); least && n < *least)
      return at + ": too few";
    if (const auto most = schema.at("maxItems").whole(); most && n > *most)
      return at + ": too many";
    const Json items = schema.at("items");
    for (size_t i = 0; i < value.size() && !items.is_null(); ++i) {
      if (auto wrong = check(items, value.at(i), fmt::format("{}[{}]", at, i)); !wrong.empty())
        return wrong;
    }
    return "";
  }

  std::string either(const Json& schema, const Json& value, const std::string& at) {
    for (const char* keyword : {"anyOf", "oneOf"}) {
      const Json list = schema.at(keyword);
      if (list.is_null()) continue;
      size_t fits = 0;
      std::string wrongs;
      for (size_t i = 0; i < list.size(); ++i) {
        const auto wrong = check(list.at(i), value, at);
        fits += wrong.empty() ? 1 : 0;
        wrongs += "\n  " + wrong;
      }
      if (fits == 0) return fmt::format("{}: fits none of {}:{}", at, keyword, wrongs);
      if (fits > 1 && std::string(keyword) == "oneOf") return at + ": fits several";
    }
    return "";
  }

  const Json root_;
};

}  // namespace

std::string schema_mistake(const Json& schema, const Json& value) {
  return Checker(schema).check(schema, value, "");
}

}  // namespace callbot::test
