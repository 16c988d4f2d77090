#include "bot/cli_values.h"

#include <fmt/core.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"
#include "base/clock.h"

namespace callbot::bot {
namespace {

bool parse_size(const std::string& text, int* width, int* height) {
  int used = 0;
  return sscanf(text.c_str(), "%4dx%4d%n", width, height, &used) == 2 &&
         static_cast<size_t>(used) == text.size() && *width >= 96 && *width <= 3840 &&
         *height >= 64 && *height <= 2160 && *width % 2 == 0 && *height % 2 == 0;
}

}  // namespace

Result<std::optional<std::chrono::milliseconds>> some_duration(const std::string& text) {
  return parse_duration(text).map([](auto d) { return std::optional(d); });
}

Result<std::chrono::milliseconds> duration(const std::string& text) { return parse_duration(text); }

Result<int> bitrate(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  const double factor = unit == "k" ? 1e3 : unit == "M" || unit == "m" ? 1e6 : unit.empty() ? 1 : 0;
  const double bits = value * factor;
  if (!(bits >= 30e3 && bits <= 100e6))
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected a bit rate from 30k to 100M, such as 1500k", text));
  return static_cast<int>(bits);
}

Result<uint64_t> byte_count(const std::string& text) {
  const auto bytes = parse_bytes(text);
  const bool unit = !text.empty() && std::isalpha(static_cast<unsigned char>(text.back())) != 0;
  if (bytes && unit && *bytes >= 100'000 && *bytes <= 1'000'000'000'000'000) return bytes;
  return fail(Code::kUsage,
              fmt::format("\"{}\": expected a size from 100K up, such as 500M or 2G", text));
}

CLI::Option* add_size(CLI::App* app, int& width, int& height) {
  return app
      ->add_option_function<std::string>(
          "--size",
          [&width, &height](const std::string& text) {
            if (!parse_size(text, &width, &height))
              throw CLI::ValidationError(
                  "--size", "\"" + text + "\": expected WIDTHxHEIGHT, even, 96x64 to 3840x2160");
          },
          "picture size in pixels")
      ->type_name("WxH")
      ->default_str("1280x720");
}

void add_keys(CLI::App* c, std::vector<recordings::SecretKey>& keys) {
  c->add_option_function<std::vector<std::string>>(
       "--key",
       [&keys](const std::vector<std::string>& files) {
         for (const std::string& file : files) {
           const auto key = recordings::read_secret_key(file);
           if (!key) throw CLI::ValidationError("--key", key.error().message);
           keys.push_back(*key);
         }
       },
       "secret key of an encrypted recording (NAME.key of callbot key); repeatable")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

}  // namespace callbot::bot
