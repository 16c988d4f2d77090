// Whatever a journal.jsonl holds: a line is an event that can be written and read again, or says
// what is wrong with it; and whatever events say, the manifest that follows from them is one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "recordings/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace callbot::recordings;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Manifest manifest;
  manifest.started_wall_ns = 1'795'234'842'000'000'000;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const auto event = parse_event(rest.substr(0, rest[end] == '\n' ? end : end + 1));
    rest.remove_prefix(end + 1);
    if (!event) {
      if (event.error().message.empty()) std::abort();
      continue;
    }
    const auto line = to_line(*event);
    const auto again = parse_event(line);
    if (!again || to_line(*again) != line) std::abort();
    apply(manifest, *event);
  }
  const auto text = to_text(manifest);
  if (const auto again = parse_manifest(text); !again || to_text(*again) != text) std::abort();
  return 0;
}
