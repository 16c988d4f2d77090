// Whatever a manifest.json holds, reading it says what is wrong with it or gives one that can be
// written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "recordings/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace callbot::recordings;
  const auto manifest = parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    if (manifest.error().message.empty()) std::abort();
    return 0;
  }
  const auto once = to_text(*manifest);
  const auto again = parse_manifest(once);
  if (!again || to_text(*again) != once) std::abort();
  return 0;
}
