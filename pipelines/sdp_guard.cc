#include "pipelines/sdp_guard.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "pipelines/sdp_rules.h"

namespace callbot::pipelines {
namespace {

constexpr uint32_t kAnyPort = 9;  // RFC 8840: candidates say the real one
// What webrtcbin makes answers what we let through, and may be longer.
constexpr SdpLimits kOwnLimits{.most_bytes = 4u << 20, .most_mlines = 1024, .most_candidates = 0};

std::string mid_of(const SdpMedia& media) {
  const std::string* mid = media.attributes.find("mid");
  return mid != nullptr ? *mid : "";
}

}  // namespace

SdpGuard::SdpGuard(SdpGuardConfig config)
    : config_(std::move(config)), state_(std::make_unique<SdpState>()) {}
SdpGuard::SdpGuard(SdpGuard&&) noexcept = default;
SdpGuard& SdpGuard::operator=(SdpGuard&&) noexcept = default;
SdpGuard::~SdpGuard() = default;

Result<std::string> SdpGuard::remote(bool offer, std::string_view text) {
  auto sdp = parse_sdp(text, config_.limits);
  auto refused = [&](Error error) {
    return tl::unexpected(std::move(error).in(offer ? "remote offer" : "remote answer"));
  };
  if (!sdp) return refused(std::move(sdp.error()));
  SdpDraft draft(config_, *state_, std::move(*sdp), offer);
  if (auto fine = draft.check(); !fine) return refused(std::move(fine.error()));
  std::string shown = write_sdp(draft.shown());
  *state_ = draft.take_state();
  return shown;
}

Result<std::string> SdpGuard::remote_offer(std::string_view text) { return remote(true, text); }
Result<std::string> SdpGuard::remote_answer(std::string_view text) { return remote(false, text); }

// An m-line that is not taken says just that, in the words of the offer. Formats keep their names:
// Pion (3.1) refuses an answer with one that it cannot look up, rejected or not.
void SdpGuard::reject(SdpMedia& media, size_t i) {
  const SdpMedia& theirs = state_->theirs.media[i];
  media = {};
  media.kind = theirs.kind;
  media.port = 0;
  media.protocol = theirs.protocol;
  media.formats = theirs.formats;
  if (theirs.attributes.has("mid")) media.attributes.add("mid", state_->mlines[i].mid);
  media.attributes.add("inactive");
  for (const SdpAttribute& attribute : theirs.attributes)
    if (attribute.name == "rtpmap") media.attributes.add("rtpmap", attribute.value);
  state_->slots[i].free = true;
}

void SdpGuard::announce_message_size(SdpMedia& media) const {
  if (media.kind == "application")
    media.attributes.set("max-message-size", std::to_string(config_.most_message_bytes));
}

std::string SdpGuard::own_answer(std::string_view text) const {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp || !state_->head || *state_->head >= sdp->media.size()) return std::string(text);
  put_right(*sdp);
  return write_sdp(*sdp);
}

void SdpGuard::put_right(Sdp& answer) const {
  const SdpAttributes head = answer.media[*state_->head].attributes;
  const std::string head_mid = mid_of(answer.media[*state_->head]);
  if (const auto bundle = bundle_of(answer)) {
    std::vector<std::string> reordered = {head_mid};
    for (const std::string& mid : *bundle)
      if (mid != head_mid) reordered.push_back(mid);
    set_bundle(answer, reordered);
  }
  // Rejected m-lines are copies of the offer's, and what it once put into one it repeats for ever.
  for (SdpMedia& media : answer.media)
    for (const char* name : {"fingerprint", "ice-ufrag", "ice-pwd", "setup"})
      if (const std::string* value = head.find(name)) media.attributes.set(name, *value);
}

std::string SdpGuard::local_offer(std::string_view text) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp) return std::string(text);
  const auto its_bundle = bundle_of(*sdp).value_or(std::vector<std::string>{});
  state_->slots.resize(std::max(state_->slots.size(), sdp->media.size()));
  state_->offered.clear();
  std::vector<std::string> bundle;
  for (size_t i = 0; i < sdp->media.size(); ++i) {
    SdpMedia& media = sdp->media[i];
    SdpState::Slot& slot = state_->slots[i];
    if (slot.shown_mid != mid_of(media)) slot.mid = slot.shown_mid = mid_of(media);
    const bool refused = i < state_->mlines.size() && !state_->mlines[i].accepted &&
                         state_->mlines[i].mid == slot.mid;
    if (refused) {
      reject(media, i);
    } else if (contains(its_bundle, slot.shown_mid)) {
      if (!state_->head) state_->head = static_cast<uint32_t>(i);
      bundle.push_back(slot.mid);
      media.port = kAnyPort;
      media.attributes.remove("bundle-only");
      media.attributes.set("mid", slot.mid);
      announce_message_size(media);
    }
    slot.kind = media.kind;
    slot.free = is_rejected(media);
    const SdpDirection direction = direction_of(media.attributes).value_or(SdpDirection{});
    state_->offered.push_back({slot.mid, slot.kind, direction});
  }
  set_bundle(*sdp, bundle);
  return write_sdp(*sdp);
}

std::string SdpGuard::local_answer(std::string_view text) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp || sdp->media.size() != state_->mlines.size()) return std::string(text);
  put_right(*sdp);
  const auto its_bundle = bundle_of(*sdp).value_or(std::vector<std::string>{});
  std::vector<std::string> accepted;
  SdpAttributes candidates;
  for (size_t i = 0; i < sdp->media.size(); ++i) {
    SdpMedia& media = sdp->media[i];
    const SdpMline& mline = state_->mlines[i];
    for (const SdpAttribute& a : media.attributes)
      if (a.name == "candidate" || a.name == "end-of-candidates") candidates.add(a.name, a.value);
    if (!mline.accepted ||
        (is_rejected(media) && !contains(its_bundle, state_->slots[i].shown_mid))) {
      reject(media, i);
      continue;
    }
    accepted.push_back(mline.mid);
    media.port = kAnyPort;
    media.attributes.set("mid", mline.mid);
    media.protocol = state_->theirs.media[i].protocol;
    for (const char* name : {"bundle-only", "candidate", "end-of-candidates"})
      media.attributes.remove(name);
    announce_message_size(media);
    if (mline.kind == "application") continue;
    const SdpDirection its = direction_of(media.attributes).value_or(SdpDirection{});
    const bool receives = config_.receives && (mline.kind != "audio" || config_.receive_audio);
    set_direction(media.attributes,
                  {its.sends && mline.receives, its.receives && mline.sends && receives});
  }
  std::vector<std::string> bundle;
  for (const std::string& mid : state_->bundle)
    if (contains(accepted, mid)) bundle.push_back(mid);
  // Candidates stand where the other end looks for them: at the first of its own bundle.
  for (SdpMedia& media : sdp->media)
    if (!bundle.empty() && mid_of(media) == bundle.front())
      for (const SdpAttribute& a : candidates) media.attributes.add(a.name, a.value);
  set_bundle(*sdp, state_->bundle_was_said ? bundle : std::vector<std::string>{});
  return write_sdp(*sdp);
}

std::optional<SdpGuard::Candidate> SdpGuard::remote_candidate(uint32_t mline, std::string_view mid,
                                                              std::string_view text) {
  if (!bundle_index()) return std::nullopt;
  if (text.empty()) return Candidate{*state_->head, ""};
  const SdpMline* whose =
      mid.empty() && mline < state_->mlines.size() ? &state_->mlines[mline] : by_mid(mid);
  if (whose == nullptr || !contains(state_->bundle, whose->mid)) return std::nullopt;
  const auto candidate = usable_candidate(text);
  if (!candidate || state_->candidates >= config_.limits.most_candidates) return std::nullopt;
  if (!candidate->ufrag.empty() && candidate->ufrag != state_->ufrag) return std::nullopt;
  ++state_->candidates;
  return Candidate{*state_->head, candidate->text};
}

const std::vector<SdpMline>& SdpGuard::mlines() const { return state_->mlines; }

const SdpMline* SdpGuard::by_mid(std::string_view mid) const {
  for (const SdpMline& mline : state_->mlines)
    if (mline.mid == mid) return &mline;
  return nullptr;
}

const SdpMline* SdpGuard::by_ssrc(uint32_t ssrc) const {
  for (const SdpMline& mline : state_->mlines)
    for (const SdpSsrc& one : mline.ssrcs)
      if (one.ssrc == ssrc) return &mline;
  return nullptr;
}

const std::vector<SdpFingerprint>& SdpGuard::fingerprints() const { return state_->fingerprints; }
std::set<int> SdpGuard::refused_payloads() const {
  std::set<int> refused, taken;
  for (size_t i = 0; i < state_->theirs.media.size() && i < state_->mlines.size(); ++i)
    for (const std::string& format : state_->theirs.media[i].formats)
      (state_->mlines[i].accepted ? taken : refused).insert(std::atoi(format.c_str()));
  for (const int payload : taken) refused.erase(payload);
  return refused;
}

std::optional<uint32_t> SdpGuard::bundle_index() const {
  return state_->mlines.empty() ? std::nullopt : state_->head;
}
bool SdpGuard::restarts_ice() const { return state_->restarts_ice; }
std::optional<uint64_t> SdpGuard::most_message_bytes() const { return state_->most_message_bytes; }

}  // namespace callbot::pipelines
