// What fuzzing found worth keeping is run again with every test run.
#include <gtest/gtest.h>

#include "tests/fuzz/replay.h"

// All targets have the name that libFuzzer wants; here each gets one of its own.
#define LLVMFuzzerTestOneInput fuzz_json
#include "tests/fuzz/json_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_candidate
#include "tests/fuzz/candidate_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_room_messages
#include "tests/fuzz/room_messages_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_manifest
#include "tests/fuzz/manifest_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_journal
#include "tests/fuzz/journal_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_repair_input
#include "tests/fuzz/repair_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sealed_input
#include "tests/fuzz/sealed_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_frame_headers
#include "tests/fuzz/frame_headers_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_rtcp
#include "tests/fuzz/rtcp_fuzz.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_scenario
#include "tests/fuzz/scenario_fuzz.cc"
#undef LLVMFuzzerTestOneInput

namespace callbot {
namespace {

TEST(FuzzCorpus, Json) { test::replay("json", fuzz_json); }
TEST(FuzzCorpus, Candidate) { test::replay("candidate", fuzz_candidate); }
TEST(FuzzCorpus, RoomMessages) { test::replay("room_messages", fuzz_room_messages); }
TEST(FuzzCorpus, Manifest) { test::replay("manifest", fuzz_manifest); }
TEST(FuzzCorpus, Journal) { test::replay("journal", fuzz_journal); }
TEST(FuzzCorpus, Repair) { test::replay("repair", fuzz_repair_input); }
TEST(FuzzCorpus, Sealed) { test::replay("sealed", fuzz_sealed_input); }
TEST(FuzzCorpus, FrameHeaders) { test::replay("frame_headers", fuzz_frame_headers); }
TEST(FuzzCorpus, Rtcp) { test::replay("rtcp", fuzz_rtcp); }
TEST(FuzzCorpus, Scenario) { test::replay("scenario", fuzz_scenario); }

}  // namespace
}  // namespace callbot
