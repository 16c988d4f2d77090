// Candidates and descriptions of others on their way to a relay: nothing crashes, nothing leads
// around it, and what is handed on is what a relay understands itself.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "network/candidate.h"

namespace callbot::network {
namespace {

void must_be(bool holds) {
  if (!holds) std::abort();
}

void check_candidate(const std::string& text) {
  const auto candidate = parse_candidate(text);
  if (!candidate) return;
  must_be(candidate->address.usable());
  const std::string written = write_candidate(*candidate);
  must_be(written.find_first_of("\r\n") == std::string::npos);
  const auto again = parse_candidate(written);
  must_be(again && again->address == candidate->address && again->type == candidate->type);
  must_be(write_candidate(*again) == written);
}

// Each line of `sdp`, in lower case.
template <class Check>
void for_lines(std::string sdp, Check check) {
  std::transform(sdp.begin(), sdp.end(), sdp.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (size_t at = 0; at < sdp.size();) {
    const size_t end = std::min(sdp.find_first_of("\r\n", at), sdp.size());
    check(sdp.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

void fuzz_candidates(const std::string& input) {
  for_lines(input, check_candidate);
  const auto none = with_candidates_changed(input, [](const auto&) { return std::nullopt; });
  for_lines(none, [](const std::string& line) {
    must_be(!line.starts_with("a=candidate") && !line.starts_with("a=remote-candidates"));
    must_be(!line.starts_with("c=") || line == "c=in ip4 0.0.0.0");
  });
  size_t asked = 0, kept = 0;
  const auto all = with_candidates_changed(input, [&](const std::string& candidate) {
    check_candidate(candidate);
    ++asked;
    return std::optional("candidate:kept");
  });
  for_lines(all, [&](const std::string& line) { kept += line == "a=candidate:kept" ? 1 : 0; });
  must_be(kept == asked);
}

}  // namespace callbot::network

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  callbot::network::fuzz_candidates(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
