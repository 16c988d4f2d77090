// A scenario is taken or refused, never anything else; every mistake has its place in the file, and
// what is taken has rooms, actors and steps.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scenarios/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace callbot::scenarios;
  if (size == 0) return 0;
  // The first byte chooses the dialect.
  const char* file = data[0] == '{' ? "f.json" : "f.yaml";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scenario = decode_scenario(text, file, {});
  if (scenario) {
    if (scenario->rooms.empty() || scenario->actors.empty() || scenario->steps.empty())
      std::abort();
    if (instances(*scenario).empty()) std::abort();
    return 0;
  }
  const std::string& said = scenario.error().message;
  if (!said.starts_with(std::string(file) + ":")) std::abort();
  return 0;
}
