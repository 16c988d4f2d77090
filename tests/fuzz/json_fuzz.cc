// What base/json accepts, json-glib accepts too, and writing it gives the same value again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using callbot::Json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Json::parse(text, {.most_bytes = 1u << 20, .deepest = 64});
  if (!parsed) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  const std::string once = parsed->dump();
  const auto again = Json::parse(once, {.most_bytes = 8u << 20, .deepest = 64});
  if (!again || again->dump() != once) std::abort();
  return 0;
}
