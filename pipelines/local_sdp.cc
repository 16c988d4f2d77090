#include "pipelines/local_sdp.h"

#include <set>

#include "pipelines/sdp.h"

namespace callbot::pipelines {
namespace {

constexpr SdpLimits kOwnLimits{.most_bytes = 4u << 20, .most_mlines = 1024, .most_candidates = 0};
constexpr std::string_view kCandidate = "candidate:";
constexpr std::string_view kBundle = "BUNDLE";
constexpr std::string_view kSsrcMsid = " msid:";

std::string mid_of(const SdpMedia& media) {
  const std::string* mid = media.attributes.find("mid");
  return mid != nullptr ? *mid : "";
}

std::vector<std::string> bundled(const Sdp& sdp) {
  const std::string* group = sdp.attributes.find("group");
  if (group == nullptr) return {};
  const auto words = words_of(*group);
  if (words.empty() || words[0] != kBundle) return {};
  return {words.begin() + 1, words.end()};
}

// "FID 1 2": 2 repeats what 1 lost (RFC 4588, 9).
void remove_rtx_streams(SdpAttributes& attributes) {
  std::set<std::string, std::less<>> repairs;
  for (const SdpAttribute& attribute : attributes) {
    const auto words = words_of(attribute.value);
    if (attribute.name == "ssrc-group" && words.size() == 3 && words[0] == "FID")
      repairs.emplace(words[2]);
  }
  SdpAttributes kept;
  for (const SdpAttribute& attribute : attributes) {
    const bool of_repair = attribute.name == "ssrc" &&
                           repairs.contains(attribute.value.substr(0, attribute.value.find(' ')));
    if (attribute.name != "ssrc-group" && !of_repair) kept.add(attribute.name, attribute.value);
  }
  attributes = std::move(kept);
}

}  // namespace

std::string with_rejections(std::string_view answer, const std::vector<SdpMline>& mlines,
                            uint32_t head) {
  auto sdp = parse_sdp(answer, kOwnLimits);
  if (!sdp) return std::string(answer);
  for (size_t i = 0; i < sdp->media.size() && i < mlines.size(); ++i)
    if (!mlines[i].accepted && i != head) sdp->media[i].port = 0;
  return write_sdp(*sdp);
}

std::string without_audio_rtx(std::string_view offer) {
  auto sdp = parse_sdp(offer, kOwnLimits);
  if (!sdp) return std::string(offer);
  for (SdpMedia& media : sdp->media)
    if (media.kind == "audio") remove_rtx_streams(media.attributes);
  return write_sdp(*sdp);
}

std::string with_candidates(std::string_view text, uint32_t mline,
                            const std::vector<std::string>& candidates) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp || mline >= sdp->media.size()) return std::string(text);
  SdpAttributes& attributes = sdp->media[mline].attributes;
  attributes.remove("candidate");
  for (const std::string& candidate : candidates)
    if (candidate.starts_with(kCandidate))
      attributes.add("candidate", candidate.substr(kCandidate.size()));
  attributes.set("end-of-candidates");
  return write_sdp(*sdp);
}

std::string with_msids(std::string_view text) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp) return std::string(text);
  for (SdpMedia& media : sdp->media) {
    const bool sends = direction_of(media.attributes).value_or(SdpDirection{}).sends;
    if (media.attributes.has("msid") || !sends) continue;
    std::string msid;
    for (const SdpAttribute& a : media.attributes) {
      const size_t at = a.name == "ssrc" ? a.value.find(kSsrcMsid) : std::string::npos;
      if (at != std::string::npos && msid.empty()) msid = a.value.substr(at + kSsrcMsid.size());
    }
    if (!msid.empty()) media.attributes.add("msid", msid);
  }
  return write_sdp(*sdp);
}

std::string with_contents(std::string_view text,
                          const std::function<std::string(size_t mline)>& content_of) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp) return std::string(text);
  bool any = false;
  for (size_t i = 0; i < sdp->media.size(); ++i) {
    const std::string content = content_of(i);
    if (content.empty()) continue;
    sdp->media[i].attributes.add("content", content);
    any = true;
  }
  return any ? write_sdp(*sdp) : std::string(text);
}

BundleTag bundle_tag(std::string_view text) {
  const auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp || sdp->media.empty()) return {};
  const auto bundle = bundled(*sdp);
  for (size_t i = 0; i < sdp->media.size(); ++i)
    if (!bundle.empty() && mid_of(sdp->media[i]) == bundle.front())
      return {static_cast<uint32_t>(i), bundle.front()};
  return {0, mid_of(sdp->media[0])};
}

std::pair<std::string, std::string> ice_credentials(std::string_view text) {
  const auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp) return {};
  for (const SdpMedia& media : sdp->media) {
    const std::string* ufrag = media.attributes.find("ice-ufrag");
    const std::string* password = media.attributes.find("ice-pwd");
    if (ufrag != nullptr && password != nullptr) return {*ufrag, *password};
  }
  return {};
}

}  // namespace callbot::pipelines
