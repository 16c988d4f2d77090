#include "pipelines/sdp_rules.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <utility>

#include "base/files.h"

namespace callbot::pipelines {
namespace {

constexpr const char* kMediaProtocol = "UDP/TLS/RTP/SAVPF";
constexpr size_t kLongestMid = 128;

template <class... A>
tl::unexpected<Error> bad(fmt::format_string<A...> format, A&&... args) {
  return fail(Code::kBadInput, fmt::format(format, std::forward<A>(args)...));
}

template <class... A>
tl::unexpected<Error> cannot(fmt::format_string<A...> format, A&&... args) {
  return fail(Code::kUnsupported, fmt::format(format, std::forward<A>(args)...));
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string clean_origin(std::string_view origin) {
  const auto words = words_of(origin);
  auto number = [&](size_t i) {
    return words.size() > i ? sdp_number(words[i], INT64_MAX).value_or(0) : 0;
  };
  return fmt::format("- {} {} IN IP4 127.0.0.1", number(1), number(2));
}

}  // namespace

bool is_media(std::string_view kind) { return kind == "audio" || kind == "video"; }

bool is_rejected(const SdpMedia& media) {
  return media.port == 0 && !media.attributes.has("bundle-only");
}

std::optional<std::vector<std::string>> bundle_of(const Sdp& sdp) {
  for (const SdpAttribute& a : sdp.attributes) {
    const auto words = words_of(a.value);
    if (a.name != "group" || words.empty() || words[0] != "BUNDLE") continue;
    return std::vector<std::string>(words.begin() + 1, words.end());
  }
  return std::nullopt;
}

void set_bundle(Sdp& sdp, const std::vector<std::string>& mids) {
  sdp.attributes.remove("group");
  if (!mids.empty()) sdp.attributes.add("group", fmt::format("BUNDLE {}", fmt::join(mids, " ")));
}

bool contains(const std::vector<std::string>& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

std::string SdpDraft::mline_name(size_t i) const {
  return fmt::format("m-line {} ({})", i, printable(media(i).kind, 20));
}

const SdpMedia* SdpDraft::by_mid(std::string_view mid) const {
  for (size_t i = 0; i < mlines_.size(); ++i)
    if (mlines_[i].mid == mid) return &media(i);
  return nullptr;
}

const std::string* SdpDraft::transport(size_t i, std::string_view name) const {
  if (const std::string* own = media(i).attributes.find(name)) return own;
  if (const std::string* session = sdp_.attributes.find(name)) return session;
  return tag_ != nullptr ? tag_->attributes.find(name) : nullptr;
}

Result<> SdpDraft::check() {
  using Rule = Result<> (SdpDraft::*)();
  for (const Rule rule : {&SdpDraft::name_mlines, &SdpDraft::read_bundle, &SdpDraft::accept_mlines,
                          &SdpDraft::read_fingerprints, &SdpDraft::read_setup, &SdpDraft::read_ice,
                          &SdpDraft::read_directions, &SdpDraft::choose_head})
    if (auto fine = (this->*rule)(); !fine) return fine;
  return {};
}

Result<> SdpDraft::name_mlines() {
  std::set<std::string> mids;
  for (size_t i = 0; i < sdp_.media.size(); ++i) {
    SdpMline mline = describe_mline(media(i));
    // A rejected m-line may be as short as can be.
    if (mline.mid.empty() && is_rejected(media(i)))
      mline.mid = i < state_.slots.size() ? state_.slots[i].mid : fmt::format("rejected-{}", i);
    if (mline.mid.empty()) return bad("{} has no a=mid", mline_name(i));
    if (!is_sdp_token(mline.mid) || mline.mid.size() > kLongestMid)
      return bad("{} has an odd mid: '{}'", mline_name(i), printable(mline.mid, 40));
    if (!mids.insert(mline.mid).second)
      return bad("mid '{}' names more than one m-line", mline.mid);
    mlines_.push_back(std::move(mline));
  }
  return check_order();
}

Result<> SdpDraft::check_order() const {
  return offer_ ? check_offer_order() : check_answer_order();
}

Result<> SdpDraft::check_offer_order() const {
  if (mlines_.size() < state_.slots.size())
    return bad("{} m-lines where there were {}: none may be removed", mlines_.size(),
               state_.slots.size());
  for (size_t i = 0; i < state_.slots.size(); ++i) {
    const SdpState::Slot& slot = state_.slots[i];
    if (slot.free) continue;
    if (slot.mid != mlines_[i].mid)
      return bad("m-line {} had mid '{}' and now has '{}': the order of m-lines must stay", i,
                 slot.mid, mlines_[i].mid);
    if (slot.kind != mlines_[i].kind)
      return bad("m-line {} was {} and is now {}", i, slot.kind, mlines_[i].kind);
  }
  return {};
}

Result<> SdpDraft::check_answer_order() const {
  if (state_.offered.empty()) return bad("an answer, but we have not offered anything");
  if (mlines_.size() != state_.offered.size())
    return bad("{} m-lines in answer to {}", mlines_.size(), state_.offered.size());
  for (size_t i = 0; i < mlines_.size(); ++i) {
    const SdpState::Offered& ours = state_.offered[i];
    if (ours.mid != mlines_[i].mid)
      return bad("m-line {} has mid '{}', our offer's has '{}'", i, mlines_[i].mid, ours.mid);
    if (ours.kind != mlines_[i].kind)
      return bad("m-line {} is {}, our offer's is {}", i, mlines_[i].kind, ours.kind);
  }
  return {};
}

Result<> SdpDraft::read_bundle() {
  auto group = bundle_of(sdp_);
  state_.bundle_was_said = group.has_value();
  if (!group) {
    group.emplace();
    for (size_t i = 0; i < mlines_.size(); ++i)
      if (!is_rejected(media(i))) group->push_back(mlines_[i].mid);
    if (group->size() > 1) return cannot("several m-lines, but no BUNDLE group");
  }
  std::set<std::string> seen;
  for (const std::string& mid : *group) {
    const SdpMedia* media = by_mid(mid);
    if (media == nullptr)
      return bad("the BUNDLE group names mid '{}', which no m-line has (is the SDP cut off?)",
                 printable(mid, 40));
    if (!seen.insert(mid).second) return bad("the BUNDLE group names mid '{}' twice", mid);
    if (is_rejected(*media)) continue;
    if (tag_ == nullptr) tag_ = media;
    group_.push_back(mid);
  }
  return {};
}

Result<> SdpDraft::accept_mlines() {
  state_.most_message_bytes.reset();
  for (size_t i = 0; i < mlines_.size(); ++i) {
    if (is_rejected(media(i))) continue;
    mlines_[i].accepted = contains(group_, mlines_[i].mid) && wanted(i);
    // Our own offer asked for it: an answer cannot be turned down.
    if (!offer_ && !mlines_[i].accepted)
      return cannot("{} of the answer is outside the bundle or has nothing we know", mline_name(i));
    if (mlines_[i].accepted && is_media(mlines_[i].kind) && transport(i, "rtcp-mux") == nullptr)
      return cannot("{} has no a=rtcp-mux", mline_name(i));
  }
  return check_accepted();
}

Result<> SdpDraft::check_accepted() const {
  auto any = [&](auto&& holds) { return std::any_of(mlines_.begin(), mlines_.end(), holds); };
  if (any([](const SdpMline& m) { return m.accepted && is_media(m.kind); })) return {};
  if (any([](const SdpMline& m) { return m.accepted; }))
    return cannot("nothing but a data channel");
  return cannot("no audio or video that we could take");
}

bool SdpDraft::wanted(size_t i) {
  const std::string& kind = mlines_[i].kind;
  if (i < state_.slots.size()) {
    const auto& before = state_.slots[i].as_shown;
    if (before && before->kind != kind) return false;
  }
  if (kind == "application") return takes_data_channel(i);
  if (kind == "video" && !config_.take_video) return false;
  const std::string& protocol = media(i).protocol;
  const bool secure = protocol.ends_with("RTP/SAVPF") || protocol.ends_with("RTP/SAVP");
  return is_media(kind) && secure && choose_codec(i);
}

bool SdpDraft::choose_codec(size_t i) {
  SdpMline& mline = mlines_[i];
  if (mline.codecs.empty()) return false;
  if (config_.codecs.empty()) return true;
  auto index_of = [&](const SdpCodec* codec) {
    return static_cast<size_t>(codec - mline.codecs.data());
  };
  auto ours = [&](const SdpCodec& codec) {
    return std::any_of(config_.codecs.begin(), config_.codecs.end(),
                       [&](const std::string& name) { return same(name, codec.rtp_name); });
  };
  if (i < state_.slots.size() && state_.slots[i].payload >= 0) {
    const SdpState::Slot& before = state_.slots[i];
    for (const SdpCodec& codec : mline.codecs)
      if (codec.payload == before.payload && same(codec.rtp_name, before.rtp_name))
        mline.chosen = index_of(&codec);
    const SdpCodec* other = best_payload(mline, before.rtp_name);
    if (!mline.chosen && other != nullptr) mline.chosen = index_of(other);
    if (mline.chosen) return true;
  }
  if (const SdpCodec* next = next_sent(i)) {
    mline.chosen = index_of(next);
  } else if (config_.codecs_by_us) {
    for (const std::string& name : config_.codecs)
      if (const SdpCodec* best = best_payload(mline, name); best != nullptr && !mline.chosen)
        mline.chosen = index_of(best);
  } else {
    for (const SdpCodec& codec : mline.codecs)
      if (ours(codec) && !mline.chosen)
        mline.chosen = index_of(best_payload(mline, codec.rtp_name));
  }
  return mline.chosen.has_value();
}

// Of the first stream that no m-line before this one has room for.
const SdpCodec* SdpDraft::next_sent(size_t i) const {
  std::vector<bool> has_room(config_.sent.size());
  for (size_t before = 0; before < i; ++before) {
    const SdpMline& mline = mlines_[before];
    for (size_t k = 0; mline.chosen && k < has_room.size(); ++k)
      if (!has_room[k] && same(config_.sent[k], mline.codecs[*mline.chosen].rtp_name)) {
        has_room[k] = true;
        break;
      }
  }
  for (size_t k = 0; k < has_room.size(); ++k)
    if (const SdpCodec* best = best_payload(mlines_[i], config_.sent[k]); best && !has_room[k])
      return best;
  return nullptr;
}

bool SdpDraft::takes_data_channel(size_t i) {
  const SdpAttributes& attributes = media(i).attributes;
  const std::string* port = attributes.find("sctp-port");
  if (state_.most_message_bytes || port == nullptr || !sdp_number(*port, 65535) ||
      !contains(media(i).formats, "webrtc-datachannel"))
    return false;
  constexpr uint64_t kUnsaid = 64u << 10;  // RFC 8841, 6
  const std::string* most = attributes.find("max-message-size");
  state_.most_message_bytes =
      most != nullptr ? sdp_number(*most, UINT64_MAX).value_or(kUnsaid) : kUnsaid;
  return true;
}

Result<> SdpDraft::read_fingerprints() {
  const std::vector<SdpFingerprint> before = std::move(state_.fingerprints);
  state_.fingerprints.clear();
  std::vector<const SdpAttributes*> places = {&sdp_.attributes};
  for (size_t i = 0; i < mlines_.size(); ++i)
    if (mlines_[i].accepted) places.push_back(&media(i).attributes);
  if (tag_ != nullptr) places.push_back(&tag_->attributes);
  bool any = false;
  for (const SdpAttributes* place : places) {
    auto found = fingerprints_of(*place, any);
    if (!found) return bad("a fingerprint is malformed");
    if (found->empty()) continue;
    if (state_.fingerprints.empty()) state_.fingerprints = *found;
    if (state_.fingerprints != *found) return bad("m-lines have different fingerprints");
  }
  if (!any) return bad("no DTLS fingerprint");
  if (state_.fingerprints.empty()) return cannot("no fingerprint of a hash that we can check");
  for (size_t i = 0; i < mlines_.size(); ++i)
    if (mlines_[i].accepted && transport(i, "fingerprint") == nullptr)
      return bad("{} has no DTLS fingerprint", mline_name(i));
  state_.restarts_ice = !before.empty() && before != state_.fingerprints;
  return {};
}

Result<> SdpDraft::read_setup() {
  for (size_t i = 0; i < mlines_.size(); ++i) {
    if (!mlines_[i].accepted) continue;
    const std::string* setup = transport(i, "setup");
    if (setup == nullptr) return bad("{} has no a=setup", mline_name(i));
    const bool fine = *setup == "active" || *setup == "passive" || (offer_ && *setup == "actpass");
    if (!fine)
      return bad("{} has a=setup:{} in an {}", mline_name(i), printable(*setup, 20), what());
    if (!setup_.empty() && setup_ != *setup) return bad("m-lines of the bundle differ in a=setup");
    setup_ = *setup;
  }
  return {};
}

// Within a bundle the first m-line's ICE counts (RFC 8843, 7.1): the others are made to say the
// same, and candidates of m-lines that would have had ICE of their own are left out.
Result<> SdpDraft::read_ice() {
  const bool fingerprint_changed = state_.restarts_ice;
  auto of_tag = [&](std::string_view name) -> std::string {
    const std::string* own = tag_->attributes.find(name);
    const std::string* session = sdp_.attributes.find(name);
    return own != nullptr ? *own : session != nullptr ? *session : "";
  };
  const std::string ufrag = of_tag("ice-ufrag"), pwd = of_tag("ice-pwd");
  if (ufrag.empty() || pwd.empty()) return bad("no ICE credentials");
  if (!is_ice_ufrag(ufrag) || !is_ice_pwd(pwd)) return bad("malformed ICE credentials");
  state_.restarts_ice = !state_.ufrag.empty() && (ufrag != state_.ufrag || pwd != state_.pwd);
  if (fingerprint_changed && !state_.restarts_ice)
    return bad("another DTLS fingerprint without an ICE restart");
  state_.ufrag = ufrag;
  state_.pwd = pwd;
  read_candidates();
  return {};
}

void SdpDraft::read_candidates() {
  for (size_t i = 0; i < mlines_.size(); ++i) {
    const std::string* ufrag = media(i).attributes.find("ice-ufrag");
    if (!contains(group_, mlines_[i].mid) || (ufrag != nullptr && *ufrag != state_.ufrag)) continue;
    for (const SdpAttribute& a : media(i).attributes) {
      if (candidates_.size() == config_.limits.most_candidates) return;
      if (a.name != "candidate") continue;
      const auto candidate = usable_candidate("candidate:" + a.value);
      if (candidate && !contains(candidates_, candidate->text))
        candidates_.push_back(candidate->text);
    }
  }
}

Result<> SdpDraft::read_directions() {
  const SdpDirection session = direction_of(sdp_.attributes).value_or(SdpDirection{});
  state_.slots.resize(mlines_.size());
  for (size_t i = 0; i < mlines_.size(); ++i) {
    SdpMline& mline = mlines_[i];
    const SdpDirection said = direction_of(media(i).attributes).value_or(session);
    mline.sends = said.sends;
    mline.receives = said.receives;
    SdpState::Slot& slot = state_.slots[i];
    slot.mid = mline.mid;
    slot.kind = mline.kind;
    slot.free = !mline.accepted;
    name_for_webrtcbin(i);
    if (!mline.accepted || !is_media(mline.kind)) continue;
    slot.payload = mline.chosen ? mline.codecs[*mline.chosen].payload : -1;
    slot.rtp_name = mline.chosen ? mline.codecs[*mline.chosen].rtp_name : "";
    slot.shown = {true, true};
    if (offer_) continue;
    const SdpDirection ours = state_.offered[i].direction;
    slot.shown = {ours.receives, ours.sends};
  }
  return {};
}

// Its own mid, or, where the place had another m-line before, still that one's.
void SdpDraft::name_for_webrtcbin(size_t i) {
  SdpState::Slot& slot = state_.slots[i];
  if (!slot.shown_mid.empty()) return;
  std::string name = slot.mid;
  auto taken = [&] {
    return std::any_of(state_.slots.begin(), state_.slots.end(),
                       [&](const SdpState::Slot& other) { return other.shown_mid == name; });
  };
  while (taken()) name += '~';
  slot.shown_mid = name;
}

Result<> SdpDraft::choose_head() {
  for (const std::string& mid : group_)
    for (size_t i = 0; i < mlines_.size(); ++i)
      if (!state_.head && mlines_[i].mid == mid && mlines_[i].accepted && is_media(mlines_[i].kind))
        state_.head = static_cast<uint32_t>(i);
  if (!state_.head) return bad("no m-line in the BUNDLE group that could carry it");
  const size_t head = *state_.head;
  if (!mlines_[head].accepted && !state_.slots[head].as_shown)
    return cannot("m-line {}, which carries the bundle, is rejected", head);
  return {};
}

SdpMedia SdpDraft::shown_media(size_t i, std::set<uint32_t>& seen_ssrcs) {
  const SdpMline& mline = mlines_[i];
  SdpState::Slot& slot = state_.slots[i];
  if (mline.kind == "application") {
    SdpMedia data;
    data.kind = mline.kind;
    data.protocol = "UDP/DTLS/SCTP";
    data.formats = {"webrtc-datachannel"};
    data.attributes.add("mid", slot.shown_mid);
    data.attributes.add("sctp-port", *media(i).attributes.find("sctp-port"));
    data.attributes.add("max-message-size", std::to_string(*state_.most_message_bytes));
    return data;
  }
  SdpMedia shown = write_mline(mline, kMediaProtocol, seen_ssrcs);
  shown.attributes.set("mid", slot.shown_mid);
  set_direction(shown.attributes, slot.shown);
  shown.attributes.add("rtcp-mux");
  shown.attributes.add("rtcp-rsize");
  return shown;
}

// In an offer webrtcbin takes port 0 for a beginning, but knows no m-line of another kind than
// audio and video and rejects it for good; in an answer it knows what port 0 means.
SdpMedia SdpDraft::shown_rejected(size_t i) const {
  SdpMedia shown;
  shown.kind = offer_ ? "text" : mlines_[i].kind;
  shown.port = 0;
  shown.protocol = kMediaProtocol;
  shown.formats = {"0"};
  shown.attributes.add("mid", state_.slots[i].shown_mid);
  shown.attributes.add("inactive");
  return shown;
}

Sdp SdpDraft::shown() {
  Sdp shown;
  shown.origin = clean_origin(sdp_.origin);
  std::vector<std::string> bundle = {state_.slots[*state_.head].shown_mid};
  for (size_t i = 0; i < mlines_.size(); ++i)
    if (i != *state_.head && (mlines_[i].accepted || state_.slots[i].as_shown))
      bundle.push_back(state_.slots[i].shown_mid);
  set_bundle(shown, bundle);
  if (sdp_.attributes.has("ice-lite")) shown.attributes.add("ice-lite");
  shown.attributes.add("ice-options", "trickle");
  std::set<uint32_t> seen_ssrcs;
  for (size_t i = 0; i < mlines_.size(); ++i) {
    SdpState::Slot& slot = state_.slots[i];
    SdpMedia one;
    if (mlines_[i].accepted) {
      one = shown_media(i, seen_ssrcs);
      slot.as_shown = one;
      for (const char* name : {"ssrc", "ssrc-group"}) slot.as_shown->attributes.remove(name);
    } else {
      one = slot.as_shown ? *slot.as_shown : shown_rejected(i);
    }
    const SdpFingerprint& fingerprint = state_.fingerprints.front();
    one.attributes.add("setup", setup_);
    one.attributes.add("fingerprint", fingerprint.hash + " " + fingerprint.value);
    one.attributes.add("ice-ufrag", state_.ufrag);
    one.attributes.add("ice-pwd", state_.pwd);
    if (i == *state_.head)
      for (const std::string& candidate : candidates_)
        one.attributes.add("candidate", candidate.substr(std::string_view("candidate:").size()));
    shown.media.push_back(std::move(one));
  }
  state_.bundle.clear();
  for (const std::string& mid : group_)
    for (const SdpMline& mline : mlines_)
      if (mline.mid == mid && mline.accepted) state_.bundle.push_back(mid);
  state_.candidates = candidates_.size();
  state_.mlines = std::move(mlines_);
  state_.theirs = std::move(sdp_);
  return shown;
}

}  // namespace callbot::pipelines
