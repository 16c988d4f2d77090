// Whatever the bytes are, the reader answers; what it accepts, it writes and reads again the same.
#include <cstdint>
#include <cstdlib>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = callbot::Json::parse(text);
  if (!first) return 0;
  const auto second = callbot::Json::parse(first->dump());
  if (!second || second->dump() != first->dump()) abort();
  return 0;
}
