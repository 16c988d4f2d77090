// faulty_recording OUT: a recording of a call with faults (tests/support/faulty_call.h), for the
// tests of the report and to look at it.
#include <cstdio>

#include "tests/support/faulty_call.h"

int main(int argc, char** argv) {
  using namespace callbot;
  if (argc != 2) {
    std::fputs("usage: faulty_recording OUT\n", stderr);
    return 2;
  }
  recordings::Facts facts;
  facts.room = "standup";
  facts.url = "ws://127.0.0.1:8080/rooms/standup";
  facts.protocol = "rooms";
  facts.recorder = "recorder";
  test::Feed feed({}, facts);
  test::add_faulty_call(feed);
  if (!feed.run(test::kFaultySeconds)) return 1;
  std::filesystem::create_directories(argv[1]);
  std::filesystem::copy(feed.folder(), argv[1], std::filesystem::copy_options::recursive);
  return 0;
}
