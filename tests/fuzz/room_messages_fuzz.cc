// Both ends of the rooms' wire format. A message that is accepted is written and read again the
// same, since the server passes on what it understood.
#include <cstdint>
#include <cstdlib>

#include "signaling/room_messages.h"

namespace room = callbot::signaling::room;

static void read_as(std::string_view text, room::Sender sender) {
  const auto first = room::parse(text, sender);
  if (!first) return;
  const std::string written = room::text_of(*first, sender);
  const auto second = room::parse(written, sender);
  if (!second || room::text_of(*second, sender) != written) abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_as(text, room::Sender::kClient);
  read_as(text, room::Sender::kServer);
  return 0;
}
