// Whatever a client or a server sends, parsing says what is wrong with it or gives a message that
// can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "signaling/room_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace callbot::signaling::room;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Sender sender : {Sender::kClient, Sender::kServer}) {
    const auto message = parse(text, sender);
    if (!message) {
      if (message.error().code.empty() || message.error().message.empty()) std::abort();
      continue;
    }
    const std::string once = text_of(*message, sender);
    const auto again = parse(once, sender);
    if (!again || text_of(*again, sender) != once) std::abort();
  }
  if (check_name(text, "the name") && (text.find('/') != text.npos || text.size() > 256))
    std::abort();
  return 0;
}
