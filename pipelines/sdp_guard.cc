#include "pipelines/sdp_guard.h"

#include <algorithm>
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

// An m-line that is not taken says just that, in the words of the offer.
void SdpGuard::reject(SdpMedia& media, size_t i) {
  const SdpMedia& theirs = state_->theirs.media[i];
  media = {};
  media.kind = theirs.kind;
  media.port = 0;
  media.protocol = theirs.protocol;
  media.formats = theirs.formats;
  if (theirs.attributes.has("mid")) media.attributes.add("mid", state_->mlines[i].mid);
  media.attributes.add("inactive");
  state_->slots[i].free = true;
}

std::string SdpGuard::local_offer(std::string_view text) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp) return std::string(text);
  const auto bundle = bundle_of(*sdp).value_or(std::vector<std::string>{});
  state_->slots.resize(std::max(state_->slots.size(), sdp->media.size()));
  state_->offered.clear();
  for (size_t i = 0; i < sdp->media.size(); ++i) {
    SdpMedia& media = sdp->media[i];
    const bool known = i < state_->mlines.size() && state_->mlines[i].mid == mid_of(media);
    if (known && !state_->mlines[i].accepted) {
      reject(media, i);
    } else if (contains(bundle, mid_of(media))) {
      media.port = kAnyPort;
      media.attributes.remove("bundle-only");
    }
    const bool rejected = is_rejected(media);
    SdpState::Slot& slot = state_->slots[i];
    if (slot.mid != mid_of(media)) slot = {};
    slot.mid = mid_of(media);
    slot.kind = media.kind;
    slot.free = rejected;
    const SdpDirection direction = direction_of(media.attributes).value_or(SdpDirection{});
    state_->offered.push_back({slot.mid, slot.kind, direction});
  }
  if (state_->head.empty() && !bundle.empty()) state_->head = bundle.front();
  return write_sdp(*sdp);
}

std::string SdpGuard::local_answer(std::string_view text) {
  auto sdp = parse_sdp(text, kOwnLimits);
  if (!sdp || sdp->media.size() != state_->mlines.size()) return std::string(text);
  const auto its_bundle = bundle_of(*sdp).value_or(std::vector<std::string>{});
  std::vector<std::string> accepted;
  SdpAttributes candidates;
  for (size_t i = 0; i < sdp->media.size(); ++i) {
    SdpMedia& media = sdp->media[i];
    const SdpMline& mline = state_->mlines[i];
    for (const SdpAttribute& a : media.attributes)
      if (a.name == "candidate" || a.name == "end-of-candidates") candidates.add(a.name, a.value);
    if (!mline.accepted || (is_rejected(media) && !contains(its_bundle, mline.mid))) {
      reject(media, i);
      continue;
    }
    accepted.push_back(mline.mid);
    media.port = kAnyPort;
    media.protocol = state_->theirs.media[i].protocol;
    for (const char* name : {"bundle-only", "candidate", "end-of-candidates"})
      media.attributes.remove(name);
    if (mline.kind == "application") continue;
    const SdpDirection its = direction_of(media.attributes).value_or(SdpDirection{});
    set_direction(media.attributes, {its.sends && mline.receives, its.receives && mline.sends});
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
  if (!state_->bundle_index) return std::nullopt;
  if (text.empty()) return Candidate{*state_->bundle_index, ""};
  const SdpMline* whose =
      mid.empty() && mline < state_->mlines.size() ? &state_->mlines[mline] : by_mid(mid);
  if (whose == nullptr || !contains(state_->bundle, whose->mid)) return std::nullopt;
  const auto candidate = usable_candidate(text);
  if (!candidate || state_->candidates >= config_.limits.most_candidates) return std::nullopt;
  if (!candidate->ufrag.empty() && candidate->ufrag != state_->ufrag) return std::nullopt;
  ++state_->candidates;
  return Candidate{*state_->bundle_index, candidate->text};
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
std::optional<uint32_t> SdpGuard::bundle_index() const { return state_->bundle_index; }
bool SdpGuard::restarts_ice() const { return state_->restarts_ice; }
std::optional<uint64_t> SdpGuard::most_message_bytes() const { return state_->most_message_bytes; }

}  // namespace callbot::pipelines
