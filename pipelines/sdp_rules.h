// pipelines/sdp_rules.h: the rules that a remote description has to pass, and what is remembered of
// descriptions. Part of the SDP guard; nobody else needs it.
//
// Thread:  any one, as the guard.
// Owner:   the guard; plain values.
// Fails:   SdpDraft::check(): kBadInput or kUnsupported, with the m-line and the reason.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pipelines/sdp_guard.h"

namespace callbot::pipelines {

// What the guard remembers. A draft works on a copy, so that a refused description changes nothing.
struct SdpState {
  // One m-line over all descriptions.
  struct Slot {
    std::string mid;
    std::string kind;
    bool free = false;  // rejected by somebody: another m-line may take its place
    // What webrtcbin was shown once it is shown for ever: mid, direction and, where the m-line is
    // rejected later, all of it. Version 1.22 aborts at another mid, fails at a change of direction
    // and at an m-line that comes back, and ends the whole bundle at a=inactive.
    std::string shown_mid;  // empty: not shown yet
    SdpDirection shown{false, false};
    std::optional<SdpMedia> as_shown;
    int payload = -1;      // chosen; it stays, since the sender stays at it
    std::string rtp_name;  // of it
  };
  std::vector<Slot> slots;
  std::optional<uint32_t> head;  // the m-line that carries the bundle in webrtcbin

  // The last remote description.
  Sdp theirs;
  std::vector<SdpMline> mlines;
  std::vector<std::string> bundle;  // accepted mids in their order
  bool bundle_was_said = true;
  std::vector<SdpFingerprint> fingerprints;
  std::optional<uint64_t> most_message_bytes;
  std::string ufrag, pwd;
  bool restarts_ice = false;
  size_t candidates = 0;

  // The last local offer.
  struct Offered {
    std::string mid;
    std::string kind;
    SdpDirection direction;
  };
  std::vector<Offered> offered;
};

// One remote description on its way through the rules.
class SdpDraft {
 public:
  SdpDraft(const SdpGuardConfig& config, const SdpState& before, Sdp sdp, bool offer)
      : config_(config), state_(before), sdp_(std::move(sdp)), offer_(offer) {}

  Result<> check();
  // What webrtcbin is shown, after check().
  Sdp shown();
  SdpState take_state() { return std::move(state_); }

 private:
  const SdpMedia& media(size_t i) const { return sdp_.media[i]; }
  const char* what() const { return offer_ ? "offer" : "answer"; }
  std::string mline_name(size_t i) const;
  const SdpMedia* by_mid(std::string_view mid) const;
  // A transport attribute: the m-line's own, else the session's, else that of the bundle's first.
  const std::string* transport(size_t i, std::string_view name) const;

  Result<> name_mlines();
  Result<> check_order() const;
  Result<> check_offer_order() const;
  Result<> check_answer_order() const;
  Result<> read_bundle();
  Result<> accept_mlines();
  bool wanted(size_t i);
  bool choose_codec(size_t i);
  const SdpCodec* next_sent(size_t i) const;
  bool takes_data_channel(size_t i);
  Result<> check_accepted() const;
  Result<> read_fingerprints();
  Result<> read_setup();
  Result<> read_ice();
  Result<> read_directions();
  Result<> choose_head();
  void read_candidates();
  SdpMedia shown_media(size_t i, std::set<uint32_t>& seen_ssrcs);
  SdpMedia shown_rejected(size_t i) const;
  void name_for_webrtcbin(size_t i);

  const SdpGuardConfig& config_;
  SdpState state_;
  Sdp sdp_;
  const bool offer_;
  std::vector<SdpMline> mlines_;
  std::vector<std::string> group_;
  const SdpMedia* tag_ = nullptr;  // first m-line of their bundle that they have not rejected
  std::string setup_;
  std::vector<std::string> candidates_;
};

bool is_media(std::string_view kind);
// Port 0 rejects an m-line, unless it only says that the bundle's port is meant (RFC 8843, 6).
bool is_rejected(const SdpMedia& media);
// The mids of the first BUNDLE group; nothing: there is none.
std::optional<std::vector<std::string>> bundle_of(const Sdp& sdp);
void set_bundle(Sdp& sdp, const std::vector<std::string>& mids);
bool contains(const std::vector<std::string>& list, std::string_view one);

}  // namespace callbot::pipelines
