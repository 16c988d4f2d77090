// The SDP guard with hostile descriptions: nothing crashes, and what passes keeps its promises.
//
// The input is a row of descriptions, each begun by a line of its own: "offer", "answer",
// "our offer", "our answer" or "candidate".
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "pipelines/sdp_guard.h"

namespace callbot::pipelines {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void check_shown(const std::string& shown, const SdpGuard& guard) {
  const auto sdp = parse_sdp(shown, {.most_bytes = 16u << 20, .most_mlines = 64});
  must(sdp.has_value());
  must(sdp->media.size() == guard.mlines().size());
  must(guard.bundle_index().has_value() && *guard.bundle_index() < sdp->media.size());
  must(!guard.fingerprints().empty());
  const SdpMedia& head = sdp->media[*guard.bundle_index()];
  must(head.port == 9 && (head.kind == "audio" || head.kind == "video"));
  const std::string* group = sdp->attributes.find("group");
  must(group != nullptr && group->starts_with("BUNDLE " + *head.attributes.find("mid")));
  std::set<std::string> mids;
  for (const SdpMedia& media : sdp->media) {
    const auto direction = direction_of(media.attributes);
    if (media.kind != "application") must(direction.has_value());
    if (media.port != 0 && direction) must(direction->sends || direction->receives);
    must(mids.insert(*media.attributes.find("mid")).second);
    for (const char* name : {"setup", "fingerprint", "ice-ufrag", "ice-pwd"})
      must(media.attributes.find(name) != nullptr &&
           *media.attributes.find(name) == *head.attributes.find(name));
  }
}

void take(SdpGuard& guard, const std::string& what, const std::string& text) {
  if (what == "offer" || what == "answer") {
    const size_t before = guard.mlines().size();
    const auto shown = what == "offer" ? guard.remote_offer(text) : guard.remote_answer(text);
    if (shown) check_shown(*shown, guard);
    if (!shown) must(!shown.error().message.empty() && guard.mlines().size() == before);
  } else if (what == "our offer") {
    guard.local_offer(text);
  } else if (what == "our answer") {
    guard.own_answer(text);
    guard.local_answer(text);
  } else if (what == "candidate") {
    if (const auto candidate = guard.remote_candidate(0, "", text))
      must(guard.bundle_index() == candidate->mline && candidate->text.size() <= 512);
  }
}

}  // namespace

// Also called by the test that replays the corpus.
void fuzz_sdp_guard(const std::string& input) {
  SdpGuard all;
  SdpGuard choosing({.codecs = {"opus", "VP8", "H264"}, .codecs_by_us = input.size() % 2 == 0});
  std::string what = "offer", text;
  auto flush = [&] {
    if (text.empty()) return;
    take(all, what, text);
    take(choosing, what, text);
    text.clear();
  };
  for (size_t at = 0; at < input.size();) {
    const size_t end = std::min(input.find('\n', at), input.size() - 1) + 1;
    const std::string line = input.substr(at, end - at);
    at = end;
    const std::string word = line.substr(0, line.find_first_of("\r\n"));
    if (word == "offer" || word == "answer" || word == "our offer" || word == "our answer" ||
        word == "candidate") {
      flush();
      what = word;
    } else {
      text += line;
    }
  }
  flush();
}

}  // namespace callbot::pipelines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  callbot::pipelines::fuzz_sdp_guard(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
