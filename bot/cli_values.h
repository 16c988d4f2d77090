// bot/cli_values.h: the values of the command line that several verbs have in common.
//
// Thread:  loop, at start.
// Owner:   bot/cli.
// Fails:   Results say what was expected; flags throw CLI11's exceptions, which bot/cli catches.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recordings/keys.h"

namespace callbot::bot {

// A flag's text -> a value, with our own words when it cannot be.
template <class T>
CLI::Option* parsed(CLI::App* app, const char* flag, const char* help, T& target,
                    std::function<Result<T>(const std::string&)> parse, const char* type) {
  return app
      ->add_option_function<std::string>(
          flag,
          [&target, parse, flag](const std::string& text) {
            auto value = parse(text);
            const std::string first = std::string(flag).substr(0, std::string(flag).find(','));
            if (!value) throw CLI::ValidationError(first, value.error().message);
            target = *value;
          },
          help)
      ->type_name(type);
}

Result<std::optional<std::chrono::milliseconds>> some_duration(const std::string& text);
Result<std::chrono::milliseconds> duration(const std::string& text);
// Bit/s: "1500k", "2.5M".
Result<int> bitrate(const std::string& text);
// Bytes, with their unit: a bare number is a time where both may stand.
Result<uint64_t> byte_count(const std::string& text);
// --size WxH, in pixels.
CLI::Option* add_size(CLI::App* app, int& width, int& height);
// --key FILE
void add_keys(CLI::App* c, std::vector<recordings::SecretKey>& keys);

}  // namespace callbot::bot
